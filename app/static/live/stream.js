/*
 * Brings the server's changes to the page: by server-sent events, and by asking every two seconds
 * where those do not get through (an old proxy, a firewall that buffers).
 */

import { takeSlot } from "./slots.js";

const POLL_MS = 2000;
const LONGEST_POLL_MS = 30_000;
const TRY_EVENTS_AGAIN_MS = 60_000;
const FAILURES_IN_A_ROW = 3;
const OPENS_WITHIN_MS = 10_000;
/** A connection that lasted this long was no failure, even if nothing was said on it. */
const HOLDS_AFTER_MS = 10_000;
/** The server's "ping" comes every 15 s; three missing ones mean that the line is dead. */
const SILENT_FOR_MS = 45_000;
const RECONNECT_MS = 1000;

/**
 * @typedef {object} Change
 * @property {string} topic  "ticket:12" or "tickets"
 * @property {string} kind  "receipt", "message", ...
 * @property {number} [ticket_id]
 * @property {number} [reply_id]
 */

export class Stream {
  /**
   * @param {object} options
   * @param {string[]} options.topics
   * @param {string} options.cursor  where the page's own content ends; "" when the page does not say
   * @param {(change: Change) => void} options.changed
   * @param {() => void} options.missed  changes may have been missed: look at everything again
   * @param {() => void} options.loggedOut  the session is over; nothing more will come
   * @param {(state: "connecting" | "stream" | "polling" | "off") => void} options.state
   */
  constructor({ topics, cursor, changed, missed, loggedOut, state }) {
    this.topics = topics.map(encodeURIComponent).join(",").replaceAll("%3A", ":");
    this.cursor = cursor;
    this.changed = changed;
    this.missed = missed;
    this.loggedOut = loggedOut;
    this.state = state;
    this.failures = 0;
    this.pollFailures = 0;
    this.source = null;
    this.release = null;
    this.running = false;
    /** Changes may have been missed while nobody listened; with a cursor the server sends them again. */
    this.gap = false;
    /** The page slept for long: the server may not remember as far back as the cursor. */
    this.slept = false;
    this.timers = new Map();
    /** Counted up whenever what is under way must not be heard any more. */
    this.listening = 0;
    this.polling = 0;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    this.state("connecting");
    if ("EventSource" in window) void this.#listen();
    else this.#poll();
  }

  stop() {
    this.running = false;
    this.gap = true;
    this.slept = true;
    this.#close();
    this.#stopPolling();
    for (const name of this.timers.keys()) this.#cancel(name);
    this.state("off");
  }

  /** One timer of each name: setting it again replaces the one before. */
  #in(name, wait, act) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(act, wait));
  }

  #cancel(name) {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  #close() {
    this.listening += 1;
    this.source?.close();
    this.source = null;
    this.release?.();
    this.release = null;
    for (const name of ["opens", "holds", "silent"]) this.#cancel(name);
  }

  async #listen() {
    this.#close();
    const attempt = this.listening;
    const release = await takeSlot();
    if (attempt !== this.listening) {
      release?.();
      return;
    }
    if (release === null) {
      this.#pollForNow();
      return;
    }
    this.release = release;
    const after = this.cursor === "" ? "" : `&after=${encodeURIComponent(this.cursor)}`;
    const source = new EventSource(`/live?topics=${this.topics}${after}`);
    this.source = source;
    this.#in("opens", OPENS_WITHIN_MS, () => this.#failed());
    source.addEventListener("open", () => {
      this.#cancel("opens");
      this.#in("holds", HOLDS_AFTER_MS, () => (this.failures = 0));
      this.#stopPolling();
      this.#caughtUp();
      this.state("stream");
    });
    source.addEventListener("change", (event) => {
      this.failures = 0;
      if (event.lastEventId !== "") this.cursor = event.lastEventId;
      this.#take(event.data);
    });
    source.addEventListener("ping", (event) => {
      this.failures = 0;
      if (event.lastEventId !== "") this.cursor = event.lastEventId;
      this.#in("silent", SILENT_FOR_MS, () => this.#failed());
    });
    source.addEventListener("error", () => this.#failed());
  }

  /** The browser's own reconnecting is not used: it gives up on some answers and never counts. */
  #failed() {
    this.#close();
    this.gap = true;
    this.state("connecting");
    this.failures += 1;
    if (this.failures >= FAILURES_IN_A_ROW) this.#pollForNow();
    else this.#in("reconnect", RECONNECT_MS * this.failures, () => void this.#listen());
  }

  #pollForNow() {
    this.#in("reconnect", TRY_EVENTS_AGAIN_MS, () => void this.#listen());
    if (!this.timers.has("poll")) this.#poll();
  }

  #stopPolling() {
    this.#cancel("poll");
    this.polling += 1;
  }

  /** Connected again after a time without: where nobody can say what happened meanwhile, look at everything. */
  #caughtUp() {
    if (this.slept || (this.gap && this.cursor === "")) this.missed();
    this.gap = false;
    this.slept = false;
  }

  #poll() {
    this.#in("poll", 0, () => void this.#ask(this.polling));
  }

  async #ask(round) {
    let wait = POLL_MS;
    try {
      const response = await fetch(`/live/poll?topics=${this.topics}&after=${encodeURIComponent(this.cursor)}`, {
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      if (round !== this.polling) return;
      if (isLoggedOut(response)) {
        this.stop();
        this.loggedOut();
        return;
      }
      if (response.status === 400) {
        // The server does not know this cursor any more; without one it starts from now.
        this.cursor = "";
        this.slept = true;
      }
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const { cursor, events } = await response.json();
      if (round !== this.polling) return;
      this.#caughtUp();
      this.state("polling");
      this.cursor = String(cursor);
      for (const change of events) this.changed(change);
      this.pollFailures = 0;
    } catch {
      if (round !== this.polling) return;
      this.gap = true;
      this.pollFailures += 1;
      wait = Math.min(LONGEST_POLL_MS, POLL_MS * 2 ** this.pollFailures);
    }
    this.#in("poll", wait, () => void this.#ask(round));
  }

  #take(data) {
    let change;
    try {
      change = JSON.parse(data);
    } catch {
      return; // Not ours: a proxy's own words.
    }
    this.changed(change);
  }
}

/** @param {Response} response  asked for with redirect: "manual" */
export function isLoggedOut(response) {
  return response.type === "opaqueredirect" || response.status === 401 || response.status === 403;
}
