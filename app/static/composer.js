/*
 * Makes writing a message safe and quick: drafts, attachments, shortcuts. Load it after editor.js with
 * <script type="module" src="…/composer.js">. Without script the form works as any form.
 *
 * What the page writes
 *   <form data-composer method="post" enctype="multipart/form-data"
 *         data-draft-url="/tickets/1/draft"     leave it out for no drafts; then leaving with changes asks first
 *         data-draft-key="/tickets/new"         instead of the URL: a draft that only this browser keeps, by this name
 *         data-draft-owner="7"                  the agent's id: what this browser keeps is then theirs alone
 *         data-max-file-bytes data-max-total-bytes>   10 MB and 25 MB when left out
 *   <p data-draft-status role="status">         made at the end of the form when missing
 *   <input type="radio" name="kind" value="reply|note">   the form has class is-note and data-kind; .for-reply and
 *                                               .for-note inside it are shown or hidden by editor.css
 *   <button type="button" data-show="cc" hidden>Cc</button> with <div data-shown-by="cc">…</div>
 *                                               the row is hidden while its fields are empty, the button shows it;
 *                                               any name will do
 *   <input type="file" multiple data-attachments>   with ul[data-attachment-list] and p[data-attachment-warning],
 *                                               made when missing; rows are li.attachment[.is-too-large]
 *   <button data-send>, <button data-send-close>    Ctrl/⌘+Enter and Ctrl/⌘+Shift+Enter press them, or, when they
 *                                               are not shown, the first submit button that is; data-busy-label
 *                                               replaces "Sending…"
 *
 * What the server does
 *   POST data-draft-url, urlencoded: the form's fields except files and csrf_token, header X-CSRF-Token → 204;
 *   4xx {"error": "…"} is shown. An empty text deletes the draft. A sent message deletes it too.
 *   After a message was accepted: 303 to an address ending in #reply-<id>, #message-<id> or #note-<id> of a page
 *   that loads this file. That is how the copy kept in this browser is known to be of no use any more.
 *   Logging out should answer with Clear-Site-Data: "storage", so that nothing stays on a shared machine.
 *
 * State for style sheets and tests: form[data-draft-state=unsaved|saving|saved|failed], form[aria-busy=true] while
 * it is being sent, div.draft-offer when this browser keeps a text that the server does not have.
 *
 * For other scripts: before moving to another page, dispatch CustomEvent("portal:leaving", {detail: {wait: []}})
 * on document and wait for the promises put into wait.
 */

import { makeAttachments } from "./composer/attachments.js";
import { Draft, forgetArrived } from "./composer/draft.js";
import { watchSuppressed } from "./composer/suppressed.js";
import { watchTracking } from "./composer/tracking.js";

/** A request that hangs or was stopped must not leave the agent with dead buttons. */
const SENDING_TAKES_AT_MOST_MS = 20_000;

class Composer {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.text = form.querySelector("textarea[data-editor]") ?? form.querySelector("textarea");
    this.status = form.querySelector("[data-draft-status]") ?? makeStatus(form);
    const files = form.querySelector("input[type=file][data-attachments]");
    this.attachments = files && makeAttachments(form, files, (words) => this.say(words));
    this.#kinds();
    this.#rows();
    this.draft = form.dataset.draftUrl || form.dataset.draftKey ? new Draft(form, (words) => this.say(words)) : null;
    this.untouched = this.draft === null ? snapshot(form) : "";
    this.busyTimer = 0;
    this.whileBusy = [];
    if (this.draft !== null) this.#restore();
    this.#listen();
    watchTracking(form);
    watchSuppressed(form);
  }

  /** Say it once: a live region reads out every change, and "saved" each second is noise. */
  say(words) {
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  #listen() {
    const { form, draft } = this;
    form.addEventListener("keydown", (event) => this.#key(event));
    form.addEventListener("submit", (event) => this.#submit(event));
    addEventListener("beforeunload", (event) => {
      if (this.#wouldLose()) event.preventDefault();
    });
    addEventListener("pageshow", (event) => {
      if (event.persisted && this.#isBusy) this.#ready();
    });
    if (draft === null) return;
    for (const type of ["input", "change"]) form.addEventListener(type, () => draft.changed());
    addEventListener("pagehide", () => void draft.save({ leaving: true }));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void draft.save({ leaving: true });
    });
    addEventListener("online", () => draft.retryNow());
    document.addEventListener("portal:leaving", (event) => event.detail.wait.push(draft.save()));
  }

  #wouldLose() {
    if (this.#isBusy) return false;
    if (this.attachments !== null && this.attachments.count > 0) return true;
    return this.draft === null ? snapshot(this.form) !== this.untouched : this.draft.isAtRisk;
  }

  #kinds() {
    const { form } = this;
    const show = () => {
      const kind = new FormData(form).get("kind") ?? "reply";
      form.dataset.kind = kind;
      form.classList.toggle("is-note", kind === "note");
    };
    form.addEventListener("change", (event) => {
      if (event.target.name === "kind") show();
    });
    show();
  }

  #rows() {
    for (const button of this.form.querySelectorAll("[data-show]")) {
      const row = this.form.querySelector(`[data-shown-by="${CSS.escape(button.dataset.show)}"]`);
      if (row === null) continue;
      const fields = [...row.querySelectorAll("input, textarea")];
      const show = (shown) => {
        row.hidden = !shown;
        button.hidden = shown;
        button.setAttribute("aria-expanded", String(shown));
      };
      row.id ||= `row-${button.dataset.show}`;
      button.setAttribute("aria-controls", row.id);
      show(fields.some((field) => field.value.trim() !== ""));
      button.addEventListener("click", () => {
        show(true);
        fields[0]?.focus();
      });
      // A restored draft fills fields whose row was closed.
      for (const field of fields) field.addEventListener("change", () => field.value.trim() !== "" && show(true));
    }
  }

  #key(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
    event.preventDefault();
    // Other scripts of the page know these keys too.
    event.stopPropagation();
    const buttons = [...this.form.querySelectorAll("button:not([type=button], [type=reset])")].filter(isShown);
    const wanted = buttons.find((button) => button.matches(event.shiftKey ? "[data-send-close]" : "[data-send]"));
    this.form.requestSubmit(wanted ?? buttons[0]);
  }

  #submit(event) {
    if (event.defaultPrevented) return;
    if (this.#isBusy) {
      event.preventDefault();
      return;
    }
    const problem = this.attachments?.problem() ?? "";
    if (problem !== "") {
      event.preventDefault();
      this.attachments.warn();
      return;
    }
    this.draft?.submitting();
    this.#busy(event.submitter);
  }

  get #isBusy() {
    return this.form.getAttribute("aria-busy") === "true";
  }

  /** Show that it is being sent. The buttons are not disabled: a disabled one would not be sent along. */
  #busy(submitter) {
    this.form.setAttribute("aria-busy", "true");
    for (const button of this.form.querySelectorAll("button:not([type=button], [type=reset])")) {
      button.setAttribute("aria-disabled", "true");
    }
    if (submitter !== null) {
      this.whileBusy = [submitter, [...submitter.childNodes]];
      submitter.style.minWidth = `${submitter.offsetWidth}px`;
      submitter.replaceChildren(submitter.dataset.busyLabel ?? "Sending…");
    }
    this.busyTimer = setTimeout(() => {
      this.#ready();
      this.say("The server has not answered yet. If nothing happens, send again.");
    }, SENDING_TAKES_AT_MOST_MS);
  }

  #ready() {
    clearTimeout(this.busyTimer);
    this.form.removeAttribute("aria-busy");
    for (const button of this.form.querySelectorAll("[aria-disabled=true]:is([type=submit], :not([type]))")) {
      button.removeAttribute("aria-disabled");
    }
    const [submitter, content] = this.whileBusy;
    submitter?.replaceChildren(...content);
    if (submitter !== undefined) submitter.style.minWidth = "";
    this.whileBusy = [];
    this.draft?.shownAgain();
  }

  /** Bring back what this browser kept, at once where that covers nothing, otherwise when asked to. */
  #restore() {
    const kept = this.draft.kept(this.#isEmpty);
    if (kept === null) return;
    if (kept.certain) {
      this.#use(kept);
      this.say("Draft restored from this browser");
      return;
    }
    const time = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
    const at = time.format(kept.at);
    const offer = document.createElement("div");
    offer.className = "draft-offer";
    offer.setAttribute("role", "group");
    const words = document.createElement("p");
    words.textContent = kept.submitted
      ? `The message you sent on ${at} may not have arrived. This browser still has its text.`
      : `This browser has a text from ${at} that was not saved.`;
    const button = (label, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "draft-offer-button";
      made.textContent = label;
      made.addEventListener("click", () => {
        act();
        offer.remove();
      });
      return made;
    };
    offer.setAttribute("aria-label", "Unsaved text");
    offer.append(
      words,
      button("Use it", () => {
        this.#use(kept);
        this.draft.discardOffered();
      }),
      button("Discard it", () => this.draft.discardOffered()),
    );
    this.form.prepend(offer);
  }

  get #isEmpty() {
    if (this.text === null) return true;
    return this.text.editor ? this.text.editor.isEmpty : this.text.value.trim() === "";
  }

  #use({ fields, off }) {
    const rich = this.text?.editor;
    for (const [name, value] of fields) {
      if (rich && name === (this.text.dataset.htmlName ?? "body_html")) rich.setHtml(value);
      else for (const field of this.form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) fill(field, value);
    }
    for (const name of off) {
      const field = this.form.querySelector(`input[type=checkbox][name="${CSS.escape(name)}"]`);
      if (field !== null) field.checked = false;
    }
    this.draft.changed();
  }
}

/** Put a kept value into one field. Hidden ones stay: they hold what the server knows better. */
function fill(field, value) {
  if (field.type === "hidden" || field.type === "file" || field.nodeName === "BUTTON" || field.hidden) return;
  if (field.type === "radio" || field.type === "checkbox") {
    if (field.value !== value) return;
    field.checked = true;
  } else field.value = value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function isShown(button) {
  return button.offsetParent !== null;
}

function makeStatus(form) {
  const status = document.createElement("p");
  status.className = "draft-status";
  status.dataset.draftStatus = "";
  status.setAttribute("role", "status");
  form.append(status);
  return status;
}

function snapshot(form) {
  return JSON.stringify([...new FormData(form)].filter(([, value]) => typeof value === "string"));
}

forgetArrived();
for (const form of document.querySelectorAll("form[data-composer]")) new Composer(form);
