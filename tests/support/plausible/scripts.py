"""GET /js/…: scripts that do of the real ones what a page can get wrong.

Both send the address in the browser's bar and `document.referrer` as they are, unless the page tells them otherwise in
the way of each, and an `engagement` when the page is left. The site's own one (pa-….js) asks `plausible.o` what to do.
"""

from __future__ import annotations

import re

from tests.support.plausible.http import Response

PREFIX = "/js/"
HEADERS = [
    ("access-control-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "public, max-age=86400, must-revalidate"),
]
KIND = "application/javascript; charset=utf-8"
SHARED = """
  function send(endpoint, payload) {
    fetch(endpoint, {
      method: "POST", headers: {"Content-Type": "text/plain"}, keepalive: true, body: JSON.stringify(payload),
    }).catch(() => {});
  }
  let left = null;
  function leave(endpoint, payload) {
    if (left === null) {
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState !== "hidden") return;
        send(endpoint, {n: "engagement", sd: 100, e: 5000, d: left.d, u: left.u, p: left.p, v: 27});
      });
    }
    left = payload;
  }
"""
MANUAL = f"""(() => {{
  const element = document.currentScript;
  {SHARED}
  const endpoint = element.getAttribute("data-api") || new URL(element.src).origin + "/api/event";
  function track(name, options) {{
    const payload = {{
      n: name, v: 27, u: (options && (options.u || options.url)) || location.href,
      d: element.getAttribute("data-domain"), r: document.referrer || null,
    }};
    if (options && options.props) payload.p = options.props;
    if (name === "pageview") leave(endpoint, payload);
    send(endpoint, payload);
  }}
  const queue = (window.plausible && window.plausible.q) || [];
  for (const one of queue) track(...one);
  window.plausible = track;
}})();
"""
OF_A_SITE = f"""(() => {{
  const origin = new URL(document.currentScript.src).origin;
  {SHARED}
  let config = {{domain: "DOMAIN", endpoint: origin + "/api/event"}};
  function track(name, options) {{
    let payload = {{
      n: name, v: 27, u: (options && (options.u || options.url)) || location.href,
      d: config.domain, r: document.referrer || null,
    }};
    if (typeof config.transformRequest === "function") payload = config.transformRequest(payload);
    if (!payload) return;
    if (name === "pageview") leave(config.endpoint, payload);
    send(config.endpoint, payload);
  }}
  function init(overrides) {{
    config = Object.assign(config, overrides, {{domain: config.domain}});
    if (config.autoCapturePageviews !== false) track("pageview");
    if (config.outboundLinks !== false) {{
      document.addEventListener("click", (event) => {{
        const link = event.target.closest("a[href]");
        if (link) track("Outbound Link: Click", {{props: {{url: link.href}}}});
      }});
    }}
    const queue = (window.plausible && window.plausible.q) || [];
    for (const one of queue) track(...one);
    window.plausible = track;
    window.plausible.init = init;
  }}
  window.plausible = window.plausible || {{}};
  if (window.plausible.o) init(window.plausible.o);
  window.plausible.init = init;
}})();
"""


def answer(path: str, *, domain: str = "help.example.com") -> Response:
    """The script of this name; 404 for one that no Plausible has."""
    name = path.removeprefix(PREFIX)
    if re.fullmatch(r"(?:script|plausible)(?:\.[a-z-]+)*\.manual\.js", name):
        return Response(200, MANUAL.encode(), KIND, headers=list(HEADERS))
    if re.fullmatch(r"pa-[A-Za-z0-9_-]+\.js", name):
        return Response(200, OF_A_SITE.replace("DOMAIN", domain).encode(), KIND, headers=list(HEADERS))
    return Response(404, b"Not Found", headers=list(HEADERS))
