/*
 * The small form under the toolbar that asks where a link goes. Its fields have no name, so that they
 * are never sent with the message, and Enter in them never sends it either.
 */

import { readAddress } from "./links.js";

/**
 * @param {object} options
 * @param {string} options.id  start of the ids used inside
 * @param {(href: string, words: string) => void} options.apply
 * @param {() => void} options.remove
 * @param {() => void} options.close  called after the form is gone, whatever the outcome
 */
export function makeLinkForm({ id, apply, remove, close }) {
  const form = document.createElement("div");
  form.className = "editor-link";
  form.hidden = true;
  form.setAttribute("role", "group");
  form.setAttribute("aria-label", "Link");
  const address = makeField(form, `${id}-address`, "Link to", "https://example.org");
  const words = makeField(form, `${id}-words`, "Text", "");
  address.inputMode = "url";
  address.autocapitalize = "none";
  address.spellcheck = false;
  const error = document.createElement("p");
  error.className = "editor-link-error";
  error.id = `${id}-error`;
  error.setAttribute("role", "alert");
  const removeButton = makeButton("Remove link", () => finish(remove));
  const applyButton = makeButton("Apply", submit);
  applyButton.classList.add("editor-link-apply");
  form.append(applyButton, removeButton, makeButton("Cancel", () => finish()), error);

  function submit() {
    const read = readAddress(address.value);
    if ("error" in read) {
      error.textContent = read.error;
      address.setAttribute("aria-invalid", "true");
      address.setAttribute("aria-describedby", error.id);
      address.focus();
      return;
    }
    const text = words.value.trim();
    finish(() => apply(read.href, text));
  }

  function clearError() {
    error.textContent = "";
    address.removeAttribute("aria-invalid");
    address.removeAttribute("aria-describedby");
  }

  function finish(then) {
    form.hidden = true;
    clearError();
    close();
    then?.();
  }

  address.addEventListener("input", clearError);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") finish();
    else if (event.key === "Enter" && event.target.nodeName === "INPUT") submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element: form,
    /**
     * @param {{href: string, words: string, exists: boolean}} link  what stands at the caret now
     */
    open({ href, words: text, exists }) {
      address.value = href;
      words.value = text;
      removeButton.hidden = !exists;
      clearError();
      form.hidden = false;
      address.focus();
      address.select();
    },
  };
}

function makeField(form, id, text, placeholder) {
  const label = document.createElement("label");
  label.className = "editor-link-label";
  label.htmlFor = id;
  label.textContent = text;
  const input = document.createElement("input");
  input.type = "text";
  input.id = id;
  input.className = "editor-link-input";
  input.placeholder = placeholder;
  input.autocomplete = "off";
  input.dir = "auto";
  const field = document.createElement("div");
  field.className = "editor-link-field";
  field.append(label, input);
  form.append(field);
  return input;
}

function makeButton(text, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "editor-link-button";
  button.textContent = text;
  button.addEventListener("click", press);
  return button;
}
