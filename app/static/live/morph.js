/*
 * Makes a part of the page look like a fresh copy of it while changing as little as possible: whatever
 * stays the same element keeps its focus, its open panel, its scroll position and the pointer over it.
 */

/** What scripts and the reader set on the page's own elements; the server's copy knows nothing of it. */
const OURS = new Set(["open", "style", "aria-expanded", "data-opened"]);
const OUR_CLASS = /^is-/;

/**
 * @param {Element} live  an element in the page
 * @param {Element} fresh  what it should look like
 */
export function morph(live, fresh) {
  morphAttributes(live, fresh);
  morphChildren(live, fresh);
}

/**
 * @param {Element} live
 * @param {ParentNode} fresh  its children take the place of live's children
 */
export function morphChildren(live, fresh) {
  const wanted = [...fresh.childNodes];
  const keyed = new Map([...live.children].filter((child) => keyOf(child)).map((child) => [keyOf(child), child]));
  let at = live.firstChild;
  for (const node of wanted) {
    const same = keyOf(node) ? keyed.get(keyOf(node)) : at;
    if (same && fits(same, node)) {
      // Moving would close what is open in it, so the ones before it go instead.
      while (at !== same && at !== null && !comesLater(at, wanted)) at = removed(at);
      if (same !== at) live.insertBefore(same, at);
      else at = at.nextSibling;
      if (node.nodeType === Node.ELEMENT_NODE) morph(same, node);
      else if (same.nodeValue !== node.nodeValue) same.nodeValue = node.nodeValue;
    } else live.insertBefore(document.importNode(node, true), at);
  }
  while (at !== null) at = removed(at);
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function comesLater(node, wanted) {
  const key = keyOf(node);
  return key !== "" && wanted.some((other) => keyOf(other) === key);
}

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  return node.id || node.getAttribute("data-key") || "";
}

function fits(live, fresh) {
  return live.nodeType === fresh.nodeType && live.nodeName === fresh.nodeName && keyOf(live) === keyOf(fresh);
}

function morphAttributes(live, fresh) {
  // A time's title was put into the reader's zone; it is right as long as the time is.
  const sameTime = live.nodeName === "TIME" && live.getAttribute("datetime") === fresh.getAttribute("datetime");
  const isOurs = (name) => OURS.has(name) || (sameTime && name === "title");
  for (const { name, value } of [...fresh.attributes]) {
    if (isOurs(name)) continue;
    const ours = name === "class" ? [...live.classList].filter((word) => OUR_CLASS.test(word)) : [];
    const words = [value, ...ours].join(" ");
    if (live.getAttribute(name) !== words) live.setAttribute(name, words);
  }
  for (const { name } of [...live.attributes]) {
    if (!isOurs(name) && name !== "class" && !fresh.hasAttribute(name)) live.removeAttribute(name);
  }
}
