/*
 * What the toolbar's buttons do to the selection. Bold and italic are the browser's own commands;
 * it nests lists in paragraphs and has no code or quote worth using, so those are done here.
 * Every command expects the selection to be inside root.
 */

import { CARET_HOLDER } from "./clean.js";
import {
  closest, emptyLine, indexOf, isBlank, isBlock, keepingSelection, linesIn, normalise, placeCaret, rangeIn, rename,
  select, unwrap,
} from "./dom.js";

/** Which buttons are pressed at the caret. @returns {Record<string, boolean>} */
export function activeAt(root, range) {
  const at = range.startContainer;
  const list = closest(root, at, ["UL", "OL"])?.nodeName;
  return {
    bold: document.queryCommandState("bold"),
    italic: document.queryCommandState("italic"),
    bullets: list === "UL",
    numbers: list === "OL",
    link: linkAt(root, range) !== null,
    quote: closest(root, at, ["BLOCKQUOTE"]) !== null,
    code: closest(root, at, ["CODE"]) !== null,
    codeblock: closest(root, at, ["PRE"]) !== null,
  };
}

export function linkAt(root, range) {
  return closest(root, range.startContainer, ["A"]);
}

export function bold() {
  document.execCommand("styleWithCSS", false, "false");
  document.execCommand("bold");
}

export function italic() {
  document.execCommand("styleWithCSS", false, "false");
  document.execCommand("italic");
}

/** Make the lines a list of this kind ("UL" or "OL"), change its kind, or make paragraphs of it again. */
export function toggleList(root, kind) {
  normalise(root);
  const lines = linesIn(root, rangeIn(root));
  const items = lines.map((line) => closest(root, line, ["LI"]));
  keepingSelection(root, () => {
    const moved = new Map();
    if (items.length > 0 && items.every((item) => item?.parentNode.nodeName === kind)) {
      for (const item of new Set(items)) moved.set(item, liftItem(item));
    } else {
      lines.forEach((line, index) => {
        if (items[index] === null) moved.set(line, makeItem(line, kind));
        else if (items[index].parentNode.nodeName !== kind) rename(items[index].parentNode, kind);
      });
    }
    return moved;
  });
}

/** Turn a line into an item of the list before it, or of a new one; returns the item. */
function makeItem(line, kind) {
  const before = line.previousElementSibling;
  const list = before?.nodeName === kind ? before : document.createElement(kind);
  if (list !== before) line.before(list);
  const item = rename(line, "li");
  list.append(item);
  const after = list.nextElementSibling;
  if (after?.nodeName === kind) {
    list.append(...after.childNodes);
    after.remove();
  }
  return item;
}

/** Take an item out of its list, which is cut in two; a nested item moves one level up. Returns the line. */
function liftItem(item) {
  const list = item.parentNode;
  const rest = document.createElement(list.nodeName);
  while (item.nextSibling) rest.append(item.nextSibling);
  if (list.parentNode.nodeName === "LI") {
    list.parentNode.after(item);
    if (rest.firstChild) item.append(rest);
    if (!list.firstChild) list.remove();
    return item;
  }
  const line = document.createElement("p");
  const inside = [...item.childNodes];
  const blocks = inside.findIndex(isBlock);
  line.append(...inside.slice(0, blocks === -1 ? inside.length : blocks));
  if (!line.firstChild && blocks === -1) line.append(document.createElement("br"));
  list.after(...(line.firstChild ? [line] : []), ...(blocks === -1 ? [] : inside.slice(blocks)));
  const last = blocks === -1 ? line : inside.at(-1);
  if (rest.firstChild) last.after(rest);
  item.remove();
  if (!list.firstChild) list.remove();
  return line.firstChild ? line : inside[blocks];
}

/** Put the lines into a quote, or take the quote they stand in away. */
export function toggleQuote(root) {
  normalise(root);
  const range = rangeIn(root);
  const quote = closest(root, range.commonAncestorContainer, ["BLOCKQUOTE"]);
  keepingSelection(root, () => {
    if (quote !== null) {
      unwrap(quote);
      return;
    }
    const tops = [...new Set(linesIn(root, range).map((line) => topOf(root, line)))];
    if (tops.length === 0) return;
    const made = document.createElement("blockquote");
    tops[0].before(made);
    for (const block of tops) {
      made.append(block);
      if (block.nodeName === "BLOCKQUOTE") unwrap(block);
    }
  });
}

function topOf(root, node) {
  let at = node;
  while (at.parentNode !== root) at = at.parentNode;
  return at;
}

/** Mark the words as code, or as ordinary words again; a selection over several lines becomes a block. */
export function toggleCode(root) {
  const range = rangeIn(root);
  const code = closest(root, range.commonAncestorContainer, ["CODE"]);
  if (code !== null) leaveCode(code, range);
  else if (range.collapsed) {
    plainSpaceBefore(range);
    const made = document.createElement("code");
    made.append(CARET_HOLDER);
    range.insertNode(made);
    placeCaret(made.firstChild, 1);
  } else if (linesIn(root, range).length > 1) toggleCodeBlock(root);
  else {
    const made = document.createElement("code");
    made.append(range.extractContents());
    for (const inner of made.querySelectorAll("code")) unwrap(inner);
    range.insertNode(made);
    const words = document.createRange();
    words.selectNodeContents(made);
    select(words);
  }
}

/** A space last typed is a non-breaking one until a letter follows; what follows now is an element. */
function plainSpaceBefore(range) {
  const { startContainer: words, startOffset: at } = range;
  if (words.nodeType !== Node.TEXT_NODE || words.data[at - 1] !== "\u00a0") return;
  words.replaceData(at - 1, 1, " ");
  range.setStart(words, at);
  range.collapse(true);
}

/** At its end one steps out of the code; elsewhere the code becomes ordinary words. */
function leaveCode(code, range) {
  const after = document.createRange();
  after.setStart(range.endContainer, range.endOffset);
  after.setEnd(code, code.childNodes.length);
  if (range.collapsed && after.toString() === "") {
    const holder = document.createTextNode(CARET_HOLDER);
    code.after(holder);
    if (isBlank(code)) code.remove();
    placeCaret(holder, 1);
  } else keepingSelection(code.parentNode, () => unwrap(code));
}

/** Make one block of code of the lines, or paragraphs of a block of code. */
export function toggleCodeBlock(root) {
  normalise(root);
  const range = rangeIn(root);
  const block = closest(root, range.commonAncestorContainer, ["PRE"]);
  if (block !== null) {
    const lines = block.textContent.replace(/\n+$/, "").split("\n");
    const made = lines.map((words) => {
      const line = emptyLine();
      if (words !== "") line.replaceChildren(words);
      return line;
    });
    block.replaceWith(...made);
    selectLines(made);
    return;
  }
  const lines = linesIn(root, range).map(outOfLists.bind(null, root));
  if (lines.length === 0) return;
  const made = document.createElement("pre");
  made.append(lines.map(textOf).join("\n") || "\n");
  lines[0].before(made);
  for (const line of lines) line.remove();
  if (made.textContent === "\n") placeCaret(made.firstChild, 0);
  else selectLines([made]);
}

function outOfLists(root, line) {
  let out = line;
  for (let item = closest(root, out, ["LI"]); item !== null; item = closest(root, out, ["LI"])) out = liftItem(item);
  return out;
}

function textOf(line) {
  const copy = line.cloneNode(true);
  for (const lineBreak of copy.querySelectorAll("br")) lineBreak.replaceWith("\n");
  return copy.textContent.replaceAll(CARET_HOLDER, "").replace(/\n$/, "");
}

function selectLines(lines) {
  const range = document.createRange();
  range.setStart(lines[0], 0);
  range.setEnd(lines.at(-1), lines.at(-1).childNodes.length);
  select(range);
}

/** Take every mark and link from the words, and make plain paragraphs of headings, quotes and code. */
export function clearFormatting(root) {
  normalise(root);
  const range = rangeIn(root);
  if (!range.collapsed) document.execCommand("removeFormat");
  const lines = linesIn(root, rangeIn(root));
  keepingSelection(root, () => {
    const moved = new Map();
    const touched = rangeIn(root);
    for (const line of lines) {
      // Of a selection, the browser has cleared the rest already, and exactly up to its ends.
      const marks = line.querySelectorAll(range.collapsed ? "a, code, b, strong, i, em, u, s" : "a, code");
      for (const mark of marks) if (touched.intersectsNode(mark)) unwrap(mark);
      const quote = closest(root, line, ["BLOCKQUOTE"]);
      if (["H1", "H2", "H3"].includes(line.nodeName)) moved.set(line, rename(line, "p"));
      if (quote !== null) unwrap(quote);
    }
    return moved;
  });
  if (lines.length === 1 && lines[0].nodeName === "PRE") toggleCodeBlock(root);
}

/**
 * Link the selected words, change the link at the caret, or insert a new one.
 * @param {string} href  an address that was checked
 * @param {string} words  what the reader sees
 */
export function setLink(root, href, words) {
  const range = rangeIn(root);
  const link = linkAt(root, range);
  if (link !== null) {
    link.setAttribute("href", href);
    if (words !== "" && words !== link.textContent) link.replaceChildren(words);
    placeCaret(link.parentNode, indexOf(link) + 1);
  } else if (!range.collapsed && (words === "" || words === range.toString())) {
    document.execCommand("createLink", false, href);
    document.getSelection().collapseToEnd();
  } else {
    const made = document.createElement("a");
    made.setAttribute("href", href);
    made.append(words === "" ? href.replace(/^mailto:/, "") : words);
    range.deleteContents();
    plainSpaceBefore(range);
    const line = range.startContainer;
    if (line.childNodes.length === 1 && line.firstChild.nodeName === "BR") line.replaceChildren();
    range.insertNode(made);
    placeCaret(made.parentNode, indexOf(made) + 1);
  }
}

export function removeLink(root) {
  const link = linkAt(root, rangeIn(root));
  if (link !== null) keepingSelection(root, () => unwrap(link));
}

/**
 * Enter, where the browser would trap the writer: in a block of code it is a new line, and on an empty
 * last line of code or an empty line of a quote it leads out.
 * @returns {boolean}  whether it was handled here
 */
export function enter(root) {
  const range = rangeIn(root);
  const block = closest(root, range.startContainer, ["PRE"]);
  if (block !== null) {
    enterInCode(block, range);
    return true;
  }
  const line = closest(root, range.startContainer, ["P", "DIV"]);
  if (line?.parentNode.nodeName !== "BLOCKQUOTE" || !range.collapsed || !isBlank(line)) return false;
  const quote = line.parentNode;
  const rest = document.createElement("blockquote");
  while (line.nextSibling) rest.append(line.nextSibling);
  quote.after(line);
  if (rest.firstChild) line.after(rest);
  if (!quote.firstChild) quote.remove();
  placeCaret(line, 0);
  return true;
}

function enterInCode(block, range) {
  range.deleteContents();
  const before = document.createRange();
  before.setStart(block, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const words = block.textContent;
  const at = before.toString().length;
  if (at > 0 && words[at - 1] === "\n" && words.slice(at).trim() === "") {
    block.replaceChildren(words.replace(/\n+$/, ""));
    const line = emptyLine();
    block.after(line);
    placeCaret(line, 0);
    return;
  }
  // A line end that is last in its block is not shown; a second one behind the caret makes it so.
  const added = at === words.length ? "\n\n" : "\n";
  block.replaceChildren(words.slice(0, at) + added + words.slice(at));
  placeCaret(block.firstChild, at + 1);
}
