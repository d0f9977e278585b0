// Tells Plausible's script what to say of this page: its kind, and nothing of whom or what it is about.
// It may come before that script or after it.
"use strict";

(() => {
  const own = document.currentScript.dataset;
  // The portal leaves the scripts out for who says so in a header; some browsers say it here only.
  if (navigator.globalPrivacyControl === true || navigator.doNotTrack === "1") return;

  // Plausible's script sends where the reader came from as it stands: within the portal that is a ticket's address.
  const cameFrom = (() => {
    try {
      const { origin } = new URL(document.referrer);
      return origin === "null" || origin === location.origin ? "" : `${origin}/`;
    } catch {
      return "";
    }
  })();
  Object.defineProperty(document, "referrer", { configurable: true, get: () => cameFrom });

  const options = {
    endpoint: own.api,
    autoCapturePageviews: false,
    outboundLinks: false,
    fileDownloads: false,
    formSubmissions: false,
    hashBasedRouting: false,
    logging: false,
    transformRequest: ({ n, v, d }) => (n === "pageview" ? { n, v, d, u: own.url, r: cameFrom || null } : null),
  };
  // Older scripts know `u`, newer ones `url`.
  const view = ["pageview", { u: own.url, url: own.url }];
  const there = window.plausible;
  if (typeof there === "function") {
    there(...view);
  } else if (there) {
    there.init(options);
    window.plausible(...view);
  } else {
    window.plausible = (...event) => window.plausible.q.push(event);
    window.plausible.q = [view];
    window.plausible.o = options;
  }
})();
