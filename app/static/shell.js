/*
 * Comfort for the shell: keyboard, popovers on hover, notes that fade. Every page works without it.
 *
 * Works on what the markup says, through listeners on the document, so that parts of a page can be
 * replaced at any time. For other scripts it offers `portal`:
 *   portal.note("Draft saved")            says something once, quietly
 *   portal.flash(category, text)          a message on top of the page, as the server would put it
 *   portal.replaceReceipt(id, html)       a fresh badge with its panel; an open panel stays open
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

  /* ---- Popovers: place them where the browser cannot, and open receipts on hover ---- */

  const anchors = CSS.supports("position-area", "block-end");
  const openerOf = (panel) => document.querySelector(`[popovertarget="${CSS.escape(panel.id)}"]:not([popovertargetaction])`);

  function place(panel) {
    const opener = openerOf(panel);
    if (anchors || !opener || matchMedia("(max-width: 719px)").matches) return;
    panel.classList.add("is-placed");
    const at = opener.getBoundingClientRect();
    const size = panel.getBoundingClientRect();
    const below = at.bottom + size.height + 8 < innerHeight;
    const left = panel.matches("[data-receipt-panel], #user-menu") ? at.right - size.width : at.left;
    panel.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
    panel.style.top = `${Math.max(8, below ? at.bottom : at.top - size.height - 12)}px`;
  }

  document.addEventListener("toggle", (event) => {
    const panel = event.target;
    if (!(panel instanceof HTMLElement) || !panel.hasAttribute("popover")) return;
    if (event.newState === "open") place(panel);
    else delete panel.dataset.opened;
  }, true);

  const HOVER_OPENS_AFTER = 250;
  const HOVER_CLOSES_AFTER = 300;
  let hoverTimer = 0;
  const hovers = matchMedia("(hover: hover)");
  const receiptOf = (node) => (node instanceof Element ? node.closest(".receipt") : null);
  const panelOf = (receipt) => receipt?.querySelector("[data-receipt-panel]");
  const isOpen = (panel) => panel.matches(":popover-open");

  /* What hover or focus opened closes by itself; a click keeps it open. */
  function openGently(receipt, how) {
    const panel = panelOf(receipt);
    if (!panel || isOpen(panel)) return;
    panel.dataset.opened = how;
    panel.showPopover({ source: receipt.querySelector("[data-receipt]") });
  }

  function closeGently(receipt) {
    const panel = panelOf(receipt);
    if (panel && isOpen(panel) && panel.dataset.opened) panel.hidePopover();
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || !hovers.matches) return;
    const receipt = receiptOf(event.target);
    if (!receipt || receiptOf(event.relatedTarget) === receipt) return;
    clearTimeout(hoverTimer);
    hoverTimer = setTimeout(() => openGently(receipt, "hover"), HOVER_OPENS_AFTER);
  });

  document.addEventListener("pointerout", (event) => {
    const receipt = receiptOf(event.target);
    if (event.pointerType !== "mouse" || !receipt || receiptOf(event.relatedTarget) === receipt) return;
    clearTimeout(hoverTimer);
    hoverTimer = setTimeout(() => closeGently(receipt), HOVER_CLOSES_AFTER);
  });

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-receipt]:focus-visible") && !event.target.dataset.returned) {
      openGently(receiptOf(event.target), "focus");
    }
    delete event.target.dataset.returned;
  });

  document.addEventListener("focusout", (event) => {
    const receipt = receiptOf(event.target);
    if (receipt && event.relatedTarget && !receipt.contains(event.relatedTarget)) closeGently(receipt);
  });

  /* A browser hands the focus back to the button when a panel closes; that must not open it again. */
  document.addEventListener("beforetoggle", (event) => {
    const panel = event.target;
    if (event.newState !== "closed" || !(panel instanceof HTMLElement) || !panel.matches("[data-receipt-panel]")) return;
    const opener = openerOf(panel);
    if (opener && opener !== document.activeElement && panel.contains(document.activeElement)) opener.dataset.returned = "";
  }, true);

  function replaceReceipt(id, html) {
    const old = document.querySelector(`[data-receipt-frame="${CSS.escape(id)}"]`);
    if (!old) return;
    const panel = panelOf(old);
    const opened = panel && isOpen(panel);
    const how = panel?.dataset.opened;
    const hadFocus = old.contains(document.activeElement);
    const scrolled = panel?.querySelector(".receipt-scroll")?.scrollTop ?? 0;
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    const fresh = template.content.firstElementChild;
    old.replaceWith(fresh);
    localiseTimes(fresh);
    const button = fresh.querySelector("[data-receipt]");
    if (hadFocus && button) {
      button.dataset.returned = "";
      button.focus({ preventScroll: true });
    }
    if (!opened) return;
    const freshPanel = panelOf(fresh);
    if (how) freshPanel.dataset.opened = how;
    freshPanel.showPopover({ source: button });
    freshPanel.querySelector(".receipt-scroll").scrollTop = scrolled;
  }

  /* ---- Times: the reader's zone in the title, fresh words on a page that stays open ---- */

  const absolute = new Intl.DateTimeFormat(root.lang || "en", { dateStyle: "full", timeStyle: "short" });
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

  function localiseTimes(within) {
    const now = new Date();
    for (const element of within.querySelectorAll("time[datetime]")) {
      const then = new Date(element.dateTime);
      if (Number.isNaN(then.valueOf())) continue;
      element.title = absolute.format(then);
      const words = ago(then, now);
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

    const badge = target?.closest("[data-receipt]");
    const panel = badge && panelOf(receiptOf(badge));
    if (panel && isOpen(panel) && panel.dataset.opened) {
      event.preventDefault();
      delete panel.dataset.opened;
    }

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

  window.portal = Object.freeze({ note, flash, replaceReceipt });
})();
