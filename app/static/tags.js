/*
 * Suggests tags while one is typed, also after a comma. Load it with <script type="module">. Without script tags are
 * typed whole.
 *
 * What the page writes: <input data-tags>. What the server does: GET /tags?q=typed → ["refund", ...].
 */

const PAUSE_MS = 150;
let lists = 0;

for (const field of document.querySelectorAll("input[data-tags]")) suggest(field);

/** @param {HTMLInputElement} field */
function suggest(field) {
  const list = document.createElement("datalist");
  list.id = `tag-suggestions-${(lists += 1)}`;
  field.after(list);
  field.setAttribute("list", list.id);
  let timer = 0;
  let request = new AbortController();
  field.addEventListener("input", () => {
    clearTimeout(timer);
    const comma = field.value.lastIndexOf(",") + 1;
    const before = comma ? `${field.value.slice(0, comma).trimEnd()} ` : "";
    const typed = field.value.slice(comma).trim();
    if (!typed || [...list.options].some((option) => option.value === field.value)) return;
    timer = setTimeout(async () => {
      request.abort();
      request = new AbortController();
      try {
        const answer = await fetch(`/tags?q=${encodeURIComponent(typed)}`, {
          headers: { Accept: "application/json" },
          signal: request.signal,
        });
        if (!answer.ok) return;
        const has = before.split(",").map((one) => one.trim().toLowerCase());
        const found = (await answer.json()).filter((name) => !has.includes(name));
        list.replaceChildren(...found.map((name) => new Option(name, before + name)));
      } catch {
        // No suggestions: the tag can still be typed.
      }
    }, PAUSE_MS);
  });
}
