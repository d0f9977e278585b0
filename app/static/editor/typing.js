/*
 * Typing: what is grouped for undo, where Enter leads, shortcuts, and addresses that become links.
 */

import { enter } from "./commands.js";
import { select } from "./dom.js";
import { linkTextNodes, splitAddresses } from "./links.js";
import { commandFor } from "./toolbar.js";

/** @param {import("../editor.js").Editor} editor */
export function listenToTyping(editor) {
  const { body, history } = editor;
  // An input method writes and rewrites one word; only the finished word counts.
  let composing = false;

  body.addEventListener("compositionstart", () => {
    history.before("compose");
    composing = true;
  });
  body.addEventListener("compositionend", () => {
    composing = false;
    editor.recorded("compose", { quiet: true });
  });
  body.addEventListener("beforeinput", (event) => {
    const { inputType } = event;
    if (!editor.commanding && !composing) history.before(kindOf(inputType));
    if (inputType === "historyUndo" || inputType === "historyRedo") {
      event.preventDefault();
      editor.run(inputType === "historyUndo" ? "undo" : "redo");
    } else if (inputType === "insertParagraph" || inputType === "insertLineBreak") {
      linkBeforeCaret(editor);
      if (enter(body)) {
        event.preventDefault();
        editor.recorded("enter");
      }
    } else if (inputType === "insertText" && event.data === " ") linkBeforeCaret(editor);
  });
  body.addEventListener("input", (event) => {
    if (composing || editor.commanding || !event.isTrusted) return;
    const kind = kindOf(event.inputType);
    if (kind === "other") editor.recorded(kind, { quiet: true });
    else editor.typed(kind);
  });
  body.addEventListener("keydown", (event) => {
    const name = event.isComposing ? null : commandFor(event);
    if (event.key === "F10" && event.altKey) editor.toolbar.focus();
    else if (name !== null) editor.run(name);
    else return;
    event.preventDefault();
  });
}

/** @returns {"type" | "delete" | "other"}  what the history calls a kind of input */
function kindOf(inputType) {
  if (inputType === "insertText") return "type";
  return inputType.startsWith("delete") ? "delete" : "other";
}

/** A typed address becomes a link once it is finished. */
function linkBeforeCaret(editor) {
  const range = editor.range();
  const node = range.startContainer;
  if (!range.collapsed || node.nodeType !== Node.TEXT_NODE) return;
  const typed = node.data.slice(0, range.startOffset);
  const start = Math.max(typed.lastIndexOf(" "), typed.lastIndexOf("\u00a0")) + 1;
  if (!splitAddresses(typed.slice(start)).some((part) => part.href !== null)) return;
  editor.history.before("link");
  const rest = node.splitText(range.startOffset);
  linkTextNodes([node.splitText(start)]);
  const caret = document.createRange();
  caret.setStart(rest, 0);
  if (rest.data === "") {
    caret.setStartBefore(rest);
    rest.remove();
  }
  select(caret);
  editor.history.record("link");
}
