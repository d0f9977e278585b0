/*
 * Completes "@mei" in an internal note. Load it after editor.js with <script type="module">. Without script a mention
 * is typed whole.
 *
 * What the page writes: <form data-mentions="/tickets/7/mentions"> with radios named `kind` and an editor.
 * What the server does: GET /tickets/7/mentions?q=me → [{"handle": "mei", "name": "Mei Chen"}]
 *
 * The caret stays in the text: arrow keys move through the list, Enter or Tab takes a name, Esc closes it. What is
 * chosen is told by aria-activedescendant, as the ARIA guide has it for a combobox.
 */

const PAUSE_MS = 120;
/** What is typed so far: an @ that begins a word, and what follows up to the caret. */
const TYPED = /(?:^|[^\w@.+-])@([\w.+-]{0,40})$/;

for (const form of document.querySelectorAll("form[data-mentions]")) complete(form);

/** @param {HTMLFormElement} form */
function complete(form) {
  const body = form.querySelector(".editor-body");
  if (body === null) return;
  const list = document.createElement("ul");
  list.className = "mentions menu-list";
  list.id = `${body.id}-mentions`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Agents to mention");
  list.hidden = true;
  body.after(list);
  let timer = 0;
  let request = new AbortController();
  let chosen = 0;

  body.addEventListener("input", look);
  body.addEventListener("blur", close);
  form.addEventListener("change", ({ target }) => target.name === "kind" && close());
  // Capture: the editor takes Enter and Tab for itself.
  body.addEventListener("keydown", key, { capture: true });
  document.addEventListener("selectionchange", () => !list.hidden && typed() === null && close());

  function look() {
    clearTimeout(timer);
    const words = typed();
    if (words === null) {
      close();
      return;
    }
    timer = setTimeout(async () => {
      request.abort();
      request = new AbortController();
      try {
        const url = `${form.dataset.mentions}?q=${encodeURIComponent(words)}`;
        const answer = await fetch(url, { headers: { Accept: "application/json" }, signal: request.signal });
        if (answer.ok && typed() === words) show(await answer.json());
      } catch {
        // No suggestions: the mention can still be typed.
      }
    }, PAUSE_MS);
  }

  /** What stands between the @ and the caret, null where no mention is being written. */
  function typed() {
    if (form.querySelector("[name=kind]:checked")?.value !== "note") return null;
    const { anchorNode, anchorOffset, isCollapsed } = getSelection();
    if (!isCollapsed || anchorNode?.nodeType !== Node.TEXT_NODE || !body.contains(anchorNode)) return null;
    return TYPED.exec(anchorNode.data.slice(0, anchorOffset))?.[1] ?? null;
  }

  function show(agents) {
    list.replaceChildren(...agents.map(row));
    list.hidden = agents.length === 0;
    if (list.hidden) {
      close();
      return;
    }
    body.setAttribute("aria-controls", list.id);
    body.setAttribute("aria-autocomplete", "list");
    choose(0);
    place();
  }

  function row({ handle, name }, index) {
    const item = document.createElement("li");
    item.id = `${list.id}-${index}`;
    item.setAttribute("role", "option");
    item.dataset.handle = handle;
    const who = document.createElement("span");
    who.textContent = name;
    who.dir = "auto";
    const how = document.createElement("span");
    how.className = "menu-end";
    how.textContent = `@${handle}`;
    item.append(who, how);
    // Not click: the text would lose the focus first, and with it the caret.
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(item);
    });
    return item;
  }

  function choose(index) {
    const items = [...list.children];
    chosen = (index + items.length) % items.length;
    for (const [number, item] of items.entries()) item.setAttribute("aria-selected", String(number === chosen));
    body.setAttribute("aria-activedescendant", items[chosen].id);
    items[chosen].scrollIntoView({ block: "nearest" });
  }

  /** Below the line that is being written. */
  function place() {
    const line = getSelection().getRangeAt(0).getBoundingClientRect();
    const frame = list.offsetParent.getBoundingClientRect();
    list.style.top = `${line.bottom - frame.top + 4}px`;
    const most = frame.width - list.offsetWidth - 4;
    list.style.insetInlineStart = `${Math.max(4, Math.min(line.left - frame.left, most))}px`;
  }

  function key(event) {
    if (list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen + step);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") take(list.children[chosen]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function take(item) {
    const words = typed();
    const selection = getSelection();
    close();
    if (words === null) return;
    const { anchorNode, anchorOffset } = selection;
    selection.setBaseAndExtent(anchorNode, anchorOffset - words.length, anchorNode, anchorOffset);
    // As if it were typed: the editor's undo takes it back.
    document.execCommand("insertText", false, `${item.dataset.handle} `);
  }

  function close() {
    clearTimeout(timer);
    request.abort();
    list.hidden = true;
    body.removeAttribute("aria-activedescendant");
    body.removeAttribute("aria-controls");
    body.removeAttribute("aria-autocomplete");
  }
}
