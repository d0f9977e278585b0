/*
 * Rich text for messages: makes an editor of every <textarea data-editor>. Load it with
 * <script type="module" src="…/editor.js">, and editor.css with it. Without script the textarea stays.
 *
 * What the page writes
 *   <meta name="csrf-token" content="…">           sent as X-CSRF-Token with every picture
 *   <label for="reply-text">Message</label>         names the editor too; aria-label on the textarea also does
 *   <textarea id="reply-text" name="body_text" data-editor data-html-name="body_html"
 *             data-upload-url="/tickets/1/images"   leave it out where pictures cannot be put in the text
 *             placeholder="…" aria-describedby="…" required autofocus></textarea>
 *   Text to start with, the first that is there:
 *     <textarea data-editor … data-initial-html="{{ html }}">          escaped like any attribute
 *     <textarea hidden disabled data-initial-html>{{ html }}</textarea>  a sibling, escaped like any text
 *     <template data-editor-initial>{{ html|safe }}</template>          a sibling, cleaned on the server
 *     the textarea's own text, as plain text
 *   Whatever comes is cleaned again here. Keep body_text in the textarea as well: it is what is seen without script.
 *
 * What is sent with the form
 *   body_html (a hidden input that this file adds) carries the HTML, "" when nothing was written;
 *   body_text is then sent empty. `new FormData(form)` gives the same.
 *   A picture: POST data-upload-url, multipart field "image", answered by 201 {"id": 12, "url": "/attachments/12/inline"},
 *   or by 4xx {"error": "words for the agent"}.
 *
 * What this file makes, for style sheets and tests
 *   div.editor[.is-dropping] > div.editor-toolbar[role=toolbar] > button.editor-tool[data-command=bold|italic|code|
 *   link|bullets|numbers|quote|codeblock|image|clear|undo|redo], div.editor-link, div.editor-body[contenteditable]
 *   [data-empty], progress.editor-progress, p.editor-status[role=status].
 *
 * For other scripts
 *   textarea.editor  {html, isEmpty, setHtml(html), focus()}
 *   Events on the textarea's form, bubbling: "input" after each change; "editor:files" with detail.files when files that are
 *   no pictures were pasted or dropped; a script that takes them calls preventDefault().
 */

import { cleanHtml, serialise } from "./editor/clean.js";
import * as commands from "./editor/commands.js";
import {
  emptyLine, endOf, insertFragment, isBlank, normalise, rangeIn, select,
} from "./editor/dom.js";
import { History } from "./editor/history.js";
import { makeUploads } from "./editor/images.js";
import { makeLinkForm } from "./editor/linkform.js";
import { linkTextNodes, textToFragment } from "./editor/links.js";
import { commandFor, makeToolbar } from "./editor/toolbar.js";
import { placeUnder, read } from "./editor/transfer.js";

let made = 0;

class Editor {
  /** @param {HTMLTextAreaElement} textarea */
  constructor(textarea) {
    made += 1;
    this.textarea = textarea;
    this.form = textarea.form;
    this.id = textarea.id || `editor-${made}`;
    this.required = textarea.required;
    this.lastRange = null;
    this.composing = false;
    this.dragging = false;
    /** While a command runs, what the browser reports of its steps is not yet a change to be undone. */
    this.commanding = false;
    this.#build();
    this.#fill(initialContent(textarea));
    this.history = new History(this.body);
    this.#listen();
    this.#listenToForm();
    this.#changed();
    document.execCommand("defaultParagraphSeparator", false, "p");
    if (textarea.autofocus) this.focus();
  }

  get html() {
    return serialise(this.body);
  }

  get isEmpty() {
    return isBlank(this.body);
  }

  /** Replace the whole message; it can be undone. @param {string} html */
  setHtml(html) {
    this.#fill(cleanHtml(html).fragment);
    this.lastRange = null;
    if (this.#isFocused) select(endOf(this.body));
    this.uploads.moveTo(this.#range());
    this.#recorded("replace");
  }

  /** Browsers give the focus to the text when a script puts the selection there. */
  get #isFocused() {
    return document.activeElement === this.body;
  }

  focus() {
    // Asked for first: taking the focus puts the caret to the start.
    const range = this.#range().cloneRange();
    this.body.focus();
    select(range);
  }

  #build() {
    const { textarea } = this;
    const uploadUrl = textarea.dataset.uploadUrl ?? "";
    this.body = element("div", "editor-body");
    this.body.id = `${this.id}-rich`;
    this.body.contentEditable = "true";
    this.body.dir = "auto";
    this.body.spellcheck = textarea.spellcheck;
    this.#describe();
    this.toolbar = makeToolbar({
      controls: this.body.id,
      without: uploadUrl === "" ? ["image"] : [],
      press: (name) => this.run(name),
      leave: () => this.focus(),
    });
    this.linkForm = makeLinkForm({
      id: `${this.id}-link`,
      close: () => this.focus(),
      apply: (href, words) => this.#command("link", () => commands.setLink(this.body, href, words)),
      remove: () => this.#command("link", () => commands.removeLink(this.body)),
    });
    this.status = element("p", "editor-status");
    this.status.setAttribute("role", "status");
    const progress = element("progress", "editor-progress");
    progress.max = 1;
    progress.hidden = true;
    progress.setAttribute("aria-label", "Upload");
    this.uploads = makeUploads({
      url: uploadUrl,
      say: (words) => this.say(words),
      progress: (share) => {
        progress.hidden = share === null;
        progress.value = share ?? 0;
      },
      insert: (image, place) => this.#insertImage(image, place),
    });
    this.picker = element("input", "editor-picker");
    this.picker.type = "file";
    this.picker.accept = "image/png,image/jpeg,image/gif,image/webp";
    this.picker.multiple = true;
    this.picker.hidden = true;
    this.hidden = element("input", "");
    this.hidden.type = "hidden";
    this.hidden.name = textarea.dataset.htmlName ?? "body_html";

    this.wrap = element("div", "editor");
    this.wrap.append(this.toolbar.element, this.linkForm.element, this.body, progress, this.status, this.picker, this.hidden);
    textarea.after(this.wrap);
    textarea.classList.add("editor-source");
    textarea.hidden = true;
    textarea.required = false;
    textarea.editor = this;
  }

  /** Say to assistive technology what the textarea said. */
  #describe() {
    const { textarea, body } = this;
    body.setAttribute("role", "textbox");
    body.setAttribute("aria-multiline", "true");
    if (this.required) body.setAttribute("aria-required", "true");
    const labels = [...textarea.labels];
    labels.forEach((label, index) => {
      label.id ||= `${this.id}-label-${index}`;
      label.addEventListener("click", () => this.focus());
    });
    const named = textarea.getAttribute("aria-labelledby") ?? labels.map((label) => label.id).join(" ");
    if (named !== "") body.setAttribute("aria-labelledby", named);
    else body.setAttribute("aria-label", textarea.getAttribute("aria-label") ?? "Message");
    const described = textarea.getAttribute("aria-describedby");
    if (described !== null) body.setAttribute("aria-describedby", described);
    if (textarea.placeholder !== "") {
      body.dataset.placeholder = textarea.placeholder;
      body.setAttribute("aria-placeholder", textarea.placeholder);
    }
  }

  #fill(fragment) {
    this.body.replaceChildren(fragment);
    if (!this.body.firstChild) this.body.append(emptyLine());
    normalise(this.body);
  }

  #listen() {
    const { body } = this;
    body.addEventListener("beforeinput", (event) => this.#beforeInput(event));
    body.addEventListener("input", (event) => this.#afterInput(event));
    body.addEventListener("compositionstart", () => (this.composing = true));
    body.addEventListener("compositionend", () => {
      this.composing = false;
      this.#recorded("compose", { quiet: true });
    });
    body.addEventListener("keydown", (event) => this.#key(event));
    body.addEventListener("paste", (event) => {
      event.preventDefault();
      this.#bring(event.clipboardData, this.#range());
    });
    body.addEventListener("dragstart", () => (this.dragging = true));
    body.addEventListener("dragend", () => (this.dragging = false));
    for (const type of ["dragenter", "dragover"]) {
      this.wrap.addEventListener(type, (event) => {
        if (this.dragging) return;
        event.preventDefault();
        this.wrap.classList.add("is-dropping");
      });
    }
    this.wrap.addEventListener("dragleave", (event) => {
      if (!this.wrap.contains(event.relatedTarget)) this.wrap.classList.remove("is-dropping");
    });
    this.wrap.addEventListener("drop", (event) => this.#drop(event));
    this.picker.addEventListener("change", () => {
      this.uploads.add(this.picker.files, this.#range());
      this.picker.value = "";
    });
    document.addEventListener("selectionchange", () => {
      const range = rangeIn(body);
      if (range === null) return;
      this.lastRange = range.cloneRange();
      this.toolbar.setPressed(commands.activeAt(body, range));
    });
  }

  #listenToForm() {
    if (this.form === null) return;
    // Capture: this has to speak before a script that shows the form as being sent.
    this.form.addEventListener("submit", (event) => this.#submit(event), { capture: true });
    this.form.addEventListener("formdata", ({ formData }) => {
      this.hidden.value = this.html;
      formData.set(this.hidden.name, this.hidden.value);
      formData.set(this.textarea.name, "");
    });
    this.form.addEventListener("reset", () => {
      this.#fill(initialContent(this.textarea));
      this.history.reset();
      this.#changed();
    });
  }

  #submit(event) {
    const [uploading] = this.uploads.pending;
    if (uploading !== undefined) {
      event.preventDefault();
      this.say(`${uploading} is still being uploaded. Send again when it is in the text.`);
    } else if (this.required && this.isEmpty) {
      event.preventDefault();
      this.body.setAttribute("aria-invalid", "true");
      this.say("Write a message first.");
      this.focus();
    } else if (linkTextNodes(textNodes(this.body))) this.#recorded("link");
  }

  #beforeInput(event) {
    const type = event.inputType;
    if (!this.commanding && !this.composing) this.history.moved();
    if (type === "historyUndo" || type === "historyRedo") {
      event.preventDefault();
      this.run(type === "historyUndo" ? "undo" : "redo");
    } else if (type === "insertParagraph" || type === "insertLineBreak") {
      this.#linkBeforeCaret();
      if (commands.enter(this.body)) {
        event.preventDefault();
        this.#recorded("enter");
      }
    } else if (type === "insertText" && event.data === " ") this.#linkBeforeCaret();
  }

  #afterInput(event) {
    if (this.composing || this.commanding || !event.isTrusted) return;
    const typing = event.inputType === "insertText" ? "type" : event.inputType.startsWith("delete") ? "delete" : "other";
    this.#recorded(typing, { quiet: true });
  }

  /** A typed address becomes a link once it is finished. */
  #linkBeforeCaret() {
    const range = this.#range();
    const node = range.startContainer;
    if (!range.collapsed || node.nodeType !== Node.TEXT_NODE) return;
    const rest = node.splitText(range.startOffset);
    const start = Math.max(node.data.lastIndexOf(" "), node.data.lastIndexOf("\u00a0")) + 1;
    const word = node.splitText(start);
    if (linkTextNodes([word])) this.history.record("link", Date.now());
    const caret = document.createRange();
    caret.setStart(rest, 0);
    select(caret);
    if (rest.data === "") {
      caret.setStartBefore(rest);
      rest.remove();
      select(caret);
    }
  }

  #key(event) {
    if (event.key === "F10" && event.altKey) {
      event.preventDefault();
      this.toolbar.focus();
      return;
    }
    const name = commandFor(event);
    if (name === null || event.isComposing) return;
    event.preventDefault();
    this.run(name);
  }

  /** Do what the button or the keys of this name stand for. @param {string} name */
  run(name) {
    if (name === "undo" || name === "redo") this.#travel(name === "undo" ? -1 : 1);
    else if (name === "image") this.picker.click();
    else if (name === "link") this.#askForLink();
    else {
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
      this.#command(name, actions[name]);
    }
  }

  #command(name, action) {
    this.focus();
    this.history.moved();
    this.commanding = true;
    action();
    this.commanding = false;
    this.#recorded(name);
  }

  #travel(step) {
    this.focus();
    if (!this.history.go(step)) return;
    this.uploads.moveTo(this.#range());
    this.#changed();
    this.#tell();
  }

  #askForLink() {
    const range = this.#range();
    // The form takes the focus before the browser has reported the last move of the selection.
    this.lastRange = range.cloneRange();
    const link = commands.linkAt(this.body, range);
    this.linkForm.open({
      href: link?.getAttribute("href") ?? "",
      words: link?.textContent ?? range.toString(),
      exists: link !== null,
    });
  }

  #drop(event) {
    this.wrap.classList.remove("is-dropping");
    // The browser moves what was dragged inside the text; anything else is not let in uncleaned.
    if (this.dragging) return;
    event.preventDefault();
    const place = placeUnder(event);
    this.#bring(event.dataTransfer, place !== null && this.body.contains(place.startContainer) ? place : this.#range());
  }

  #bring(transfer, place) {
    const kept = place.cloneRange();
    this.body.focus();
    select(kept);
    this.history.moved();
    const range = rangeIn(this.body);
    const brought = read(transfer, commands.activeAt(this.body, range).codeblock);
    if (brought.fragment !== null) this.#insert(brought);
    if (brought.pictures.length > 0) this.uploads.add(brought.pictures, this.#range());
    if (brought.files.length > 0) this.#offer(brought.files);
    if (brought.leftOut > 0) {
      const [count, them] = brought.leftOut === 1 ? ["1 image", "it"] : [`${brought.leftOut} images`, "them"];
      this.say(`${count} of another site left out. Save ${them} and add ${them} as files.`);
    }
  }

  #insert({ fragment, inside }) {
    this.commanding = true;
    if (!rangeIn(this.body).collapsed) {
      document.execCommand("delete");
      normalise(this.body);
    }
    this.commanding = false;
    select(insertFragment(this.body, rangeIn(this.body), fragment));
    for (const { marker, file } of inside) {
      const place = document.createRange();
      place.setStartBefore(marker);
      marker.remove();
      this.uploads.add([file], place);
    }
    this.#recorded("paste");
  }

  #insertImage(image, place) {
    const fragment = document.createDocumentFragment();
    fragment.append(image);
    const range = this.body.contains(place.startContainer) ? place : this.#range();
    const caret = rangeIn(this.body);
    // Whoever went on writing, here or in another field, stays where they are.
    const follows = caret !== null && caret.compareBoundaryPoints(Range.START_TO_START, range) === 0;
    const behind = insertFragment(this.body, range, fragment);
    place.setStart(behind.startContainer, behind.startOffset);
    place.collapse(true);
    if (follows && this.#isFocused) select(behind);
    this.#recorded("image");
  }

  #offer(files) {
    const event = new CustomEvent("editor:files", { bubbles: true, cancelable: true, detail: { files } });
    if (!this.textarea.dispatchEvent(event)) return;
    this.say(`${files[0].name} is not a picture and cannot be put in the text.`);
  }

  /** The selection in the text, or the last one, or its end. @returns {Range} */
  #range() {
    const range = rangeIn(this.body) ?? this.lastRange;
    const usable = range !== null && this.body.contains(range.commonAncestorContainer);
    // Between two lines nobody can write; the browser leaves the caret there when the lines were replaced.
    if (usable && !(range.collapsed && range.startContainer === this.body)) return range;
    return endOf((usable && this.body.childNodes[range.startOffset - 1]) || this.body);
  }

  /** After each change: shape, undo, buttons; and the form is told unless the browser has done so. */
  #recorded(kind, { quiet = false } = {}) {
    normalise(this.body);
    this.history.record(kind, Date.now());
    this.#changed();
    if (!quiet) this.#tell();
  }

  #changed() {
    this.body.toggleAttribute("data-empty", this.isEmpty && this.body.querySelector("li, pre, blockquote") === null);
    if (!this.isEmpty) this.body.removeAttribute("aria-invalid");
    this.toolbar.setUsable("undo", this.history.canUndo);
    this.toolbar.setUsable("redo", this.history.canRedo);
    const range = rangeIn(this.body);
    if (range !== null) this.toolbar.setPressed(commands.activeAt(this.body, range));
  }

  #tell() {
    this.body.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {string} words  shown under the text and read out */
  say(words) {
    this.status.textContent = words;
  }
}

function element(name, className) {
  const node = document.createElement(name);
  if (className !== "") node.className = className;
  return node;
}

function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  return nodes;
}

/** @returns {DocumentFragment} */
function initialContent(textarea) {
  const siblings = [...textarea.parentElement.children];
  const stored = siblings.find((node) => node !== textarea && node.matches("textarea[data-initial-html]"));
  const template = siblings.find((node) => node.matches("template[data-editor-initial]"));
  const html = textarea.dataset.initialHtml || stored?.value || template?.innerHTML.trim() || "";
  return html === "" ? textToFragment(textarea.value) : cleanHtml(html).fragment;
}

for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
  if (textarea.editor === undefined) new Editor(textarea);
}
