/*
 * Undo and redo. The browser's own undo forgets every change made by a script (paste, image, quote),
 * so the editor keeps its own. A state is a copy of the nodes, never HTML source: nothing is parsed.
 */

import { select } from "./dom.js";

const MOST_STATES = 200;
/** Letters typed without such a pause are undone together. */
const TYPING_PAUSE_MS = 1000;
/** A copy of the whole text after each letter would make long messages slow. */
const COPY_AFTER_MS = 300;

/**
 * @typedef {{start: number[], end: number[]} | null} Place  child numbers from the root, then the offset
 */

export class History {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.reset();
  }

  /** Forget everything; what stands there now is the first state. */
  reset() {
    this.#copied();
    this.states = [this.#state()];
    this.at = 0;
    this.kind = "";
    this.changedAt = 0;
  }

  get canUndo() {
    return this.at > 0 || this.pending !== null;
  }

  get canRedo() {
    return this.at < this.states.length - 1 && this.pending === null;
  }

  /**
   * Called before a change of this kind, so that undoing it brings the caret back to where it is now.
   * @param {string} kind
   */
  before(kind) {
    if (this.pending === kind) return;
    this.#settle();
    this.states[this.at].place = placeOf(this.root);
  }

  /** A letter was typed or deleted; it is copied once there is time. @param {"type" | "delete"} kind */
  typed(kind) {
    clearTimeout(this.timer);
    this.pending = kind;
    this.timer = setTimeout(() => this.#settle(), COPY_AFTER_MS);
  }

  /**
   * Keep the state after a change.
   * @param {string} kind  "type", "delete", or anything else for a change that stands alone
   */
  record(kind) {
    this.#copied();
    const state = this.#state();
    if (sameNodes(state.nodes, this.states[this.at].nodes)) return;
    const now = Date.now();
    const isTyping = kind === "type" || kind === "delete";
    const joins = isTyping && kind === this.kind && now - this.changedAt < TYPING_PAUSE_MS && this.at > 0;
    this.states.length = this.at + 1;
    if (joins) this.states[this.at] = state;
    else this.states.push(state);
    if (this.states.length > MOST_STATES) this.states.shift();
    this.at = this.states.length - 1;
    this.kind = kind;
    this.changedAt = now;
  }

  /**
   * @param {-1 | 1} step  back or forward
   * @returns {boolean}  whether there was a state to go to
   */
  go(step) {
    this.#settle();
    const state = this.states[this.at + step];
    if (state === undefined) return false;
    this.at += step;
    this.kind = "";
    this.root.replaceChildren(...state.nodes.map((node) => node.cloneNode(true)));
    if (state.place !== null) goTo(this.root, state.place);
    return true;
  }

  #settle() {
    if (this.pending !== null) this.record(this.pending);
  }

  #copied() {
    clearTimeout(this.timer);
    this.pending = null;
  }

  #state() {
    return { nodes: [...this.root.childNodes].map((node) => node.cloneNode(true)), place: placeOf(this.root) };
  }
}

function sameNodes(some, others) {
  return some.length === others.length && some.every((node, index) => node.isEqualNode(others[index]));
}

/** @returns {Place} */
function placeOf(root) {
  const selection = document.getSelection();
  if (selection === null || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.commonAncestorContainer)) return null;
  return {
    start: path(root, range.startContainer, range.startOffset),
    end: path(root, range.endContainer, range.endOffset),
  };
}

function path(root, node, offset) {
  const steps = [offset];
  for (let at = node; at !== root; at = at.parentNode) steps.unshift([...at.parentNode.childNodes].indexOf(at));
  return steps;
}

function goTo(root, place) {
  const range = document.createRange();
  range.setStart(...find(root, place.start));
  range.setEnd(...find(root, place.end));
  select(range);
}

function find(root, steps) {
  let node = root;
  for (const step of steps.slice(0, -1)) {
    if (node.childNodes[step] === undefined) break;
    node = node.childNodes[step];
  }
  const length = node.nodeType === Node.TEXT_NODE ? node.data.length : node.childNodes.length;
  return [node, Math.min(steps.at(-1), length)];
}
