/*
 * The elements an editor is made of, and what it takes over from the textarea it stands for.
 */

import { cleanHtml } from "./clean.js";
import { textToFragment } from "./links.js";

/**
 * Build the editor's elements and put them after the textarea, which is hidden.
 * @param {HTMLTextAreaElement} textarea
 * @param {string} id  start of the ids used inside
 * @param {() => void} focus  called when a label is clicked
 */
export function makeView(textarea, id, focus) {
  const body = element("div", "editor-body");
  body.id = `${id}-rich`;
  body.contentEditable = "true";
  body.dir = "auto";
  body.spellcheck = textarea.spellcheck;
  describe(body, textarea, id, focus);

  const head = element("div", "editor-head");
  const progress = element("progress", "editor-progress");
  progress.max = 1;
  progress.hidden = true;
  progress.setAttribute("aria-label", "Upload");
  const status = element("p", "editor-status");
  status.setAttribute("role", "status");
  const picker = element("input", "editor-picker");
  picker.type = "file";
  picker.accept = "image/png,image/jpeg,image/gif,image/webp";
  picker.multiple = true;
  picker.hidden = true;
  const hidden = element("input", "");
  hidden.type = "hidden";
  hidden.name = textarea.dataset.htmlName ?? "body_html";

  const wrap = element("div", "editor");
  wrap.append(head, body, progress, status, picker, hidden);
  textarea.after(wrap);
  textarea.classList.add("editor-source");
  textarea.hidden = true;
  // The browser cannot point at a field that is not shown; the editor asks for a message itself.
  textarea.required = false;
  return { wrap, head, body, progress, status, picker, hidden };
}

/** Say to assistive technology what the textarea said. */
function describe(body, textarea, id, focus) {
  body.setAttribute("role", "textbox");
  body.setAttribute("aria-multiline", "true");
  if (textarea.required) body.setAttribute("aria-required", "true");
  const labels = [...textarea.labels];
  labels.forEach((label, index) => {
    label.id ||= `${id}-label-${index}`;
    label.addEventListener("click", focus);
  });
  const named = textarea.getAttribute("aria-labelledby") ?? labels.map((label) => label.id).join(" ");
  if (named !== "") body.setAttribute("aria-labelledby", named);
  else body.setAttribute("aria-label", textarea.getAttribute("aria-label") ?? "Message");
  for (const name of ["aria-describedby", "aria-invalid", "aria-errormessage"]) {
    const value = textarea.getAttribute(name);
    if (value !== null) body.setAttribute(name, value);
  }
  if (textarea.placeholder !== "") {
    body.dataset.placeholder = textarea.placeholder;
    body.setAttribute("aria-placeholder", textarea.placeholder);
  }
}

/**
 * The text to start with, cleaned; where it can stand is written at the top of editor.js.
 * @param {HTMLTextAreaElement} textarea
 * @returns {DocumentFragment}
 */
export function initialContent(textarea) {
  const siblings = [...textarea.parentElement.children];
  const stored = siblings.find((node) => node !== textarea && node.matches("textarea[data-initial-html]"));
  const template = siblings.find((node) => node.matches("template[data-editor-initial]"));
  const html = textarea.dataset.initialHtml || stored?.value || template?.innerHTML.trim() || "";
  return html === "" ? textToFragment(textarea.value) : cleanHtml(html).fragment;
}

function element(name, className) {
  const node = document.createElement(name);
  if (className !== "") node.className = className;
  return node;
}
