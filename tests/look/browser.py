"""A real browser that sees the gallery under the app's own content policy, without any server."""

import os
import shutil
from collections.abc import Callable

from playwright.sync_api import Browser, Playwright, Route

from app.web.headers import CSP

from .gallery import PAGES, STATIC, render

ORIGIN = "http://portal.test"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Playwright waits for the page only where a test goes to an address, not where a click leads to it: what a test does at
# once on a page that its scripts have not reached yet is lost. Nothing is seen before them, so it waits for them.
AFTER_ITS_SCRIPTS = """
if (window === top) {
  const unseen = new CSSStyleSheet();
  unseen.replaceSync(":root { visibility: hidden; } [autofocus] { visibility: visible; }");
  document.adoptedStyleSheets = [unseen];
  document.addEventListener("DOMContentLoaded", () => { document.adoptedStyleSheets = []; });
}
"""


def chromium_path() -> str | None:
    """Find the system's Chromium; MYPORTAL_CHROMIUM names another one. None where there is none."""
    return os.environ.get("MYPORTAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium; the caller closes it."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)


def serve(theme: str = "") -> Callable[[Route], None]:
    """Give a route handler that answers /static/... and /<page of the gallery> in a theme."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0].strip("/")
        if path.startswith("static/"):
            file = STATIC / path.removeprefix("static/")
            route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])
        elif path in PAGES:
            headers = {"Content-Security-Policy": CSP, "Content-Type": "text/html; charset=utf-8"}
            route.fulfill(body=render(path, theme), headers=headers)
        else:
            route.fulfill(status=404, body="")

    return answer
