/*
 * Says of addresses that get no mail that they do not, while they are typed; the server refuses them when it sends.
 *
 * What the page writes
 *   <div data-suppressed="/suppressions/check">   asked with ?to=&cc=&bcc=&requester= for [{field, email, words, id}]
 *     <ul data-suppressed-list>                   a line for each, with a bold address, words and a link
 *     <template data-suppressed-line>             such a line
 */

import { askWhileTyping } from "./asking.js";

const WATCHED = ["to", "cc", "bcc", "requester"];

/** @param {HTMLFormElement} form */
export function watchSuppressed(form) {
  const frame = form.querySelector("[data-suppressed]");
  if (!frame) return;
  const list = frame.querySelector("[data-suppressed-list]");
  const template = frame.querySelector("[data-suppressed-line]");

  const show = (found) => {
    list.replaceChildren(
      ...found.map((one) => {
        const line = template.content.firstElementChild.cloneNode(true);
        const words = line.querySelector("span > span");
        // What an error at the field says is not said again; the way out is.
        const isSaid = form.querySelector(`#f-${one.field}-error`)?.textContent.includes(one.email) ?? false;
        line.querySelector("b").textContent = isSaid ? `${one.email}:` : one.email;
        words.textContent = isSaid ? "" : one.words;
        const link = line.querySelector("a");
        if (one.id) link.href = `/suppressions/${one.id}`;
        else link.remove();
        return line;
      }),
    );
    list.hidden = found.length === 0;
  };

  askWhileTyping(form, {
    url: frame.dataset.suppressed,
    isWatched: (name) => WATCHED.includes(name),
    question: () => question(form),
    show,
  });
}

function question(form) {
  const fields = [...new FormData(form)].filter(([name, value]) => WATCHED.includes(name) && value);
  return new URLSearchParams(fields).toString();
}
