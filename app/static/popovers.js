/*
 * Popovers: placed where the browser cannot place them itself, and receipts opened by hover and by
 * the keyboard's focus. Without this file they open on click, Enter and tap, and Esc closes them.
 * What it knows of a panel it keeps to itself, so that an open one may be changed under it.
 */
(() => {
  "use strict";

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
    else gentle.delete(panel);
  }, true);

  document.addEventListener("portal:replaced", () => document.querySelectorAll("[data-receipt-panel]:popover-open").forEach(place));

  const HOVER_OPENS_AFTER = 250;
  const HOVER_CLOSES_AFTER = 300;
  let opening = 0;
  let closing = 0;
  let left = null;
  const hovers = matchMedia("(hover: hover)");
  const receiptOf = (node) => (node instanceof Element ? node.closest(".receipt") : null);
  const panelOf = (receipt) => receipt?.querySelector("[data-receipt-panel]");
  const isOpen = (panel) => panel.matches(":popover-open");

  /* What hover or focus opened closes by itself; a click keeps it open. */
  const gentle = new WeakSet();

  function openGently(receipt) {
    const panel = panelOf(receipt);
    if (!panel || isOpen(panel)) return;
    gentle.add(panel);
    panel.showPopover({ source: receipt.querySelector("[data-receipt]") });
  }

  function closeGently(receipt) {
    const panel = panelOf(receipt);
    if (panel && isOpen(panel) && gentle.has(panel)) panel.hidePopover();
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse" || !hovers.matches) return;
    const receipt = receiptOf(event.target);
    if (!receipt || receiptOf(event.relatedTarget) === receipt) return;
    clearTimeout(opening);
    if (receipt === left) clearTimeout(closing);
    opening = setTimeout(() => openGently(receipt), HOVER_OPENS_AFTER);
  });

  document.addEventListener("pointerout", (event) => {
    const receipt = receiptOf(event.target);
    if (event.pointerType !== "mouse" || !receipt || receiptOf(event.relatedTarget) === receipt) return;
    clearTimeout(opening);
    clearTimeout(closing);
    left = receipt;
    closing = setTimeout(() => closeGently(receipt), HOVER_CLOSES_AFTER);
  });

  /* A browser hands the focus back to the button when a panel closes; that must not open it again. */
  const returned = new WeakSet();

  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-receipt]:focus-visible") && !returned.has(event.target)) {
      openGently(receiptOf(event.target));
    }
    returned.delete(event.target);
  });

  document.addEventListener("focusout", (event) => {
    const receipt = receiptOf(event.target);
    if (receipt && event.relatedTarget && !receipt.contains(event.relatedTarget)) closeGently(receipt);
  });

  document.addEventListener("beforetoggle", (event) => {
    const panel = event.target;
    if (event.newState !== "closed" || !(panel instanceof HTMLElement) || !panel.matches("[data-receipt-panel]")) return;
    const opener = openerOf(panel);
    if (opener && opener !== document.activeElement && panel.contains(document.activeElement)) returned.add(opener);
  }, true);

  document.addEventListener("click", (event) => {
    const badge = event.target instanceof Element ? event.target.closest("[data-receipt]") : null;
    const panel = badge && panelOf(receiptOf(badge));
    if (panel && isOpen(panel) && gentle.has(panel)) {
      event.preventDefault();
      gentle.delete(panel);
    }
  });
})();
