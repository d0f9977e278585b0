"""Debian's Chromium: where it is, how it starts, and what it does to every page."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

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
    """Find the system's Chromium; MYPORTAL_CHROMIUM names another one. None where there is none.

    The one without a window comes first: the same browser, which needs half of the time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return os.environ.get("MYPORTAL_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def launch(playwright: Playwright) -> Browser:
    """Start it; the caller closes it."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
