/*
 * Rich text for messages: makes an editor of every <textarea data-editor>. Load it with
 * <script type="module" src="…/editor.js">, and editor.css with it. Without script the textarea stays.
 *
 * What the page writes
 *   <meta name="csrf-token" content="…">            sent as X-CSRF-Token with every picture
 *   <label for="reply-text">Message</label>         names the editor too; aria-label on the textarea does as well
 *   <textarea id="reply-text" name="body_text" data-editor data-html-name="body_html"
 *             data-upload-url="/tickets/1/images"   leave it out where pictures cannot be put in the text
 *             placeholder="…" aria-describedby="…" aria-invalid="true" required autofocus></textarea>
 *   The text to start with, the first of these that is there:
 *     <textarea data-editor … data-initial-html="{{ html }}">            escaped like any attribute
 *     <textarea hidden disabled data-initial-html>{{ html }}</textarea>  a sibling, escaped like any text
 *     <template data-editor-initial>{{ html|safe }}</template>           a sibling, cleaned on the server
 *     the textarea's own text, as plain text
 *   Whatever comes is cleaned again here. Keep the plain text in the textarea too: it is seen without script.
 *
 * What is sent with the form
 *   body_html (a hidden input that this file adds) carries the HTML, "" when nothing was written; body_text is
 *   then sent empty. `new FormData(form)` gives the same.
 *   A picture: POST data-upload-url, multipart field "image", answered by 201 {"id": 12, "url":
 *   "/attachments/12/inline"}, or by 4xx {"error": "words for the agent"}.
 *
 * What this file makes, for style sheets and tests
 *   div.editor[.is-dropping] > div.editor-head (stays in view) > div.editor-toolbar[role=toolbar] >
 *   button.editor-tool[data-command=bold|italic|code|link|bullets|numbers|quote|codeblock|image|clear|undo|redo];
 *   beside the toolbar div.editor-link; below the head div.editor-body[contenteditable][data-empty],
 *   progress.editor-progress, p.editor-status[role=status].
 *
 * For other scripts
 *   textarea.editor: html, isEmpty, setHtml(html), focus().
 *   Events that bubble to the form: "input" after each change; "editor:files" with detail.files when files that
 *   are no pictures were pasted or dropped; a script that takes them calls preventDefault().
 */

import { cleanHtml, serialise } from "./editor/clean.js";
import * as commands from "./editor/commands.js";
import { emptyLine, endOf, isBlank, normalise, rangeIn, select } from "./editor/dom.js";
import { History } from "./editor/history.js";
import { Intake } from "./editor/intake.js";
import { makeLinkForm } from "./editor/linkform.js";
import { linkTextNodes } from "./editor/links.js";
import { makeToolbar } from "./editor/toolbar.js";
import { listenToTyping } from "./editor/typing.js";
import { initialContent, makeView } from "./editor/view.js";

let made = 0;

export class Editor {
  /** @param {HTMLTextAreaElement} textarea */
  constructor(textarea) {
    made += 1;
    this.textarea = textarea;
    this.id = textarea.id || `editor-${made}`;
    this.required = textarea.required;
    this.lastRange = null;
    /** While a command runs, what the browser reports of its steps is not yet a change to be undone. */
    this.commanding = false;
    this.view = makeView(textarea, this.id, () => this.focus());
    this.body = this.view.body;
    this.#fill(initialContent(textarea));
    this.history = new History(this.body);
    this.toolbar = makeToolbar({
      controls: this.body.id,
      without: textarea.dataset.uploadUrl ? [] : ["image"],
      press: (name) => this.run(name),
      leave: () => this.focus(),
    });
    this.linkForm = makeLinkForm({
      id: `${this.id}-link`,
      close: () => this.focus(),
      apply: (href, words) => this.command("link", () => commands.setLink(this.body, href, words)),
      remove: () => this.command("link", () => commands.removeLink(this.body)),
    });
    this.view.head.append(this.toolbar.element, this.linkForm.element);
    this.intake = new Intake(this);
    listenToTyping(this);
    this.#listen();
    this.#show();
    textarea.editor = this;
    document.execCommand("defaultParagraphSeparator", false, "p");
    if (textarea.autofocus) this.focus();
  }

  get html() {
    return serialise(this.body);
  }

  get isEmpty() {
    return isBlank(this.body);
  }

  /** Browsers give the focus to the text when a script puts the selection there; so ask first. */
  get isFocused() {
    return document.activeElement === this.body;
  }

  /** Replace the whole message; it can be undone. @param {string} html */
  setHtml(html) {
    this.history.before("replace");
    this.#fill(cleanHtml(html).fragment);
    this.lastRange = null;
    if (this.isFocused) select(endOf(this.body));
    this.intake.textReplaced();
    this.recorded("replace");
  }

  focus() {
    // Asked for first: taking the focus puts the caret to the start.
    const range = this.range().cloneRange();
    this.body.focus();
    select(range);
  }

  /** The selection in the text, or the last one, or its end. @returns {Range} */
  range() {
    const range = rangeIn(this.body) ?? this.lastRange;
    const usable = range !== null && this.body.contains(range.commonAncestorContainer);
    // Between two lines nobody can write; the browser leaves the caret there when the lines were replaced.
    if (usable && !(range.collapsed && range.startContainer === this.body)) return range;
    return endOf((usable && this.body.childNodes[range.startOffset - 1]) || this.body);
  }

  /** Do what the button or the keys of this name stand for. @param {string} name */
  run(name) {
    const { body } = this;
    const actions = {
      bold: commands.bold,
      italic: commands.italic,
      bullets: () => commands.toggleList(body, "UL"),
      numbers: () => commands.toggleList(body, "OL"),
      quote: () => commands.toggleQuote(body),
      code: () => commands.toggleCode(body),
      codeblock: () => commands.toggleCodeBlock(body),
      clear: () => commands.clearFormatting(body),
    };
    if (name === "undo" || name === "redo") this.#travel(name === "undo" ? -1 : 1);
    else if (name === "image") this.intake.choose();
    else if (name === "link") this.#askForLink();
    else this.command(name, actions[name]);
  }

  /**
   * Change the text at the selection, as one step to be undone.
   * @param {string} name
   * @param {() => void} action
   */
  command(name, action) {
    this.focus();
    this.history.before(name);
    this.commanding = true;
    action();
    this.commanding = false;
    this.recorded(name);
  }

  /**
   * To be called after each change: shape, undo, buttons; and the form is told unless the browser has done so.
   * @param {string} kind  as History.record takes it
   */
  recorded(kind, { quiet = false } = {}) {
    normalise(this.body);
    this.history.record(kind);
    this.#touched();
    if (!quiet) this.#tell();
  }

  /** Likewise for a letter typed or deleted, of which the form knows. @param {"type" | "delete"} kind */
  typed(kind) {
    normalise(this.body);
    this.history.typed(kind);
    this.#touched();
  }

  /** @param {string} words  shown under the text and read out */
  say(words) {
    this.view.status.textContent = words;
  }

  #fill(fragment) {
    this.body.replaceChildren(fragment);
    if (!this.body.firstChild) this.body.append(emptyLine());
    normalise(this.body);
  }

  #listen() {
    document.addEventListener("selectionchange", () => {
      const range = rangeIn(this.body);
      if (range === null) return;
      this.lastRange = range.cloneRange();
      this.toolbar.setPressed(commands.activeAt(this.body, range));
    });
    const { form } = this.textarea;
    if (form === null) return;
    // Capture: this has to speak before a script that shows the form as being sent.
    form.addEventListener("submit", (event) => this.#submit(event), { capture: true });
    form.addEventListener("formdata", ({ formData }) => {
      const { hidden } = this.view;
      hidden.value = this.html;
      formData.set(hidden.name, hidden.value);
      formData.set(this.textarea.name, "");
    });
    form.addEventListener("reset", () => {
      this.#fill(initialContent(this.textarea));
      this.history.reset();
      this.#show();
    });
  }

  #submit(event) {
    const [uploading] = this.intake.uploading;
    if (uploading !== undefined) {
      event.preventDefault();
      this.say(`${uploading} is still being uploaded. Send again when it is in the text.`);
    } else if (this.required && this.isEmpty) {
      event.preventDefault();
      this.body.setAttribute("aria-invalid", "true");
      this.say("Write a message first.");
      this.focus();
    } else if (linkTextNodes(textNodes(this.body))) this.recorded("link");
  }

  #travel(step) {
    this.focus();
    if (!this.history.go(step)) return;
    this.intake.textReplaced();
    this.#touched();
    this.#tell();
  }

  #askForLink() {
    const range = this.range();
    // The form takes the focus before the browser has reported the last move of the selection.
    this.lastRange = range.cloneRange();
    const link = commands.linkAt(this.body, range);
    this.linkForm.open({
      href: link?.getAttribute("href") ?? "",
      words: link?.textContent ?? range.toString(),
      exists: link !== null,
    });
  }

  #touched() {
    if (!this.isEmpty) this.body.removeAttribute("aria-invalid");
    this.#show();
  }

  #show() {
    const { body } = this;
    body.toggleAttribute("data-empty", this.isEmpty && body.querySelector("li, pre, blockquote") === null);
    this.toolbar.setUsable("undo", this.history.canUndo);
    this.toolbar.setUsable("redo", this.history.canRedo);
    const range = rangeIn(body);
    if (range !== null) this.toolbar.setPressed(commands.activeAt(body, range));
  }

  #tell() {
    this.body.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
  if (textarea.editor === undefined) new Editor(textarea);
}
