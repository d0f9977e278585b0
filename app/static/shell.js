/*
 * Comfort for the shell: keyboard, times in the reader's zone, messages. Every page works without it.
 *
 * Works on what the markup says, through listeners on the document, so that parts of a page can be
 * replaced at any time. For other scripts it offers
 *   portal.note("Draft saved")       says something once, quietly
 *   portal.flash(category, text)     a message on top of the page, as the server would put it
 *   portal.localiseTimes(element)    what new markup with <time> needs; done by itself every minute
 */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");

  /* ---- Messages ---- */

  const quiet = () => document.querySelector("[data-quiet-note]");
  let quietTimer = 0;

  function note(text) {
    const place = quiet();
    if (!place) return;
    clearTimeout(quietTimer);
    place.textContent = text;
    place.classList.add("is-shown");
    quietTimer = setTimeout(() => place.classList.remove("is-shown"), 3000);
  }

  function addDismiss(message) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button";
    button.dataset.dismiss = "";
    button.setAttribute("aria-label", "Dismiss this message");
    button.textContent = "×";
    message.append(button);
  }

  function flash(category, text) {
    const kind = ["error", "warning"].includes(category) ? "alert" : "status";
    const place = document.querySelector(`[data-flashes="${kind}"]`);
    if (!place) return;
    const message = document.createElement("div");
    message.className = `flash flash-${category}`;
    const words = document.createElement("div");
    words.className = "flash-words";
    words.textContent = text;
    message.append(words);
    addDismiss(message);
    place.append(message);
  }

  /* ---- Times: the reader's zone in the title, fresh words on a page that stays open ---- */

  const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function ago(then, now) {
    const seconds = Math.floor((now - then) / 1000);
    if (seconds < 60) return "just now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
    const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
    return then.getFullYear() === now.getFullYear() ? day : `${day} ${then.getFullYear()}`;
  }

  function exact(then, now) {
    const clock = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const today = then.toDateString() === now.toDateString();
    if (today) return clock;
    const year = then.getFullYear() === now.getFullYear() ? "" : ` ${then.getFullYear()}`;
    return `${then.getDate()} ${MONTHS[then.getMonth()]}${year} ${clock}`;
  }

  function localiseTimes(within) {
    const now = new Date();
    for (const element of within.querySelectorAll("time[datetime]")) {
      const then = new Date(element.dateTime);
      if (Number.isNaN(then.valueOf())) continue;
      element.title = absolute.format(then);
      const words = "exact" in element.dataset ? exact(then, now) : ago(then, now);
      if (element.textContent !== words) element.textContent = words;
    }
  }

  /* ---- Keyboard ---- */

  const SHORTCUTS_KEY = "portal-shortcuts";
  let shortcuts = true;
  try { shortcuts = localStorage.getItem(SHORTCUTS_KEY) !== "off"; } catch { /* storage is blocked: keep the default */ }

  function showShortcuts() {
    root.classList.toggle("no-shortcuts", !shortcuts);
    document.querySelector("[data-shortcuts-switch]")?.setAttribute("aria-pressed", String(shortcuts));
    const word = document.querySelector("[data-shortcuts-word]");
    if (word) word.textContent = shortcuts ? "On" : "Off";
  }

  function moveRow(step) {
    const links = [...document.querySelectorAll("[data-row] [data-row-link]")];
    if (!links.length) return;
    const here = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(here + step, links.length - 1));
    links[next].focus();
    links[next].closest("[data-row]").scrollIntoView({ block: "nearest" });
  }

  const keys = {
    j: () => moveRow(1),
    k: () => moveRow(-1),
    x: () => document.activeElement.closest?.("[data-row]")?.querySelector("input[type=checkbox]")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    const composer = event.target.closest?.("[data-composer]");
    if (composer && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const wanted = event.shiftKey ? "[data-send-close]" : "[data-send]";
      const shown = [...composer.querySelectorAll(`${wanted}, .button.for-note`)].find((button) => button.offsetParent);
      if (shown) {
        event.preventDefault();
        composer.requestSubmit(shown);
      }
      return;
    }
    if (event.key === "Escape" && event.target.id === "search") event.target.blur();
    if (!shortcuts || typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const marked = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (marked) {
      event.preventDefault();
      if (marked.matches("input")) {
        marked.focus();
        marked.select();
      } else marked.click();
    } else if (Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  /* ---- Clicks ---- */

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    target?.closest("[data-dismiss]")?.closest("[data-flash], .flash")?.remove();

    if (target?.closest("[data-shortcuts-switch]")) {
      shortcuts = !shortcuts;
      try { localStorage.setItem(SHORTCUTS_KEY, shortcuts ? "on" : "off"); } catch { /* kept for this page only */ }
      showShortcuts();
    }
  });

  for (const message of document.querySelectorAll("[data-flash]")) addDismiss(message);
  document.querySelector("[data-take-focus]")?.focus();
  showShortcuts();
  localiseTimes(document);
  setInterval(() => localiseTimes(document), 60_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) localiseTimes(document); });

  window.portal = { note, flash, localiseTimes };
})();
