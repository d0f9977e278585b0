/*
 * Keeps the badges on the page as the server has them. Every reply and every row of the ticket list is
 * one "spot": an address that gives its HTML, and the elements that show it.
 */

import { morph, morphChildren } from "./morph.js";
import { isLoggedOut } from "./stream.js";

/** Events come in bursts: one mail opened is several requests. */
const GATHER_MS = 300;
const AT_ONCE = 4;
const TRIES = 3;
const RETRY_MS = 2000;

/**
 * @typedef {object} Spot
 * @property {string} url  gives its HTML
 * @property {() => Element[]} find  what shows it now
 * @property {number} timer  0 when none is set
 * @property {boolean} busy  waiting for its turn or for the answer
 * @property {boolean} again  it changed while it was busy
 * @property {number} tries  failures since it last changed
 */

export class Receipts {
  /**
   * @param {(words: string) => void} announce  read out politely
   * @param {() => void} loggedOut
   */
  constructor(announce, loggedOut) {
    this.announce = announce;
    this.loggedOut = loggedOut;
    /** @type {Map<string, Spot>} */
    this.spots = new Map();
    this.running = 0;
    this.queue = [];
  }

  /** @param {import("./stream.js").Change} change */
  changed({ ticket_id: ticket, reply_id: reply }) {
    if (reply !== undefined && ticket !== undefined) {
      this.#refresh(`reply ${reply}`, `/tickets/${ticket}/replies/${reply}/badge`, () => framesOf(reply));
    }
    if (ticket !== undefined) this.#refresh(`ticket ${ticket}`, `/tickets/${ticket}/badge`, () => rowsOf(ticket));
  }

  /** Look at every badge again, each once. @param {string | undefined} ticket  the ticket this page is about */
  refreshAll(ticket) {
    for (const frame of document.querySelectorAll("[data-receipt]:not(button), [data-receipt-frame]")) {
      const reply = /\d+$/.exec(frame.dataset.receipt ?? frame.dataset.receiptFrame)?.[0];
      const owner = frame.closest("[data-ticket]")?.dataset.ticket ?? ticket;
      if (reply !== undefined && owner !== undefined) {
        this.#refresh(`reply ${reply}`, `/tickets/${owner}/replies/${reply}/badge`, () => framesOf(reply));
      }
    }
    for (const { dataset } of document.querySelectorAll("[data-ticket-badge]")) {
      const number = dataset.ticketBadge;
      this.#refresh(`ticket ${number}`, `/tickets/${number}/badge`, () => rowsOf(number));
    }
  }

  /** Fetch the badge of a ticket in the list at once, with what its popover shows. @param {string} ticket */
  fill(ticket) {
    const spot = this.spots.get(`ticket ${ticket}`);
    if (!spot?.busy) this.#refresh(`ticket ${ticket}`, `/tickets/${ticket}/badge`, () => rowsOf(ticket), 0);
  }

  #refresh(name, url, find, wait = GATHER_MS) {
    if (find().length === 0) return;
    const spot = this.spots.get(name) ?? { url, find, timer: 0, busy: false, again: false, tries: 0 };
    this.spots.set(name, spot);
    spot.tries = 0;
    if (spot.busy) spot.again = true;
    else if (spot.timer === 0) this.#soon(spot, wait);
  }

  #soon(spot, wait) {
    spot.timer = setTimeout(() => {
      spot.timer = 0;
      spot.busy = true;
      this.queue.push(spot);
      this.#work();
    }, wait);
  }

  #work() {
    while (this.running < AT_ONCE && this.queue.length > 0) {
      this.running += 1;
      const spot = this.queue.shift();
      void this.#fetch(spot).finally(() => {
        this.running -= 1;
        spot.busy = false;
        if (spot.again) {
          spot.again = false;
          this.#soon(spot, GATHER_MS);
        }
        this.#work();
      });
    }
  }

  async #fetch(spot) {
    let response;
    let html;
    try {
      response = await fetch(spot.url, { headers: { Accept: "text/html" }, redirect: "manual" });
      html = await response.text();
    } catch {
      this.#retry(spot);
      return;
    }
    if (isLoggedOut(response)) this.loggedOut();
    else if (response.status >= 500) this.#retry(spot);
    else if (response.ok) this.#show(spot.find(), html);
  }

  #retry(spot) {
    spot.tries += 1;
    if (spot.tries < TRIES && !spot.again) setTimeout(() => this.#again(spot), RETRY_MS * spot.tries);
  }

  #again(spot) {
    if (!spot.busy && spot.timer === 0) this.#soon(spot, 0);
  }

  #show(elements, html) {
    let news = "";
    for (const element of elements) {
      const before = wordOf(element);
      put(element, html);
      const after = wordOf(element);
      if (after !== before && !element.hasAttribute("data-ticket-badge")) news = after;
    }
    if (news !== "") this.announce(`${labelOf(elements)}: ${news}`);
    if (elements.length > 0) document.dispatchEvent(new CustomEvent("portal:replaced", { detail: { elements } }));
  }
}

/** A reply may be shown in several places; one of them says whose it is. */
function labelOf(elements) {
  const labels = elements.map((element) => element.closest("[data-receipt-label]")?.dataset.receiptLabel);
  return labels.find((label) => label !== undefined) ?? "Reply";
}

function framesOf(reply) {
  return [
    ...document.querySelectorAll(
      `[data-receipt="${reply}"]:not(button), [data-receipt-frame="${reply}"], [data-receipt-frame="receipt-${reply}"]`,
    ),
  ];
}

function rowsOf(ticket) {
  return [...document.querySelectorAll(`[data-ticket-badge="${ticket}"]`)];
}

/** The server's HTML is its own, cleaned page; parsed this way it still runs no script. */
function put(element, html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const [only] = body.children;
  const hadFocus = element.contains(document.activeElement) && document.activeElement !== element;
  // The fragment is either what stands inside the element, or the element itself with its frame.
  if (body.children.length === 1 && isSameFrame(element, only)) morph(element, only);
  else morphChildren(element, body);
  if (hadFocus && !element.contains(document.activeElement)) {
    element.querySelector("button, summary, a[href], [tabindex]")?.focus({ preventScroll: true });
  }
}

function isSameFrame(element, fresh) {
  return ["data-receipt", "data-receipt-frame", "data-ticket-badge"].some(
    (name) => element.hasAttribute(name) && element.getAttribute(name) === fresh.getAttribute(name),
  );
}

/** The badge's word, as a person reads it: "Read by 1 of 3". */
function wordOf(element) {
  const marked = element.querySelector("[data-receipt-word], .badge-word");
  const word = marked ?? element.querySelector("summary, button") ?? element;
  return word.textContent.trim().replace(/\s+/g, " ");
}
