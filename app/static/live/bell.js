/*
 * The count on the bell: asked for again when the server says that it changed.
 */

import { isLoggedOut } from "./stream.js";

/** Several notifications come together when a mailing is opened. */
const GATHER_MS = 300;

export class Bell {
  /** @param {() => void} loggedOut */
  constructor(loggedOut) {
    this.loggedOut = loggedOut;
    this.bell = document.querySelector("[data-bell]");
    this.waiting = false;
  }

  changed() {
    if (this.bell === null || this.waiting) return;
    this.waiting = true;
    setTimeout(() => void this.#ask(), GATHER_MS);
  }

  async #ask() {
    this.waiting = false;
    try {
      const response = await fetch("/notifications/unseen", {
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      if (isLoggedOut(response)) this.loggedOut();
      else if (response.ok) this.#show(await response.json());
    } catch {
      // The line is down; when it stands again, everything is asked for anew.
    }
  }

  #show({ unseen, words }) {
    const count = this.bell.querySelector("[data-bell-count]");
    count.textContent = words;
    count.hidden = unseen === 0;
    this.bell.querySelector("[data-bell-words]").textContent = unseen === 0 ? "" : " not seen yet";
  }
}
