/*
 * Where the caret is, which lines a selection touches, and the shape the message keeps while it is
 * edited: at the top level only blocks, text only inside them.
 */

import { BLOCKS, CARET_HOLDER } from "./clean.js";

const BLOCK_IN_LINE = ":is(p, h1, h2, h3, pre) > :is(p, div, ul, ol, blockquote, pre)";

export function isBlock(node) {
  return node !== null && BLOCKS.has(node.nodeName);
}

/**
 * @param {HTMLElement} root
 * @returns {Range | null}  the selection where it lies inside root
 */
export function rangeIn(root) {
  const selection = document.getSelection();
  if (selection === null || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  return root.contains(range.commonAncestorContainer) ? range : null;
}

/** @param {Range} range */
export function select(range) {
  const selection = document.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

/** Put the caret into node, before its child or letter number offset. */
export function placeCaret(node, offset) {
  const range = document.createRange();
  range.setStart(node, offset);
  select(range);
}

/** @returns {Range}  the last place in node where one can write */
export function endOf(node) {
  let target = node;
  while (target.lastChild && target.lastChild.nodeName !== "BR" && target.lastChild.nodeName !== "IMG") {
    target = target.lastChild;
  }
  const range = document.createRange();
  if (target.nodeType === Node.TEXT_NODE) range.setStart(target, target.data.length);
  else range.setStart(target, target.childNodes.length - (target.lastChild?.nodeName === "BR" ? 1 : 0));
  return range;
}

/** The nearest element of one of these names around node, inside root; null where there is none. */
export function closest(root, node, names) {
  for (let at = node; at !== null && at !== root; at = at.parentNode) {
    if (names.includes(at.nodeName)) return at;
  }
  return null;
}

/** Replace an element by what it holds. */
export function unwrap(element) {
  element.replaceWith(...element.childNodes);
}

/** Give an element another name; returns the new one, which holds the same nodes. */
export function rename(element, name) {
  const made = document.createElement(name);
  made.append(...element.childNodes);
  element.replaceWith(made);
  return made;
}

/** An empty line a caret can stand in. */
export function emptyLine() {
  const line = document.createElement("p");
  line.append(document.createElement("br"));
  return line;
}

/** Whether an element shows nothing: no word, no image. */
export function isBlank(element) {
  return element.textContent.replaceAll(CARET_HOLDER, "").trim() === "" && element.querySelector("img") === null;
}

/**
 * The lines (innermost blocks with text of their own) that a range touches, in order.
 * @param {HTMLElement} root
 * @param {Range} range
 * @returns {HTMLElement[]}
 */
export function linesIn(root, range) {
  const lines = [...root.querySelectorAll("p, div, li, pre, h1, h2, h3")].filter(
    (block) => range.intersectsNode(block) && (!block.firstChild || [...block.childNodes].some(isText)),
  );
  // A selection dragged to the start of the next line does not mean that line.
  const last = lines.at(-1);
  if (lines.length > 1 && last.contains(range.endContainer) && isStartOf(last, range)) lines.pop();
  return lines;
}

function isText(node) {
  return !isBlock(node) && (node.nodeType !== Node.TEXT_NODE || node.data.trim() !== "");
}

function isStartOf(line, range) {
  const before = document.createRange();
  before.setStart(line, 0);
  before.setEnd(range.endContainer, range.endOffset);
  return before.toString() === "" && before.cloneContents().querySelector("img, br") === null;
}

/**
 * Change the tree and leave the selection on the same words. Moving a node drops the selection from it.
 * @param {HTMLElement} root
 * @param {() => Map<Node, Node> | void} change  may return which node took the place of which
 */
export function keepingSelection(root, change) {
  const range = rangeIn(root);
  const ends = range && [
    [range.startContainer, range.startOffset],
    [range.endContainer, range.endOffset],
  ];
  const moved = change() ?? new Map();
  if (!ends) return;
  const [start, end] = ends.map(([node, offset]) => {
    const now = moved.get(node) ?? node;
    if (now !== root && root.contains(now)) return [now, Math.min(offset, lengthOf(now))];
    const line = root.lastElementChild ?? root;
    return [line, lengthOf(line)];
  });
  const kept = document.createRange();
  kept.setStart(...start);
  kept.setEnd(...end);
  select(kept);
}

function lengthOf(node) {
  return node.nodeType === Node.TEXT_NODE ? node.data.length : node.childNodes.length;
}

/**
 * Bring what the browser's own editing left behind back into shape.
 * @param {HTMLElement} root
 */
export function normalise(root) {
  if (!needsWork(root)) return;
  if (!root.firstChild || (root.childNodes.length === 1 && root.firstChild.nodeName === "BR")) {
    const focused = rangeIn(root) !== null;
    root.replaceChildren(emptyLine());
    if (focused) placeCaret(root.firstChild, 0);
    return;
  }
  keepingSelection(root, () => {
    const moved = new Map();
    for (const element of root.querySelectorAll("[style]")) element.removeAttribute("style");
    for (const element of root.querySelectorAll("span, font")) unwrap(element);
    for (const element of root.querySelectorAll("strike")) moved.set(element, rename(element, "s"));
    for (const block of root.querySelectorAll("p, h1, h2, h3, pre")) {
      if ([...block.children].some(isBlock)) unwrap(block);
    }
    for (const container of [root, ...root.querySelectorAll("blockquote")]) wrapText(container);
    return moved;
  });
}

function needsWork(root) {
  return (
    !root.firstChild ||
    [...root.childNodes].some((node) => !isBlock(node)) ||
    root.querySelector(`[style], span, font, strike, ${BLOCK_IN_LINE}`) !== null ||
    [...root.querySelectorAll("blockquote")].some((quote) => [...quote.childNodes].some((node) => !isBlock(node)))
  );
}

/** Put the words that stand directly in a container into paragraphs. */
function wrapText(container) {
  let line = null;
  for (const node of [...container.childNodes]) {
    if (isBlock(node)) line = null;
    else if (line === null && node.nodeType === Node.TEXT_NODE && node.data.trim() === "") node.remove();
    else {
      if (line === null) {
        line = document.createElement("p");
        node.before(line);
      }
      line.append(node);
    }
  }
}

/**
 * Insert cleaned content at a range that is collapsed. Words go into the line there; blocks part it in two.
 * The selection is left alone: the writer may be elsewhere by now.
 * @param {HTMLElement} root
 * @param {Range} range
 * @param {DocumentFragment} fragment
 * @returns {Range}  the place behind what was inserted
 */
export function insertFragment(root, range, fragment) {
  if (!fragment.firstChild) return range;
  const line = closest(root, range.startContainer, ["P", "DIV", "LI", "PRE", "H1", "H2", "H3"]);
  if (![...fragment.childNodes].some(isBlock)) {
    const last = fragment.lastChild;
    if (line !== null) dropLoneBreak(line, range);
    range.insertNode(fragment);
    const behind = document.createRange();
    behind.setStartAfter(last);
    return behind;
  }
  wrapText(fragment);
  if (line === null) {
    const last = fragment.lastChild;
    range.insertNode(fragment);
    return endOf(last);
  }
  const rest = splitLine(line, range);
  const pieces = line.nodeName === "LI" ? [...fragment.childNodes].flatMap(asItems) : [...fragment.childNodes];
  line.after(...pieces, rest);
  let last = pieces.at(-1);
  if (isBlank(line)) line.remove();
  else if (continues(line, pieces[0])) {
    line.append(...pieces[0].childNodes);
    pieces[0].remove();
    if (last === pieces[0]) last = line;
  }
  const behind = endOf(last);
  if (isBlank(rest)) rest.remove();
  else if (continues(last, rest)) {
    last.append(...rest.childNodes);
    rest.remove();
  }
  return behind;
}

/** Pasted into a list, the items of a list stay items and every other block becomes one. */
function asItems(block) {
  return block.nodeName === "UL" || block.nodeName === "OL" ? [...block.children] : [rename(block, "li")];
}

/** Whether two lines of running text may become one. */
function continues(line, next) {
  const running = ["P", "DIV", "LI"];
  return running.includes(line.nodeName) && running.includes(next.nodeName);
}

/** Cut a line at the caret; returns the second half, which is not yet in the tree. */
function splitLine(line, range) {
  const after = document.createRange();
  after.setStart(range.startContainer, range.startOffset);
  after.setEnd(line, line.childNodes.length);
  const rest = document.createElement(line.nodeName);
  rest.append(after.extractContents());
  return rest;
}

/** The line break that keeps an empty line open is in the way once there are words. */
function dropLoneBreak(line, range) {
  if (line.childNodes.length !== 1 || line.firstChild.nodeName !== "BR") return;
  line.firstChild.remove();
  range.setStart(line, 0);
}

export function indexOf(node) {
  return [...node.parentNode.childNodes].indexOf(node);
}
