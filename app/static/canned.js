/*
 * Puts a saved reply into the answer. Load it after editor.js with <script type="module">.
 *
 * What the page writes
 *   <button type="button" data-canned="/saved-replies" data-canned-ticket="7" popovertarget="canned-menu">
 *   <div id="canned-menu" popover> with <input autofocus data-canned-search>, which takes what is typed while the titles
 *   are loaded, and <ul data-canned-list>
 * What the server does
 *   GET /saved-replies, Accept: application/json → [{"id": 1, "title": "Hours"}]
 *   GET /saved-replies/1/for/7 → {"html": "<p>…</p>"}
 */

const opener = document.querySelector("[data-canned]");
if (opener) watch(opener);

/** @param {HTMLButtonElement} opener */
function watch(opener) {
  const menu = document.getElementById(opener.getAttribute("popovertarget"));
  const list = menu.querySelector("[data-canned-list]");
  const search = menu.querySelector("[data-canned-search]");
  const words = menu.querySelector("[data-canned-words]");
  const base = opener.dataset.canned;
  let replies;
  let caret = null;

  // The menu takes the focus, and with it the place where one was writing.
  document.addEventListener("selectionchange", () => {
    const chosen = getSelection();
    const body = opener.form.querySelector("[contenteditable]");
    if (chosen.rangeCount && body?.contains(chosen.anchorNode)) caret = chosen.getRangeAt(0).cloneRange();
  });

  menu.addEventListener("toggle", async (event) => {
    if (event.newState !== "open") return;
    search.value = "";
    replies ??= await fetched(base);
    show();
  });
  search.addEventListener("input", show);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      list.querySelector("button")?.click();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.querySelector("button")?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    (next ?? search).focus();
  });

  function show() {
    if (replies === undefined) return;
    const wanted = search.value.trim().toLowerCase();
    const found = (replies ?? []).filter(({ title }) => title.toLowerCase().includes(wanted));
    list.replaceChildren(...found.map(row));
    if (replies === null) words.textContent = "They cannot be loaded now. Close this and try again.";
    else if (!replies.length) words.textContent = "There are none yet.";
    else words.textContent = found.length ? "" : "None has this in its title.";
  }

  function row({ id, title }) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: title, dir: "auto" });
    button.addEventListener("click", () => choose(id));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  async function choose(id) {
    const answer = await fetched(`${base}/${id}/for/${opener.dataset.cannedTicket}`);
    if (answer === null) {
      words.textContent = "It cannot be loaded now. Try again.";
      return;
    }
    menu.hidePopover();
    insert(opener.form, answer.html, caret);
  }
}

/** As if it were pasted: the editor cleans it, and undo takes it back. */
function insert(form, html, caret) {
  const body = form.querySelector("[contenteditable]");
  const field = form.querySelector("textarea[data-editor]");
  if (!body) {
    const text = new DOMParser().parseFromString(html, "text/html").body.innerText;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    return;
  }
  body.focus();
  const place = caret && body.contains(caret.startContainer) ? caret : endOf(body);
  getSelection().setBaseAndExtent(place.startContainer, place.startOffset, place.endContainer, place.endOffset);
  const carried = new DataTransfer();
  carried.setData("text/html", html);
  body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}

function endOf(body) {
  const range = document.createRange();
  range.selectNodeContents(body);
  range.collapse(false);
  return range;
}

async function fetched(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
