/*
 * The Copy button beside a secret that is shown once, or a text: <button data-copy="ID of its field">. Without this
 * script the button is not shown and the field can be selected.
 */
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
  }
});
