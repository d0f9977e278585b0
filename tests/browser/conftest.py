"""One demo portal and one Chromium for all browser tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import AFTER_ITS_SCRIPTS, launch
from tests.support.demo import Demo, running_demo
from tools.screenshots import log_in


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The portal as `make run` starts it, with two web processes."""
    with running_demo(tmp_path_factory.mktemp("browser") / "var", workers=2) as running:
        set_undo(running, 0)
        yield running


def set_undo(demo: Demo, seconds: int) -> None:
    """Let Ada's replies wait so long: tests of mail do not wait for a reply that nobody takes back."""
    with httpx.Client(base_url=demo.url, headers={"Origin": demo.url}) as client:

        def post(form: str, path: str, **fields: str) -> None:
            token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(form).text)
            assert token
            answer = client.post(path, data={"csrf_token": token[1], **fields})
            assert answer.status_code == 303, answer.text

        post("/login", "/login", email="ada@acme.example", password="welcome-ada")
        post("/profile", "/profile/sending", undo_seconds=str(seconds))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(AFTER_ITS_SCRIPTS)
    yield context.new_page()
    context.close()


@pytest.fixture
def ada(page: Page, demo: Demo) -> Iterator[Page]:
    """A window in which Ada is logged in; a script error in it fails the test."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, demo)
    yield page
    assert errors == []
