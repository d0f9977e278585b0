"""axe finds nothing on any page, in light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.support.demo import Demo
from tools.screenshots import log_in, pages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing(browser: Browser, demo: Demo, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    found: dict[str, list[str]] = {}
    page.goto(f"{demo.url}/login")
    found["login"] = _violations(page)
    log_in(page, demo)
    for name, url in pages(page, demo).items():
        page.goto(url)
        found[name] = _violations(page)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            found[name].append(f"the page is {overflow} px wider than the window")
    context.close()
    assert {name: problems for name, problems in found.items() if problems} == {}


def _violations(page: object) -> list[str]:
    # The frame with a customer's mail is sandboxed without scripts, so axe cannot run in it and must not wait for it.
    result = Axe().run(page, options={"iframes": False})
    return [
        f"{violation['id']}: {[node['target'] for node in violation['nodes']][:3]}"
        for violation in result.response["violations"]
    ]
