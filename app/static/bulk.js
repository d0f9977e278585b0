/*
 * The tickets that are ticked in the list: how many they are, and all of them at once. Load it with
 * <script type="module">. Without script boxes and form work as they are.
 */

const form = document.getElementById("bulk");
if (form) watch(form);

/** @param {HTMLFormElement} form */
function watch(form) {
  const words = form.querySelector("[data-bulk-count]");
  const all = form.querySelector("[data-select-all]");
  const boxes = () => [...document.querySelectorAll('input[name="ticket"][form="bulk"]')];
  const show = () => {
    const count = boxes().filter((box) => box.checked).length;
    words.textContent = count ? `${count} selected` : "Select tickets to change them together.";
    all.checked = count > 0 && count === boxes().length;
    all.indeterminate = count > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    show();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.('input[name="ticket"]')) show();
  });
  // A page from the browser's history comes with its boxes ticked.
  window.addEventListener("pageshow", show);
  show();
}
