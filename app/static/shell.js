/*
 * Comfort for the shell: keyboard, times in the reader's zone, messages. Every page works without it.
 *
 * Works on what the markup says, through listeners on the document, so that parts of a page can be
 * replaced at any time: whoever does that dispatches "portal:replaced" on the document, with the fresh
 * elements in detail.elements. For other scripts it offers
 *   portal.note("Saved")    says something once, quietly
 */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("has-script");

  // On a phone the row of views is wider than the screen.
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "center" });

  /* ---- Messages ---- */

  let quietTimer = 0;

  function note(text) {
    const place = document.querySelector("[data-quiet-note]");
    if (!place) return;
    clearTimeout(quietTimer);
    place.textContent = text;
    place.classList.add("is-shown");
    quietTimer = setTimeout(() => place.classList.remove("is-shown"), 3000);
  }

  for (const message of document.querySelectorAll("[data-flash]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button";
    button.dataset.dismiss = "";
    button.setAttribute("aria-label", "Dismiss this message");
    button.textContent = "×";
    message.append(button);
  }

  /* ---- Times: in the zone of the reader's profile, else of their browser ---- */

  const YEAR_SECONDS = 365 * 86400;
  const remember = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=${YEAR_SECONDS}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
  };

  const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (browserZone && !document.cookie.includes(`tz=${browserZone}`)) remember("tz", browserZone);

  function known(zone) {
    try {
      return zone && Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
    } catch {
      return null; // a zone that is newer than this browser
    }
  }

  const timeZone = known(root.dataset.zone) || browserZone;
  const format = (options) => new Intl.DateTimeFormat("en-GB", { timeZone, ...options });
  const full = format({ dateStyle: "full", timeStyle: "short" });
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const day = format({ day: "numeric", month: "short" });
  const dayOfYear = format({ day: "numeric", month: "short", year: "numeric" });

  function exact(then) {
    const now = new Date();
    if (dayOfYear.format(then) === dayOfYear.format(now)) return clock.format(then);
    const sameYear = then.getFullYear() === now.getFullYear();
    return `${(sameYear ? day : dayOfYear).format(then)} ${clock.format(then)}`;
  }

  function localiseTimes(within) {
    for (const element of within.querySelectorAll("time[data-ago], time[data-exact]")) {
      const then = new Date(element.dateTime);
      if (Number.isNaN(then.valueOf())) continue;
      element.title = full.format(then);
      if ("exact" in element.dataset) element.textContent = exact(then);
    }
  }

  document.addEventListener("portal:replaced", (event) => event.detail.elements.forEach(localiseTimes));

  /* ---- Keyboard ---- */

  /* A cookie, because logging out may clear the browser's storage and this is how somebody works. */
  let shortcuts = !document.cookie.includes("shortcuts=off");

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

  function write(kind) {
    const form = document.querySelector("form[data-composer]");
    if (!form) return;
    form.querySelector(`[name=kind][value=${kind}]`)?.click();
    form.scrollIntoView({ block: "nearest" });
    (form.querySelector("[contenteditable]") ?? form.querySelector("textarea"))?.focus();
  }

  const keys = {
    j: () => moveRow(1),
    k: () => moveRow(-1),
    r: () => write("reply"),
    i: () => write("note"),
    "?": () => document.getElementById("shortcuts")?.togglePopover(),
    x: () => document.activeElement.closest?.("[data-row]")?.querySelector("input[type=checkbox]")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
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
    target?.closest("[data-dismiss]")?.closest("[data-flash]")?.remove();
    if (target?.closest("[data-shortcuts-switch]")) {
      shortcuts = !shortcuts;
      remember("shortcuts", shortcuts ? "on" : "off");
      showShortcuts();
    }
  });

  document.querySelector("[data-take-focus]")?.focus();
  showShortcuts();
  localiseTimes(document);

  window.portal = Object.freeze({ note });
})();
