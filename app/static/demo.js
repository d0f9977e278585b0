/* The demo mailbox's list: looks for new mail each two seconds while it is shown. */

const inbox = document.querySelector("[data-inbox]");

/* By the newest mail and not by their number, which stays the same once the list is full. */
const newest = (list) => list.querySelector("li a")?.getAttribute("href");

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-inbox]");
    if (fresh && newest(fresh) !== newest(inbox)) {
      inbox.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // The mailbox is being stopped or started again; the next look finds it.
  }
}

setInterval(look, 2000);
