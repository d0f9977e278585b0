/*
 * The files that go with a message: a list with sizes, a button to take each out again, and a word
 * before sending when they are too large. Without script the file input works alone.
 */

const MB = 1024 * 1024;

/**
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 * @param {(words: string) => void} say
 */
export function makeAttachments(form, input, say) {
  const most = Number(form.dataset.maxFileBytes) || 10 * MB;
  const mostTogether = Number(form.dataset.maxTotalBytes) || 25 * MB;
  const list = form.querySelector("[data-attachment-list]") ?? put(input, "ul", "attachment-list");
  const warning = form.querySelector("[data-attachment-warning]") ?? put(list, "p", "attachment-warning");
  list.setAttribute("aria-label", "Attachments");
  warning.setAttribute("role", "alert");
  /** @type {File[]} */
  let files = [];

  function show() {
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    list.replaceChildren(...files.map(row));
    list.hidden = files.length === 0;
    const words = problem();
    if (warning.textContent !== words) warning.textContent = words;
    warning.hidden = words === "";
  }

  function row(file) {
    const item = document.createElement("li");
    item.className = file.size > most ? "attachment is-too-large" : "attachment";
    const name = document.createElement("span");
    name.className = "attachment-name";
    name.dir = "auto";
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "attachment-size";
    size.textContent = inWords(file.size);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "attachment-remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    remove.addEventListener("click", () => take(file));
    item.append(name, size, remove);
    return item;
  }

  function take(file) {
    const at = files.indexOf(file);
    files = files.filter((other) => other !== file);
    show();
    say(`${file.name} removed`);
    const buttons = list.querySelectorAll("button");
    (buttons[Math.min(at, buttons.length - 1)] ?? input).focus();
  }

  /** What is too large, in words; "" when nothing is. */
  function problem() {
    const tooLarge = files
      .filter((file) => file.size > most)
      .map((file) => `${file.name} has ${inWords(file.size)}; a file may have ${inWords(most)}.`);
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (total > mostTogether) {
      tooLarge.push(`Together the files have ${inWords(total)}; a message may have ${inWords(mostTogether)}.`);
    }
    return tooLarge.length === 0 ? "" : `${tooLarge.join(" ")} Remove some, or send a link to them.`;
  }

  /** @param {Iterable<File>} more */
  function add(more) {
    const fresh = [...more].filter((file) => !files.some((other) => isSame(file, other)));
    files = [...files, ...fresh];
    show();
    if (fresh.length > 0) say(`${fresh.map((file) => file.name).join(", ")} attached`);
  }

  input.addEventListener("change", () => add(input.files));
  form.addEventListener("editor:files", (event) => {
    event.preventDefault();
    add(event.detail.files);
  });
  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    if (event.defaultPrevented || event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });
  // After "back" the browser may have filled the input by itself.
  files = [...input.files];
  show();
  return {
    problem,
    get count() {
      return files.length;
    },
    /** Files that were sent meanwhile are no more to be sent. @param {Iterable<File>} sent */
    forget(sent) {
      const gone = [...sent];
      files = files.filter((file) => !gone.some((other) => isSame(file, other)));
      show();
    },
    /** Point at what is wrong. */
    warn() {
      (list.querySelector(".is-too-large button") ?? list.querySelector("button")).focus();
    },
  };
}

function isSame(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}

function put(after, name, className) {
  const made = document.createElement(name);
  made.className = className;
  after.after(made);
  return made;
}

/** @param {number} bytes */
function inWords(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < MB) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / MB).toFixed(1).replace(/\.0$/, "")} MB`;
}
