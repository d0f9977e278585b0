/*
 * Says whether this message is tracked while its addresses change: what the server would decide for them.
 *
 * What the page writes
 *   <div data-tracking="/tickets/1/tracking">   asked with ?to=&cc=&department= for {is_default, can_switch, on, off}
 *     [data-tracking-offered], [data-tracking-default]   hidden fields: whether there is a choice, and what stands
 *     [data-tracking-choice]                    the switch with the checkbox `track`
 *     [data-tracking-on], [data-tracking-off]   a bold word and then the words of either side
 */

import { askWhileTyping } from "./asking.js";

const WATCHED = { to: "to", cc: "cc", requester: "to", department: "department" };

/** @param {HTMLFormElement} form */
export function watchTracking(form) {
  const frame = form.querySelector("[data-tracking]");
  const checkbox = frame?.querySelector("input[name=track]");
  if (!checkbox) return;
  const offered = frame.querySelector("[data-tracking-offered]");
  const standing = frame.querySelector("[data-tracking-default]");

  const show = (told) => {
    const untouched = offered.disabled || checkbox.checked === (standing.value === "1");
    if (!told.can_switch) checkbox.checked = false;
    else if (untouched) checkbox.checked = told.is_default;
    offered.disabled = !told.can_switch;
    standing.value = told.is_default ? "1" : "0";
    frame.querySelector("[data-tracking-choice]").hidden = !told.can_switch;
    say(frame.querySelector("[data-tracking-on]"), told.on);
    say(frame.querySelector("[data-tracking-off]"), told.off);
  };

  // The server decides anew when it sends; until it answers, the words stay as they were.
  askWhileTyping(form, {
    url: frame.dataset.tracking,
    isWatched: (name) => name in WATCHED,
    question: () => question(form),
    show,
  });
}

function question(form) {
  const fields = [...new FormData(form)].filter(([name, value]) => name in WATCHED && typeof value === "string");
  return new URLSearchParams(fields.map(([name, value]) => [WATCHED[name], value])).toString();
}

function say(element, words) {
  if (element.lastChild.data !== ` ${words}`) element.lastChild.data = ` ${words}`;
}
