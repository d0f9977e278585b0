/*
 * Counts down on replies that can still be taken back, and takes the line away once they are being sent. Without script
 * the line stays, and a click that comes too late is told so.
 *
 * What the page writes: <div data-held="9.6"> with <span data-held-seconds>
 */

const opened = performance.now();

for (const line of document.querySelectorAll("[data-held]")) {
  const seconds = Number(line.dataset.held);
  const shown = line.querySelector("[data-held-seconds]");
  const tick = () => {
    const left = seconds - (performance.now() - opened) / 1000;
    if (left > 0) {
      shown.textContent = String(Math.ceil(left));
      setTimeout(tick, Math.min(left, 1) * 1000);
      return;
    }
    // Who is about to press Undo with the keyboard must not fall to the top of the page.
    if (line.contains(document.activeElement)) line.closest(".message-frame")?.querySelector("button, a")?.focus();
    line.remove();
  };
  tick();
}
