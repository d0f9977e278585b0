/*
 * The quiet bar that says that a new message is there. The page is never reloaded by itself: someone
 * may be in the middle of a sentence.
 */

const LONGEST_WAIT_MS = 2000;

export class News {
  /** @param {string | undefined} ticket  the ticket this page is about; undefined on a list */
  constructor(ticket) {
    this.ticket = ticket;
    this.anchors = new Set();
    this.count = 0;
    this.bar = null;
  }

  /** @param {import("./stream.js").Change & {anchor?: string}} change */
  arrived({ ticket_id: ticket, reply_id: reply, anchor }) {
    if (this.ticket !== undefined && String(ticket) !== this.ticket) return;
    const place = anchor ?? (reply === undefined ? "" : `reply-${reply}`);
    const name = place === "" ? "" : `${ticket} ${place}`;
    // The same message comes by both topics of a page, and again after a reconnect.
    if (name !== "" && this.anchors.has(name)) return;
    if (place !== "" && this.ticket !== undefined && document.getElementById(place) !== null) return;
    this.anchors.add(name);
    this.count += 1;
    this.#show(this.ticket === undefined ? "" : place);
  }

  #show(place) {
    if (this.bar === null) {
      this.bar = makeBar();
      this.link = document.createElement("a");
      this.link.addEventListener("click", (event) => void this.#go(event));
      this.link.dataset.anchor = place;
      this.link.href = `${location.pathname}${location.search}${place === "" ? "" : `#${place}`}`;
      this.words = document.createElement("span");
      this.bar.append(this.words, this.link);
    }
    this.words.textContent = this.count === 1 ? "1 new message, " : `${this.count} new messages, `;
    this.link.textContent = "show";
  }

  /** Load the page again at the first new message, after drafts have been saved. */
  async #go(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const wait = [];
    document.dispatchEvent(new CustomEvent("portal:leaving", { detail: { wait } }));
    await Promise.race([Promise.allSettled(wait), new Promise((done) => setTimeout(done, LONGEST_WAIT_MS))]);
    history.replaceState(history.state, "", this.link.href);
    location.reload();
  }
}

/** Say that this page will not change any more, and why. */
export function showLoggedOut() {
  if (document.querySelector("[data-live-bar=logged-out]") !== null) return;
  const bar = makeBar();
  bar.dataset.liveBar = "logged-out";
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Log in again";
  bar.append("You are logged out. This page no longer changes by itself. ", link);
}

function makeBar() {
  const bar = document.createElement("div");
  bar.className = "live-bar";
  bar.dataset.liveBar = "news";
  bar.setAttribute("role", "status");
  document.body.append(bar);
  return bar;
}
