/*
 * Announcements. Load it with <script type="module">. Without script everything works with its buttons.
 *
 * What the page writes
 *   form[data-announcement]      a draft: saved by itself while one writes, with [data-saved] for the words, and
 *                                input[data-attachments] for files, which go to [data-kept-files] once they are saved
 *   [data-reach="/url"]          how many an audience has: GET /url?audience=tag&value=vip → {"words", "recipients"}
 *   [data-progress="/url"][data-state][data-moving] with [data-line]
 *                                how far it has come: GET /url, Accept: application/json → {"state", "moving", "html"}
 *   #f-send_at                   choosing a time chooses "Later"
 */

import { makeAttachments } from "./composer/attachments.js";

const SAVE_AFTER = 2500;
const COUNT_AFTER = 350;
const LOOK_EVERY = 2000;

const form = document.querySelector("form[data-announcement]");
if (form) {
  keep(form);
  count(form);
}
for (const place of document.querySelectorAll("[data-progress][data-moving]")) watch(place);
document.querySelector("#f-send_at")?.addEventListener("input", () => {
  document.querySelector("#f-when-later").checked = true;
});

/** Save the draft a while after the last change. @param {HTMLFormElement} form */
function keep(form) {
  const said = form.querySelector("[data-saved]");
  const kept = form.querySelector("[data-kept-files]");
  let timer = 0;
  let leaving = false;
  /** The one that is being saved: the next needs the version that it makes. */
  let saving = null;
  const say = (words) => {
    said.textContent = words;
  };
  const files = makeAttachments(form, form.elements.files, say);
  for (const type of ["input", "editor:files", "drop"]) {
    form.addEventListener(type, () => {
      clearTimeout(timer);
      timer = setTimeout(saveNext, SAVE_AFTER);
    });
  }
  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return;
    if (files.problem() !== "") {
      event.preventDefault();
      files.warn();
      return;
    }
    clearTimeout(timer);
    if (saving === null) {
      leaving = true;
      return;
    }
    event.preventDefault();
    const { submitter } = event;
    await saving;
    form.requestSubmit(submitter);
  });

  async function saveNext() {
    if (saving !== null) await saving;
    clearTimeout(timer);
    if (leaving || saving !== null || files.problem() !== "") return;
    saving = save();
    await saving;
    saving = null;
  }

  async function save() {
    const sent = [...form.elements.files.files];
    if (sent.length > 0) say("Saving the files…");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      const found = await answer.json();
      if (leaving) return;
      if (!answer.ok) {
        const words = Object.values(found.errors ?? {})[0];
        say(`Not saved: ${words ?? "reload the page, and keep a copy of what you wrote."}`);
        return;
      }
      form.elements.version.value = found.version;
      if (!form.action.endsWith(found.href)) {
        form.action = found.href;
        history.replaceState(null, "", found.href);
      }
      if (found.files !== undefined) {
        const off = [...kept.querySelectorAll("input:not(:checked)")].map((field) => field.value);
        kept.innerHTML = found.files;
        for (const field of kept.querySelectorAll("input")) field.checked = !off.includes(field.value);
        files.forget(sent);
      }
      say("Draft saved.");
    } catch {
      if (!leaving) say("Not saved: the portal does not answer. It is tried again when you go on writing.");
    }
  }
}

/** Say how many get it as soon as the audience changes. @param {HTMLFormElement} form */
function count(form) {
  const place = form.querySelector("[data-reach]");
  let timer = 0;
  let request = new AbortController();
  form.addEventListener("input", ({ target }) => {
    if (!target.closest("#f-audience")) return;
    clearTimeout(timer);
    timer = setTimeout(look, COUNT_AFTER);
  });

  async function look() {
    const kind = form.querySelector("[name=audience]:checked")?.value ?? "all";
    const value = form.elements[`value_${kind}`]?.value ?? "";
    request.abort();
    request = new AbortController();
    try {
      const query = new URLSearchParams({ audience: kind, value });
      const answer = await fetch(`${place.dataset.reach}?${query}`, { signal: request.signal });
      if (answer.ok) place.textContent = (await answer.json()).words;
    } catch {
      // What stood there is still there; it is counted again before anything is sent.
    }
  }
}

/** Show how far it has come while it moves. @param {HTMLElement} place */
function watch(place) {
  const line = place.querySelector("[data-line]");
  const timer = setInterval(async () => {
    try {
      const answer = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const found = await answer.json();
      if (found.state !== place.dataset.state) {
        location.reload();
        return;
      }
      line.innerHTML = found.html;
      if (!found.moving) clearInterval(timer);
    } catch {
      // The next look may find the portal again.
    }
  }, LOOK_EVERY);
}
