"""What is wrong with a page for those who do not see it, or see it on a phone."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def problems_of(page: Page, *, iframes: bool = True) -> list[str]:
    """What axe finds, and by how much the page is too wide.

    iframes: False for pages with a sandboxed frame, in which axe cannot run and for which it must not wait.
    """
    found = Axe().run(page, options={"iframes": iframes}).response["violations"]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found] + (
        [f"{wider} px too wide"] if wider > 0 else []
    )
