/*
 * Live updates: badges change on an open page, new messages are announced, times stay true.
 * Load it with <script type="module" src="…/live.js">. Without script the page is as true as when it was loaded.
 *
 * What the page writes
 *   <body data-live-topics="ticket:12 tickets me"   leave it out where nothing is live
 *         data-live-cursor="…">                     optional: the newest change this page already shows; without it
 *                                                   everything is fetched once after a connection was lost
 *   A reply's badge, either of
 *     <div data-receipt="5" data-receipt-label="Reply to Bob">…fragment…</div>
 *     <div class="receipt" data-receipt-frame="receipt-5">…</div>   as the macro receipt() draws it;
 *                                                   data-receipt-label on it or on any element around it
 *     The word that is read out is in [data-receipt-word] or .badge-word. A button with data-receipt is no frame.
 *     On a page without a "ticket:…" topic put data-ticket="12" around it.
 *   <div data-ticket-badge="12">…fragment…</div>    the badge in a ticket list; a popover with data-receipt-wanted in
 *                                                   it is fetched when somebody is about to open it
 *   <a data-bell>…<span data-bell-count>3</span>…<span data-bell-words>   the count of notifications that are not seen;
 *                                                   kept true where the topics have "me"
 *   <p data-live-status aria-live="polite">         made at the end of body, for screen readers only, when missing
 *   <time data-ago datetime="2025-05-03T10:32:00Z">5 min ago</time>   rewritten every 30 s
 *
 * What the server does
 *   GET /live?topics=ticket:12,tickets[&after=<cursor>]   server-sent events: event "change", id <cursor>, data
 *       {"topic": "ticket:12", "kind": "receipt"|"message", "ticket_id": 12, "reply_id": 5, "anchor": "reply-5"}
 *       (anchor only with kind message, when it is not reply-<id>); event "ping" every 15 s, id <cursor>, lets the
 *       page notice a dead line
 *   GET /live/poll?topics=…&after=<cursor or nothing>     {"cursor": "…", "events": [data, …]}; without cursor no
 *       events; 400 for a cursor it does not know
 *       the topic "me" has {"kind": "notification", "user_id": 7}
 *   GET /notifications/unseen          {"unseen": 3, "words": "3"}
 *   GET /tickets/12/replies/5/badge    HTML: what stands inside the frame, or the frame with the same
 *       data-receipt(-frame)
 *   GET /tickets/12/badge              likewise for data-ticket-badge
 *   401, 403 or a redirect mean that the session is over.
 *
 * What this file makes: body[data-live-state=connecting|stream|polling|off], and
 * div.live-bar[data-live-bar=news|logged-out]. After badges changed: CustomEvent "portal:replaced" on document with
 * detail.elements. Elements keep focus, open panels and <details>; for that the fragment's elements should keep
 * their id (or data-key).
 */

import { News, showLoggedOut } from "./live/news.js";
import { Bell } from "./live/bell.js";
import { fillPanels } from "./live/panels.js";
import { Receipts } from "./live/receipts.js";
import { Stream } from "./live/stream.js";
import { refreshTimes } from "./live/times.js";

const TIMES_MS = 30_000;
const HIDDEN_FOR_MS = 5 * 60_000;
const ANNOUNCE_MS = 500;

function makeAnnouncer() {
  let region = document.querySelector("[data-live-status]");
  if (region === null) {
    region = document.createElement("p");
    region.className = "live-status";
    region.dataset.liveStatus = "";
    document.body.append(region);
  }
  region.setAttribute("aria-live", "polite");
  let words = [];
  return (word) => {
    words.push(word);
    if (words.length > 1) return;
    setTimeout(() => {
      region.textContent = words.join(". ");
      words = [];
    }, ANNOUNCE_MS);
  };
}

function goLive(topics) {
  const ticket = topics.find((topic) => topic.startsWith("ticket:"))?.slice("ticket:".length);
  const news = new News(ticket);
  const bell = new Bell(loggedOut);
  const receipts = new Receipts(makeAnnouncer(), loggedOut);
  fillPanels((number) => receipts.fill(number));
  const stream = new Stream({
    topics,
    cursor: document.body.dataset.liveCursor ?? "",
    changed(change) {
      if (change.kind === "receipt") receipts.changed(change);
      else if (change.kind === "message") news.arrived(change);
      else if (change.kind === "notification") bell.changed();
      else if (change.kind === "presence") document.dispatchEvent(new CustomEvent("portal:presence"));
    },
    missed() {
      receipts.refreshAll(ticket);
      bell.changed();
    },
    loggedOut,
    state(name) {
      document.body.dataset.liveState = name;
    },
  });
  let over = false;
  let hiddenTimer = 0;
  let asleep = false;

  function loggedOut() {
    over = true;
    stream.stop();
    showLoggedOut();
  }

  function sleep() {
    asleep = true;
    stream.stop();
  }

  function wake() {
    clearTimeout(hiddenTimer);
    if (!asleep || over) return;
    asleep = false;
    stream.start();
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.visibilityState === "hidden") hiddenTimer = setTimeout(sleep, HIDDEN_FOR_MS);
    else wake();
  });
  // An open connection would keep the page out of the browser's back and forward cache.
  addEventListener("pagehide", sleep);
  addEventListener("pageshow", wake);
  stream.start();
}

refreshTimes(document);
setInterval(() => refreshTimes(document), TIMES_MS);
document.addEventListener("visibilitychange", () => refreshTimes(document));
document.addEventListener("portal:replaced", () => refreshTimes(document));

const topics = (document.body.dataset.liveTopics ?? "").split(/\s+/).filter((topic) => topic !== "");
if (topics.length > 0) goLive(topics);
