/*
 * The popovers of a ticket list: they come empty, with a link to the reply, and are filled when somebody is about
 * to open one. The pointer reaches a badge, and a key the focus, a moment before its popover opens.
 */

/** @param {(ticket: string) => void} fill  fetches the badge of a ticket with its popover */
export function fillPanels(fill) {
  const wants = ({ target }) => {
    const receipt = target instanceof Element ? target.closest(".receipt") : null;
    const ticket = receipt?.querySelector("[data-receipt-wanted]") && receipt.closest("[data-ticket-badge]");
    if (ticket) fill(ticket.dataset.ticketBadge);
  };
  for (const event of ["pointerover", "focusin", "toggle"]) document.addEventListener(event, wants, true);
}
