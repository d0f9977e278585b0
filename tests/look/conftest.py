"""A browser per module, and pages that tell what went wrong in them."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import chromium_path, launch

from .browser import ORIGIN, serve

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium for the tests of one module."""
    if chromium_path() is None:
        pytest.skip("no Chromium here: install Debian's chromium-headless-shell, or name one in MYPORTAL_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Give a function that opens a page of the gallery; fails the test on any script or policy error."""
    opened: list[Page] = []
    problems: list[str] = []

    def open_one(
        name: str,
        *,
        theme: str = "",
        width: int = 1280,
        script: bool = True,
        touch: bool = False,
    ) -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 800},
            java_script_enabled=script,
            has_touch=touch,
            is_mobile=touch,
        )
        opened.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.route("**/*", serve(theme))
        page.goto(f"{ORIGIN}/{name}")
        return page

    yield open_one
    for page in opened:
        page.close()
    assert problems == []
