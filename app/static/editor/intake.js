/*
 * What is pasted, dropped or chosen: where it goes in the text, and pictures on their way to the server.
 */

import { activeAt } from "./commands.js";
import { insertFragment, normalise, rangeIn, select } from "./dom.js";
import { makeUploads } from "./images.js";
import { placeUnder, read } from "./transfer.js";

export class Intake {
  /** @param {import("../editor.js").Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.body = editor.body;
    this.draggingInside = false;
    const { wrap, picker, progress } = editor.view;
    this.wrap = wrap;
    this.picker = picker;
    this.uploads = makeUploads({
      url: editor.textarea.dataset.uploadUrl ?? "",
      say: (words) => editor.say(words),
      progress: (share) => {
        progress.hidden = share === null;
        progress.value = share ?? 0;
      },
      insert: (image, place) => this.#insertImage(image, place),
    });
    this.#listen();
  }

  /** Names of the pictures that are on their way. @returns {string[]} */
  get uploading() {
    return this.uploads.pending;
  }

  /** Let a picture be chosen from the disk. */
  choose() {
    this.picker.click();
  }

  /** The nodes were exchanged for others: what is on its way goes to the caret, or to the end. */
  textReplaced() {
    this.uploads.moveTo(this.editor.range());
  }

  #listen() {
    const { body, wrap, picker } = this;
    body.addEventListener("paste", (event) => {
      event.preventDefault();
      this.#bring(event.clipboardData, this.editor.range());
    });
    body.addEventListener("dragstart", () => {
      this.draggingInside = true;
    });
    body.addEventListener("dragend", () => {
      this.draggingInside = false;
    });
    for (const type of ["dragenter", "dragover"]) {
      wrap.addEventListener(type, (event) => {
        if (this.draggingInside) return;
        event.preventDefault();
        wrap.classList.add("is-dropping");
      });
    }
    wrap.addEventListener("dragleave", (event) => {
      if (!wrap.contains(event.relatedTarget)) wrap.classList.remove("is-dropping");
    });
    wrap.addEventListener("drop", (event) => this.#drop(event));
    picker.addEventListener("change", () => {
      this.uploads.add(picker.files, this.editor.range());
      picker.value = "";
    });
  }

  #drop(event) {
    this.wrap.classList.remove("is-dropping");
    // The browser moves what was dragged inside the text; anything else is not let in uncleaned.
    if (this.draggingInside) return;
    event.preventDefault();
    const under = placeUnder(event);
    const place = under !== null && this.body.contains(under.startContainer) ? under : this.editor.range();
    this.#bring(event.dataTransfer, place);
  }

  /**
   * @param {DataTransfer} transfer
   * @param {Range} place
   */
  #bring(transfer, place) {
    const { body, editor } = this;
    const target = place.cloneRange();
    body.focus();
    select(target);
    editor.history.before("paste");
    const brought = read(transfer, activeAt(body, rangeIn(body)).codeblock);
    if (brought.fragment !== null) this.#insert(brought);
    if (brought.pictures.length > 0) this.uploads.add(brought.pictures, editor.range());
    if (brought.files.length > 0) this.#offer(brought.files);
    if (brought.leftOut > 0) {
      const [count, them] = brought.leftOut === 1 ? ["1 image", "it"] : [`${brought.leftOut} images`, "them"];
      editor.say(`${count} of another site left out. Save ${them} and add ${them} as files.`);
    }
  }

  /** @param {import("./transfer.js").Brought} brought */
  #insert({ fragment, inside }) {
    const { body, editor } = this;
    editor.commanding = true;
    if (!rangeIn(body).collapsed) {
      document.execCommand("delete");
      normalise(body);
    }
    editor.commanding = false;
    select(insertFragment(body, editor.range(), fragment));
    for (const { marker, file } of inside) {
      const place = document.createRange();
      place.setStartBefore(marker);
      marker.remove();
      this.uploads.add([file], place);
    }
    editor.recorded("paste");
  }

  #insertImage(image, place) {
    const { body, editor } = this;
    editor.history.before("image");
    const fragment = document.createDocumentFragment();
    fragment.append(image);
    const range = body.contains(place.startContainer) ? place : editor.range();
    const caret = rangeIn(body);
    // Whoever went on writing, here or in another field, stays where they are.
    const follows = caret !== null && caret.compareBoundaryPoints(Range.START_TO_START, range) === 0;
    const behind = insertFragment(body, range, fragment);
    place.setStart(behind.startContainer, behind.startOffset);
    place.collapse(true);
    if (follows && editor.isFocused) select(behind);
    editor.recorded("image");
  }

  #offer(files) {
    const event = new CustomEvent("editor:files", { bubbles: true, cancelable: true, detail: { files } });
    if (!this.editor.textarea.dispatchEvent(event)) return;
    this.editor.say(`${files[0].name} is not a picture and cannot be put in the text.`);
  }
}
