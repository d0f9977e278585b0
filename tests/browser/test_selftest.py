"""The Test button: what it finds is read on a phone and in the dark, and a fault says what to do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.problems import problems_of
from tests.support.demo import Demo
from tools.screenshots import log_in


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_pressing_it_tells_each_step(browser: Browser, demo: Demo, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}/admin/modules/plausible")
    steps = page.get_by_role("complementary", name="Self-test")
    expect(steps.get_by_text("a tracked link leads on")).to_have_count(0)
    steps.get_by_role("button", name="Test").click()
    found = steps.get_by_text("All 8 steps are good")
    expect(found).to_be_in_viewport()
    expect(steps.get_by_text(f"{demo.url} delivers it, and nothing on the way keeps it")).to_be_visible()
    expect(steps.get_by_text("a tracked link leads on")).to_be_visible()
    assert problems_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
