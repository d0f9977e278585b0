/*
 * Keeps what is being written: on the server a second after typing stops, and in this browser until
 * the server has it.
 */

const PAUSE_MS = 1000;
const LONGEST_WAIT_MS = 10_000;
const LONGEST_RETRY_MS = 60_000;
const KEPT_FOR_MS = 30 * 24 * 3600 * 1000;
/** Browsers refuse a longer body for a request that outlives its page. */
const LONGEST_KEEPALIVE = 60_000;
const SUBMITTED = "portal-submitted";
/** After a message was accepted the server sends the browser to it, by an address that ends like this. */
const ARRIVED = /^#(?:reply|message|note)-\d+$/;
const NOT_IN_A_DRAFT = new Set(["csrf_token"]);

export class Draft {
  /**
   * @param {HTMLFormElement} form
   * @param {(words: string) => void} say
   */
  constructor(form, say) {
    this.form = form;
    this.say = say;
    this.url = form.dataset.draftUrl;
    this.key = `portal-draft:${form.dataset.draftOwner ?? ""}:${this.url}`;
    this.saved = this.read();
    this.timer = 0;
    this.firstChange = 0;
    this.failures = 0;
    this.request = null;
    this.submitted = false;
  }

  get isDirty() {
    return this.read() !== this.saved;
  }

  /** Whether leaving now would lose something, as far as can be known. */
  get isAtRisk() {
    return !this.submitted && this.isDirty && (this.failures > 0 || !navigator.onLine || this.read().length > LONGEST_KEEPALIVE);
  }

  /** The form's words, urlencoded: everything except files and the CSRF token. @returns {string} */
  read() {
    const fields = [...new FormData(this.form)].filter(
      ([name, value]) => typeof value === "string" && !NOT_IN_A_DRAFT.has(name),
    );
    return new URLSearchParams(fields).toString();
  }

  /** Something was written: save once the writer pauses, and every ten seconds if there is no pause. */
  changed() {
    if (this.submitted) return;
    const now = Date.now();
    this.firstChange ||= now;
    this.form.dataset.draftState = this.failures > 0 ? "failed" : "unsaved";
    this.#later(Math.max(0, Math.min(PAUSE_MS, this.firstChange + LONGEST_WAIT_MS - now)));
  }

  #later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), wait);
  }

  /**
   * Save now what is not saved yet.
   * @param {{leaving?: boolean}} options  leaving: the page may be gone before the answer is here
   */
  async save({ leaving = false } = {}) {
    clearTimeout(this.timer);
    if (this.submitted) return;
    const body = this.read();
    if (body === this.saved) {
      this.#settled();
      return;
    }
    this.#keep(body, false);
    if (this.request !== null) {
      if (!leaving) {
        this.#later(PAUSE_MS);
        return;
      }
      this.request.abort();
    }
    const request = new AbortController();
    this.request = request;
    const why = await post(this.url, body, {
      keepalive: leaving && body.length <= LONGEST_KEEPALIVE,
      signal: request.signal,
    });
    if (this.request !== request) return;
    this.request = null;
    if (why !== null) this.#failed(why);
    else {
      this.saved = body;
      this.failures = 0;
      if (this.isDirty) this.changed();
      else this.#settled();
      this.say("Draft saved");
    }
  }

  #settled() {
    this.firstChange = 0;
    this.form.dataset.draftState = "saved";
    this.#forget();
  }

  #failed(why) {
    this.failures += 1;
    this.firstChange = 0;
    this.form.dataset.draftState = "failed";
    this.say(`Draft not saved: ${why}, we try again`);
    this.#later(Math.min(LONGEST_RETRY_MS, PAUSE_MS * 2 ** this.failures));
  }

  /** The connection is back: do not wait for the next try. */
  retryNow() {
    if (this.failures > 0) this.#later(0);
  }

  /** The form is being sent; a copy stays here until the message is known to have arrived. */
  submitting() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.request = null;
    if (this.isDirty) this.#keep(this.read(), true);
    this.submitted = true;
  }

  /** The page is shown again after the form was sent: the browser went back to it. */
  shownAgain() {
    this.submitted = false;
    this.changed();
  }

  /**
   * What this browser kept and the server does not show.
   * @param {boolean} formIsEmpty  the server brought no text
   * @returns {{fields: [string, string][], at: Date, submitted: boolean, certain: boolean} | null}  certain:
   *   it can be put into the form without asking, because it was never sent and covers nothing
   */
  kept(formIsEmpty) {
    const copy = readCopy(this.key);
    if (copy === null) return null;
    const shown = copy.body === this.saved || (copy.submitted && !formIsEmpty);
    if (shown || Date.now() - copy.at > KEPT_FOR_MS) {
      this.#forget();
      return null;
    }
    return {
      fields: [...new URLSearchParams(copy.body)],
      at: new Date(copy.at),
      submitted: copy.submitted,
      certain: formIsEmpty && !copy.submitted,
    };
  }

  discardKept() {
    this.#forget();
  }

  #keep(body, submitted) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ body, at: Date.now(), submitted }));
      if (submitted) sessionStorage.setItem(SUBMITTED, this.key);
    } catch {
      // Storage is full or switched off: the server's copy has to do.
    }
  }

  #forget() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // Switched off: then nothing was kept either.
    }
  }
}

/** Drop the copy of a message whose arrival this page shows; called on every page. */
export function forgetArrived() {
  try {
    const key = sessionStorage.getItem(SUBMITTED);
    sessionStorage.removeItem(SUBMITTED);
    if (key !== null && ARRIVED.test(location.hash)) localStorage.removeItem(key);
  } catch {
    // Storage is switched off: nothing was kept.
  }
}

function readCopy(key) {
  try {
    const copy = JSON.parse(localStorage.getItem(key) ?? "null");
    return typeof copy?.body === "string" ? copy : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<string | null>}  null when it was saved, otherwise why not, in words */
async function post(url, body, { keepalive, signal }) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(body),
      headers: { "X-CSRF-Token": token, Accept: "application/json" },
      redirect: "manual",
      keepalive,
      signal,
    });
  } catch {
    return "no connection";
  }
  if (response.ok) return null;
  if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) return "you are logged out";
  const answer = await response.json().catch(() => null);
  return typeof answer?.error === "string" ? answer.error.replace(/\.$/, "") : `the server answered ${response.status}`;
}
