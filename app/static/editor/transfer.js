/*
 * What a paste or a drop brings: pictures, other files, HTML or plain text.
 */

import { cleanHtml } from "./clean.js";
import { textToFragment } from "./links.js";

/**
 * @typedef {object} Brought
 * @property {DocumentFragment | null} fragment  cleaned, ready to insert
 * @property {File[]} pictures  to upload and insert
 * @property {File[]} files  to attach
 * @property {{marker: Comment, file: File}[]} inside  pictures standing in the fragment as data
 * @property {number} leftOut  how many images of other sites were left out
 */

/**
 * @param {DataTransfer} transfer
 * @param {boolean} asWords  the caret stands in a block of code: take the bare text
 * @returns {Brought}
 */
export function read(transfer, asWords) {
  const all = [...transfer.files];
  const pictures = all.filter((file) => file.type.startsWith("image/"));
  const files = all.filter((file) => !file.type.startsWith("image/"));
  const text = transfer.getData("text/plain");
  const html = transfer.getData("text/html");
  const none = { fragment: null, pictures: [], files: [], inside: [], leftOut: 0 };
  if (asWords && text !== "") {
    const fragment = document.createDocumentFragment();
    fragment.append(text.replace(/\r\n?/g, "\n"));
    return { ...none, fragment };
  }
  if (html !== "") {
    const { fragment, leftOut, images } = cleanHtml(html);
    // Word sends a picture of the words along with the words; "Copy image" sends HTML with nothing but the image.
    const worthwhile = fragment.textContent.trim() !== "" || fragment.querySelector("img") !== null;
    if (worthwhile || (all.length === 0 && (images.length > 0 || leftOut > 0))) {
      return { ...none, fragment, inside: images, leftOut };
    }
  }
  if (all.length > 0) return { ...none, pictures, files };
  return text === "" ? none : { ...none, fragment: textToFragment(text) };
}

/**
 * @param {DragEvent} event
 * @returns {Range | null}  the place under the pointer
 */
export function placeUnder(event) {
  if (document.caretPositionFromPoint) {
    const position = document.caretPositionFromPoint(event.clientX, event.clientY);
    if (position === null) return null;
    const range = document.createRange();
    range.setStart(position.offsetNode, position.offset);
    return range;
  }
  return document.caretRangeFromPoint?.(event.clientX, event.clientY) ?? null;
}
