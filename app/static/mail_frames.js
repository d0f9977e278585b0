/*
 * Makes the frames of customers' messages as high as what is in them, so that nobody scrolls twice. Load it with
 * <script type="module">. Without script they keep the height that the server guessed, and scroll.
 *
 * What the page writes: <iframe data-mail-frame sandbox="allow-same-origin …" src="…">. Nothing runs inside the frame;
 * allow-same-origin lets this page read the height of its content.
 */

const HIGHEST = 20_000;

for (const frame of document.querySelectorAll("iframe[data-mail-frame]")) {
  frame.addEventListener("load", () => follow(frame));
  if (frame.contentDocument?.readyState === "complete") follow(frame);
}

/** @param {HTMLIFrameElement} frame */
function follow(frame) {
  const body = frame.contentDocument?.body;
  if (!body || frame.contentDocument.URL === "about:blank") return;
  const fit = () => {
    // A wide table scrolls sideways; the scrollbar needs room of its own.
    const bar = body.scrollWidth > frame.clientWidth ? 18 : 0;
    const height = Math.min(HIGHEST, Math.ceil(body.getBoundingClientRect().height) + bar);
    if (Math.abs(frame.offsetHeight - height) > 1) frame.style.height = `${height}px`;
  };
  new ResizeObserver(fit).observe(body);
  fit();
}
