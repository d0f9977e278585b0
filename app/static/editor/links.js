/*
 * Addresses in words: what an agent types into the link form, and URLs standing in plain text.
 */

const ALLOWED = new Set(["http:", "https:", "mailto:"]);
const DOMAIN = /^[^\s/?#@:]+\.[^\s/?#@:.]{2,}(?::\d+)?(?:[/?#]|$)/u;
const MAIL = /^[^\s@:/?#]+@[^\s@/?#]+\.[^\s@/?#]+$/u;

// Every repetition is bounded or starts at a fixed word: linear on a pasted megabyte.
const ADDRESS_IN_TEXT =
  /(?:https?:\/\/|\bwww\.)[^\s<>"'`\u00a0]{1,2000}|\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gi;

/**
 * Read what was typed as the address of a link.
 * @param {string} typed
 * @returns {{href: string} | {error: string}}  the error says what is wrong and what to write instead
 */
export function readAddress(typed) {
  const address = typed.trim();
  if (address === "") return { error: "Write the address the link goes to, for example https://example.org." };
  let href = address;
  if (MAIL.test(address)) href = `mailto:${address}`;
  else if (address.startsWith("//")) href = `https:${address}`;
  else if (DOMAIN.test(address)) href = `https://${address}`;
  let url;
  try {
    url = new URL(href);
  } catch {
    return { error: `“${address}” is not an address. Write it in full, for example https://example.org.` };
  }
  if (!ALLOWED.has(url.protocol)) {
    return { error: `A link cannot start with “${url.protocol}”. Use https://, http:// or mailto:.` };
  }
  if (url.protocol === "mailto:" ? !url.pathname.includes("@") : !url.hostname) {
    return { error: `“${address}” is not a whole address. Write it in full, for example https://example.org.` };
  }
  return { href: /\s/.test(href) ? url.href : href };
}

/**
 * Split text into words and addresses.
 * @param {string} text
 * @returns {{text: string, href: string | null}[]}  joined, the texts are the text again
 */
export function splitAddresses(text) {
  const parts = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS_IN_TEXT)) {
    const address = trimEnd(match[0]);
    const read = readAddress(address);
    if (!("href" in read)) continue;
    if (match.index > done) parts.push({ text: text.slice(done, match.index), href: null });
    parts.push({ text: address, href: read.href });
    done = match.index + address.length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), href: null });
  return parts;
}

/** Leave out the full stop after an address, and a bracket that was opened before it. */
function trimEnd(address) {
  let end = address.length;
  for (;;) {
    const last = address[end - 1];
    const opening = { ")": "(", "]": "[", "}": "{" }[last];
    const kept = address.slice(0, end);
    const unbalanced = opening !== undefined && count(kept, last) > count(kept, opening);
    if (!".,;:!?*_~…".includes(last) && !unbalanced) return kept;
    end -= 1;
  }
}

function count(text, letter) {
  return text.split(letter).length - 1;
}

/**
 * Plain text as paragraphs: a blank line parts paragraphs, a line end is a line break, addresses are links.
 * @param {string} text
 * @returns {DocumentFragment}  one line comes without a paragraph, to be put into the one at the caret
 */
export function textToFragment(text) {
  const fragment = document.createDocumentFragment();
  const paragraphs = text.replace(/\r\n?/g, "\n").replace(/^\n+|\n+$/g, "").split(/\n[ \t]*\n+/);
  for (const words of paragraphs) {
    const target = paragraphs.length === 1 ? fragment : document.createElement("p");
    words.split("\n").forEach((line, index) => {
      if (index > 0) target.append(document.createElement("br"));
      target.append(linked(line));
    });
    if (target !== fragment) fragment.append(target);
  }
  return fragment;
}

/**
 * @param {string} text
 * @returns {DocumentFragment}  the text with each address as a link
 */
function linked(text) {
  const fragment = document.createDocumentFragment();
  for (const part of splitAddresses(text)) {
    if (part.href === null) fragment.append(part.text);
    else {
      const link = document.createElement("a");
      link.setAttribute("href", part.href);
      link.append(part.text);
      fragment.append(link);
    }
  }
  return fragment;
}

/**
 * Make links of the addresses in text nodes that are not already in a link or in code.
 * @param {Iterable<Text>} nodes
 * @returns {boolean}  whether anything changed
 */
export function linkTextNodes(nodes) {
  let changed = false;
  for (const node of nodes) {
    if (node.parentElement?.closest("a, code, pre")) continue;
    if (!splitAddresses(node.data).some((part) => part.href !== null)) continue;
    node.replaceWith(linked(node.data));
    changed = true;
  }
  return changed;
}
