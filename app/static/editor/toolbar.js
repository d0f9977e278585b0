/*
 * The row of buttons above the message: one stop for the Tab key, arrows, Home and End inside it
 * (the toolbar pattern of the ARIA Authoring Practices Guide).
 */

const SVG = "http://www.w3.org/2000/svg";
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * Name, label, keys (Mod is Ctrl, on a Mac ⌘), drawing on a 16 by 16 grid, whether it stays pressed.
 * A name that starts a new group has a line before it.
 */
const BUTTONS = [
  ["bold", "Bold", "Mod+B", "M4.5 2.5h4a2.75 2.75 0 0 1 0 5.5h-4zM4.5 8h4.75a2.75 2.75 0 0 1 0 5.5H4.5z", true],
  ["italic", "Italic", "Mod+I", "M7 2.5h5M4 13.5h5M9.5 2.5l-3 11", true],
  ["code", "Code", "Mod+E", "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5", true],
  ["link", "Link", "Mod+K", "M6.5 9.5l3-3M7 4.5 8.5 3A3 3 0 0 1 13 7.2L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.8L4.5 7", true],
  ["bullets", "Bulleted list", "Mod+Shift+8", "M6 4h8M6 8h8M6 12h8M2.5 4h.5M2.5 8h.5M2.5 12h.5", true, "group"],
  ["numbers", "Numbered list", "Mod+Shift+7", "M7 4h7M7 8h7M7 12h7M2 2.5 3 2v4M2 10.2c1-1 2.2-.2 1.6.8L2 13.5h2.2", true],
  ["quote", "Quote", "Mod+Shift+9", "M2.5 3v10M6 4.5h8M6 8h8M6 11.5h5", true],
  ["codeblock", "Code block", "Mod+Shift+E", "M2 2.5h12v11H2zM6 6 4.5 8 6 10M10 6l1.5 2L10 10", true],
  ["image", "Image", "", "M2 3h12v10H2zM2 11l3.5-3.5 3 3L11 8l3 3M10.5 5.8h.01", false, "group"],
  ["clear", "Clear formatting", "Mod+\\", "M4 3h9M8.5 3 7 9M2.5 13.5l11-11M5.5 13.5h3", false],
  ["undo", "Undo", "Mod+Z", "M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6", false, "group"],
  ["redo", "Redo", "Mod+Shift+Z", "M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h4", false],
];

/**
 * @param {object} options
 * @param {string} options.controls  id of the text the buttons work on
 * @param {string[]} options.without  names of buttons to leave out
 * @param {(name: string) => void} options.press
 * @param {() => void} options.leave  Esc was pressed: back to the text
 */
export function makeToolbar({ controls, without, press, leave }) {
  const bar = document.createElement("div");
  bar.className = "editor-toolbar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Formatting");
  bar.setAttribute("aria-controls", controls);
  for (const [name, label, keys, drawing, stays, group] of BUTTONS) {
    if (!without.includes(name)) bar.append(makeButton(name, label, keys, drawing, stays, group !== undefined));
  }
  const buttons = [...bar.children];
  const stop = (button) => {
    for (const other of buttons) other.tabIndex = other === button ? 0 : -1;
  };
  stop(buttons[0]);

  // Pressing with the mouse must not take the selection out of the text.
  bar.addEventListener("mousedown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    stop(button);
    if (button.getAttribute("aria-disabled") !== "true") press(button.dataset.command);
  });
  bar.addEventListener("focusin", (event) => stop(event.target));
  bar.addEventListener("keydown", (event) => {
    const next = nextButton(buttons, event.key);
    if (next !== null) next.focus();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  });
  return {
    element: bar,
    /** @param {Record<string, boolean>} states  which buttons are pressed */
    setPressed(states) {
      for (const button of buttons) {
        const pressed = states[button.dataset.command];
        if (pressed !== undefined) button.setAttribute("aria-pressed", String(pressed));
      }
    },
    /** A button without effect stays reachable: one that vanishes from under the focus loses it. */
    setUsable(name, usable) {
      bar.querySelector(`[data-command="${name}"]`).setAttribute("aria-disabled", String(!usable));
    },
    focus() {
      buttons.find((button) => button.tabIndex === 0).focus();
    },
  };
}

function nextButton(buttons, key) {
  const at = buttons.indexOf(document.activeElement);
  if (key === "ArrowRight") return buttons[(at + 1) % buttons.length];
  if (key === "ArrowLeft") return buttons.at(at - 1);
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  return null;
}

function makeButton(name, label, keys, drawing, stays, startsGroup) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = startsGroup ? "editor-tool editor-tool-first" : "editor-tool";
  button.dataset.command = name;
  button.setAttribute("aria-label", label);
  button.title = keys === "" ? label : `${label} (${keys.replace("Mod", MAC ? "⌘" : "Ctrl")})`;
  if (keys !== "") button.setAttribute("aria-keyshortcuts", keys.replace("Mod", MAC ? "Meta" : "Control"));
  if (stays) button.setAttribute("aria-pressed", "false");
  button.append(draw(drawing));
  return button;
}

function draw(drawing) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", drawing);
  svg.append(path);
  return svg;
}

/**
 * @param {KeyboardEvent} event
 * @returns {string | null}  the command its keys stand for
 */
export function commandFor(event) {
  if (!(MAC ? event.metaKey : event.ctrlKey) || event.altKey) return null;
  // The digit row gives other characters with Shift, and other ones on each keyboard: the key's place counts.
  const digit = /^Digit([789])$/.exec(event.code)?.[1];
  const key = event.shiftKey && digit ? digit : event.key.toLowerCase();
  if (key === "y" && !event.shiftKey) return "redo";
  const pressed = event.shiftKey ? `Mod+Shift+${key}` : `Mod+${key}`;
  return BUTTONS.find(([, , keys]) => keys.toLowerCase() === pressed.toLowerCase())?.[0] ?? null;
}
