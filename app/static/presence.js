/*
 * Says on a ticket's page who else has it open and who writes. Load it with <script type="module">.
 *
 * What the page writes: <p data-presence="/tickets/7/presence" role="status" hidden>, a <form data-composer>.
 * What the server does: POST, urlencoded state=viewing|writing|left and csrf_token → {"words": "Mei is writing."}
 * live.js dispatches CustomEvent "portal:presence" on document when somebody came, left, or began to write.
 */

const SAY_MS = 20_000;
const WRITES_FOR_MS = 15_000;

const line = document.querySelector("[data-presence]");
if (line) watch(line);

/** @param {HTMLElement} line */
function watch(line) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  let typed = -Infinity;
  let said = "";
  let timer = 0;

  const state = () => (performance.now() - typed < WRITES_FOR_MS ? "writing" : "viewing");
  const form = (word) => new URLSearchParams({ state: word, csrf_token: token });

  async function say() {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") return;
    timer = setTimeout(say, SAY_MS);
    said = state();
    try {
      const answer = await fetch(line.dataset.presence, { method: "POST", body: form(said) });
      if (!answer.ok || answer.redirected) return;
      const { words } = await answer.json();
      if (line.textContent !== words) line.textContent = words;
      line.hidden = !words;
    } catch {
      // Nobody is told and nobody heard of until the next time.
    }
  }

  document.querySelector("form[data-composer]")?.addEventListener("input", () => {
    typed = performance.now();
    if (said !== "writing") say();
  });
  document.addEventListener("portal:presence", () => {
    // What we said ourselves comes back as well; asking again only then says nothing new.
    setTimeout(say, 200 + Math.random() * 300);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") say();
    else navigator.sendBeacon(line.dataset.presence, form("left"));
  });
  addEventListener("pagehide", () => navigator.sendBeacon(line.dataset.presence, form("left")));
  addEventListener("pageshow", say);
  say();
}
