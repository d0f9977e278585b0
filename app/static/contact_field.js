/*
 * Suggests contacts while one is typed. Load it with <script type="module">. Without script the address is typed whole.
 *
 * What the page writes: <input list="some-id" data-contact-search="/url"> and <datalist id="some-id">.
 * What the server does: GET /url?q=typed → [{"value": "Bob <bob@example.org>", "label": "Bob"}].
 */

const PAUSE_MS = 150;

for (const field of document.querySelectorAll("input[data-contact-search]")) suggest(field);

/** @param {HTMLInputElement} field */
function suggest(field) {
  let timer = 0;
  let request = new AbortController();
  let shown = [];
  field.addEventListener("input", () => {
    clearTimeout(timer);
    const typed = field.value.trim();
    if (typed.length < 2 || shown.includes(field.value)) return;
    timer = setTimeout(async () => {
      request.abort();
      request = new AbortController();
      try {
        const answer = await fetch(`${field.dataset.contactSearch}?q=${encodeURIComponent(typed)}`, {
          headers: { Accept: "application/json" },
          signal: request.signal,
        });
        if (!answer.ok) return;
        const found = await answer.json();
        shown = found.map(({ value }) => value);
        field.list?.replaceChildren(...found.map(({ value, label }) => new Option(label, value)));
      } catch {
        // No suggestions: the address can still be typed.
      }
    }, PAUSE_MS);
  });
}
