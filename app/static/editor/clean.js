/*
 * Turns HTML from outside (clipboard, drop, stored draft) into the few elements a message may hold.
 *
 * Nothing here trusts its input: it is parsed by DOMParser, whose documents run no script and load
 * nothing, and a new tree is built node by node, so that an attribute can only be present if this
 * file wrote it. The server cleans again; this is what keeps the agent's own page safe.
 */

/** Holds the caret inside an empty inline element while typing; never leaves the editor. */
export const CARET_HOLDER = "\uFEFF";

export const BLOCKS = new Set(["P", "DIV", "UL", "OL", "LI", "BLOCKQUOTE", "PRE", "H1", "H2", "H3"]);

const MARKS = new Set(["B", "STRONG", "I", "EM", "U", "S", "CODE", "A"]);

/** Elements that hold text only: a block found inside one becomes a line break. */
const TEXT_BLOCKS = new Set(["P", "PRE", "H1", "H2", "H3"]);

const RENAMED = new Map(
  Object.entries({
    H4: "H3", H5: "H3", H6: "H3", DEL: "S", STRIKE: "S", INS: "U", TT: "CODE", KBD: "CODE", SAMP: "CODE",
    TABLE: "DIV", TR: "DIV", CAPTION: "DIV", SECTION: "DIV", ARTICLE: "DIV", HEADER: "DIV", FOOTER: "DIV",
    MAIN: "DIV", ASIDE: "DIV", NAV: "DIV", FIGURE: "DIV", FIGCAPTION: "DIV", ADDRESS: "DIV", CENTER: "DIV",
    DL: "DIV", DT: "DIV", DD: "DIV", DETAILS: "DIV", SUMMARY: "DIV", FIELDSET: "DIV", LEGEND: "DIV",
    LISTING: "PRE", DIR: "UL", MENU: "UL",
  }),
);

/** Left out with everything in them: what they hold is not text that a person wrote to be read. */
const DROPPED = new Set([
  "SCRIPT", "STYLE", "TEMPLATE", "SVG", "MATH", "IFRAME", "FRAME", "FRAMESET", "OBJECT", "EMBED", "APPLET",
  "NOEMBED", "NOFRAMES", "HEAD", "TITLE", "META", "LINK", "BASE", "TEXTAREA", "SELECT", "OPTION",
  "DATALIST", "BUTTON", "INPUT", "AUDIO", "VIDEO", "CANVAS", "MAP", "XMP", "PLAINTEXT", "DIALOG", "PORTAL",
]);

const LINK_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
const OWN_IMAGE = /^\/attachments\/\d+\/inline$/;
const DATA_IMAGE = /^data:(image\/(?:png|jpeg|gif|webp));base64,([a-z0-9+/=\s]+)$/i;
const SPACES = /[\t\n\r\f ]+/g;

/**
 * @typedef {object} Cleaned
 * @property {DocumentFragment} fragment  only allowed elements, safe to insert
 * @property {number} leftOut  how many images of other sites were left out
 * @property {{marker: Comment, file: File}[]} images  pictures that came inside the HTML as data; each
 *   marker stands in the fragment where its picture belongs once it is uploaded
 */

/**
 * Clean HTML source.
 * @param {string} html
 * @returns {Cleaned}
 */
export function cleanHtml(html) {
  return cleanNodes(new DOMParser().parseFromString(html, "text/html").body.childNodes);
}

/**
 * Clean nodes that are already parsed, without changing them.
 * @param {Iterable<Node>} nodes
 * @returns {Cleaned}
 */
export function cleanNodes(nodes) {
  const cleaner = new Cleaner();
  cleaner.walk(nodes, cleaner.fragment, []);
  return { fragment: cleaner.fragment, leftOut: cleaner.leftOut, images: cleaner.images };
}

/**
 * The message's HTML as it goes to the server: "" when there is neither a word nor an image.
 * @param {HTMLElement} root
 * @returns {string}
 */
export function serialise(root) {
  const copy = root.cloneNode(true);
  // Editing leaves split and empty text nodes behind.
  copy.normalize();
  const { fragment } = cleanNodes(copy.childNodes);
  const holder = fragment.ownerDocument.createElement("div");
  holder.append(fragment);
  return holder.textContent.trim() === "" && !holder.querySelector("img") ? "" : holder.innerHTML;
}

/**
 * @param {string} source  an image address
 * @returns {string | null}  the path of one of our own inline attachments, or null
 */
export function ownImage(source) {
  try {
    const url = new URL(source, location.origin);
    return url.origin === location.origin && OWN_IMAGE.test(url.pathname) ? url.pathname : null;
  } catch {
    return null;
  }
}

class Cleaner {
  constructor() {
    // A document of its own: an image built in it loads nothing before it is inserted.
    this.document = document.implementation.createHTMLDocument("");
    this.fragment = this.document.createDocumentFragment();
    this.leftOut = 0;
    /** @type {Cleaned["images"]} */
    this.images = [];
    /** Which mark an element was made for, so that neighbours under one mark share one element. */
    this.madeFor = new WeakMap();
  }

  /**
   * @param {Iterable<Node>} nodes
   * @param {DocumentFragment | HTMLElement} parent  where blocks and lines go
   * @param {{tag: string, href?: string}[]} marks  bold, link, ... around the nodes, outermost first
   */
  walk(nodes, parent, marks) {
    for (const node of nodes) {
      if (node.nodeType === Node.TEXT_NODE) this.text(plainEnds(node), parent, marks);
      else if (node.nodeType === Node.ELEMENT_NODE) this.element(node, parent, marks);
    }
  }

  text(data, parent, marks) {
    let words = data;
    if (parent.nodeName !== "PRE") {
      words = words.replace(SPACES, " ");
      const last = parent.lastChild;
      if (words === " " && (last === null || BLOCKS.has(last.nodeName) || last.nodeName === "BR")) return;
    }
    if (words !== "") this.leaf(this.document.createTextNode(words), parent, marks);
  }

  element(element, parent, marks) {
    const name = element.localName.toUpperCase();
    if (DROPPED.has(name)) return;
    if (name === "BR") {
      this.leaf(parent.nodeName === "PRE" ? this.document.createTextNode("\n") : this.make("br"), parent, marks);
    } else if (name === "IMG") {
      this.image(element, parent, marks);
    } else {
      const tag = RENAMED.get(name) ?? name;
      const inner = this.marksOf(element, tag, marks);
      if (BLOCKS.has(tag)) this.block(tag, element, parent, inner);
      else {
        if (name === "TD" || name === "TH") this.gap(parent, marks);
        this.walk(element.childNodes, parent, inner);
      }
    }
  }

  /** Table cells become words on one line, which need a space between them. */
  gap(parent, marks) {
    const before = parent.lastChild;
    if (before !== null && !BLOCKS.has(before.nodeName)) this.leaf(this.document.createTextNode(" "), parent, marks);
  }

  block(tag, element, parent, marks) {
    if (TEXT_BLOCKS.has(parent.nodeName)) {
      this.lineBreak(parent);
      this.walk(element.childNodes, parent, marks);
      return;
    }
    if (tag === "LI" && !isList(parent)) tag = "DIV";
    // A division around paragraphs says nothing; one around words is a line.
    if (tag === "DIV" && holdsBlocks(element)) {
      this.walk(element.childNodes, isList(parent) ? this.item(parent) : parent, marks);
      return;
    }
    const made = this.make(tag);
    (isList(parent) && tag !== "LI" ? this.item(parent) : parent).append(made);
    this.walk(element.childNodes, made, marks);
    // A block without anything in it takes no room where it comes from either.
    if (!made.firstChild && tag !== "LI") made.remove();
  }

  lineBreak(parent) {
    if (parent.nodeName === "PRE") {
      if (parent.lastChild && !parent.textContent.endsWith("\n")) parent.append("\n");
    } else if (parent.lastChild && parent.lastChild.nodeName !== "BR") parent.append(this.make("br"));
  }

  /** The item of a list that takes what a list itself cannot hold. */
  item(list) {
    if (!list.lastChild) list.append(this.make("li"));
    return list.lastChild;
  }

  marksOf(element, tag, marks) {
    const style = this.style(element);
    const inner = [...marks];
    const add = (name, href) => {
      if (!inner.some((mark) => mark.tag === name)) inner.push({ tag: name, href });
    };
    if (tag === "A") {
      const href = safeHref(element.getAttribute("href"));
      if (href !== null) add("A", href);
    } else if (MARKS.has(tag)) {
      // Google Docs wraps everything it copies in <b style="font-weight:normal">.
      if (!((tag === "B" || tag === "STRONG") && /^(normal|[1-4]00)$/.test(style["font-weight"] ?? ""))) add(tag);
    }
    if (!BLOCKS.has(tag) && tag !== "A") {
      if (/^(bold|bolder|[6-9]00)$/.test(style["font-weight"] ?? "")) add("B");
      if (style["font-style"] === "italic") add("I");
      const line = `${style["text-decoration"] ?? ""} ${style["text-decoration-line"] ?? ""}`;
      if (line.includes("line-through")) add("S");
      if (line.includes("underline") && !inner.some((mark) => mark.tag === "A")) add("U");
    }
    return inner;
  }

  /**
   * The declarations of a style attribute, read as text: `element.style` is empty where the page's
   * content security policy forbids inline styles, in inert documents too.
   * @returns {Record<string, string>}
   */
  style(element) {
    const source = element.getAttribute("style");
    if (!source || source.length > 4000) return {};
    const pairs = source.toLowerCase().split(";").map((pair) => pair.split(":").map((part) => part.trim()));
    return Object.fromEntries(pairs.filter((pair) => pair.length === 2));
  }

  image(element, parent, marks) {
    const source = (element.getAttribute("src") ?? "").trim();
    const path = ownImage(source);
    const file = path === null ? dataImage(source, this.images.length + 1) : null;
    if (path !== null) {
      const image = this.make("img");
      image.setAttribute("src", path);
      image.setAttribute("alt", element.getAttribute("alt") ?? "");
      for (const side of ["width", "height"]) {
        const size = element.getAttribute(side) ?? "";
        if (/^\d{1,4}$/.test(size)) image.setAttribute(side, size);
      }
      this.leaf(image, parent, marks);
    } else if (file !== null) {
      const marker = this.document.createComment("image");
      this.images.push({ marker, file });
      this.leaf(marker, parent, []);
    } else if (/^https?:/i.test(source) && !isPixel(element)) {
      this.leftOut += 1;
    }
  }

  /** Put a word, image or line break at the end of parent, inside an element for each mark. */
  leaf(node, parent, marks) {
    let target = isList(parent) ? this.item(parent) : parent;
    for (const mark of marks) {
      const last = target.lastChild;
      if (last !== null && this.madeFor.get(last) === mark) {
        target = last;
        continue;
      }
      const made = this.make(mark.tag);
      if (mark.href !== undefined) made.setAttribute("href", mark.href);
      this.madeFor.set(made, mark);
      target.append(made);
      target = made;
    }
    target.append(node);
  }

  make(tag) {
    return this.document.createElement(tag);
  }
}

/**
 * The words of a text node. Beside an element, browsers type a non-breaking space and leave it there; the
 * mail's lines could not break at it.
 */
function plainEnds(node) {
  const words = node.data.replaceAll(CARET_HOLDER, "");
  const started = goesOn(node.previousSibling) ? words.replace(/^\u00a0(?=\S)/, " ") : words;
  return goesOn(node.nextSibling) ? started.replace(/(\S)\u00a0$/, "$1 ") : started;
}

function goesOn(sibling) {
  if (sibling === null || sibling.nodeType !== Node.ELEMENT_NODE) return false;
  return sibling.nodeName !== "BR" && !BLOCKS.has(sibling.nodeName);
}

function isList(node) {
  return node.nodeName === "UL" || node.nodeName === "OL";
}

function holdsBlocks(element) {
  return [...element.children].some((child) => {
    const tag = child.localName.toUpperCase();
    return BLOCKS.has(RENAMED.get(tag) ?? tag) || holdsBlocks(child);
  });
}

function isPixel(image) {
  return image.getAttribute("width") === "1" || image.getAttribute("height") === "1";
}

/** @returns {File | null} */
function dataImage(source, number) {
  const match = DATA_IMAGE.exec(source);
  if (match === null) return null;
  try {
    const bytes = Uint8Array.from(atob(match[2].replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
    const type = match[1].toLowerCase();
    return new File([bytes], `image-${number}.${type.slice("image/".length)}`, { type });
  } catch {
    return null; // Not base64 after all: nothing to show.
  }
}

/**
 * @param {string | null} href
 * @returns {string | null}  the address, or null where it is relative, broken or of another scheme
 */
export function safeHref(href) {
  const address = (href ?? "").trim();
  try {
    const url = new URL(address);
    if (!LINK_SCHEMES.has(url.protocol)) return null;
    // The parser forgives spaces and control characters that a mail client may read otherwise.
    return /[\s\u0000-\u001f\u007f"<>]/.test(address) ? url.href : address;
  } catch {
    return null;
  }
}
