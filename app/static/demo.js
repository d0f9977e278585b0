/* The demo mailbox's list: looks for new mail each two seconds while it is shown. */

const inbox = document.querySelector("[data-inbox]");

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-inbox]");
    if (fresh && fresh.querySelectorAll("li").length !== inbox.querySelectorAll("li").length) {
      inbox.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // The mailbox is being stopped or started again; the next look finds it.
  }
}

setInterval(look, 2000);
