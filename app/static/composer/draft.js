/*
 * Keeps what is being written: on the server a second after typing stops, and in this browser until
 * the server has it. A form without data-draft-url keeps it in this browser alone.
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
    this.url = form.dataset.draftUrl ?? "";
    this.key = `portal-draft:${form.dataset.draftOwner ?? ""}:${this.url || form.dataset.draftKey}`;
    this.offeredKey = `${this.key}:offered`;
    this.saved = this.read();
    this.timer = 0;
    this.firstChange = 0;
    this.failures = 0;
    this.request = null;
    this.sending = "";
    this.submitted = false;
  }

  get isDirty() {
    return this.read() !== this.saved;
  }

  /** Whether leaving now would lose something, as far as can be known. */
  get isAtRisk() {
    if (this.submitted || !this.isDirty) return false;
    if (this.url === "") return this.failures > 0;
    return this.failures > 0 || !navigator.onLine || this.read().length > LONGEST_KEEPALIVE;
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
    const isKept = this.#keep(body, false);
    if (this.url === "") {
      this.#keptHere(isKept);
      return;
    }
    if (this.request !== null) {
      // A page that closes is hidden first: one request says it all.
      if (leaving && this.sending === body) return;
      if (!leaving) {
        this.#later(PAUSE_MS);
        return;
      }
      this.request.abort();
    }
    const request = new AbortController();
    this.request = request;
    this.sending = body;
    this.form.dataset.draftState = "saving";
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

  /** The browser's copy is all there is: what the form began with stays what it is compared with. */
  #keptHere(isKept) {
    this.firstChange = 0;
    this.failures = isKept ? 0 : 1;
    this.form.dataset.draftState = isKept ? "saved" : "failed";
    this.say(isKept ? "Draft kept in this browser" : "Draft not kept: this browser has no room for it");
  }

  #settled() {
    this.firstChange = 0;
    this.form.dataset.draftState = "saved";
    forget(this.key);
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
   * What this browser kept and the server does not show. A copy that has to be asked about is put aside, so
   * that what is written meanwhile does not take its place.
   * @param {boolean} formIsEmpty  the server brought no text
   * @returns {{fields: [string, string][], off: string[], at: Date, submitted: boolean, certain: boolean} | null}
   *   off: names of switches that were turned off, of which a form says nothing; certain: it can be put into the
   *   form without asking, because it was never sent and covers nothing
   */
  kept(formIsEmpty) {
    const copy = readCopy(this.key) ?? readCopy(this.offeredKey);
    if (copy === null) return null;
    const shown = copy.body === this.saved || (copy.submitted && !formIsEmpty);
    forget(this.key);
    if (shown || Date.now() - copy.at > KEPT_FOR_MS) {
      this.discardOffered();
      return null;
    }
    const certain = formIsEmpty && !copy.submitted;
    store(certain ? this.key : this.offeredKey, copy);
    const fields = [...new URLSearchParams(copy.body)];
    return { fields, off: copy.off ?? [], at: new Date(copy.at), submitted: copy.submitted, certain };
  }

  discardOffered() {
    forget(this.offeredKey);
  }

  /** @returns {boolean}  whether the browser took it */
  #keep(body, submitted) {
    const switches = [...this.form.querySelectorAll("input[type=checkbox][role=switch]:not(:checked)")];
    const isKept = store(this.key, { body, off: switches.map((field) => field.name), at: Date.now(), submitted });
    if (submitted) rememberSubmitted(this.key);
    return isKept;
  }
}

/** Drop the copy of a message whose arrival this page shows; called on every page. */
export function forgetArrived() {
  try {
    const key = sessionStorage.getItem(SUBMITTED);
    sessionStorage.removeItem(SUBMITTED);
    if (key !== null && ARRIVED.test(location.hash)) forget(key);
  } catch {
    // Storage is switched off: nothing was kept.
  }
}

function rememberSubmitted(key) {
  try {
    sessionStorage.setItem(SUBMITTED, key);
  } catch {
    // Switched off: then no copy was kept either.
  }
}

function store(key, copy) {
  try {
    localStorage.setItem(key, JSON.stringify(copy));
    return true;
  } catch {
    // Storage is full or switched off: the server's copy, where there is one, has to do.
    return false;
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Switched off: then nothing was kept.
  }
}

/** @returns {{body: string, off?: string[], at: number, submitted: boolean} | null} */
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
  const loggedOut = response.type === "opaqueredirect" || response.status === 401 || response.status === 403;
  if (loggedOut) return "you are logged out";
  const answer = await response.json().catch(() => null);
  return typeof answer?.error === "string" ? answer.error.replace(/\.$/, "") : `the server answered ${response.status}`;
}
