"""An admin sets a provider up: secret, first events, what was not taken, self-test."""

from __future__ import annotations

import secrets

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.problems import problems_of
from tests.support.demo import Demo
from tools.screenshots import log_in

pytestmark = pytest.mark.browser
PROVIDER = "/admin/modules/delivery/providers/generic"
SECRET = secrets.token_urlsafe(18)


def test_a_provider_is_set_up_and_its_page_says_what_came(ada: Page, browser: Browser, demo: Demo) -> None:
    ada.goto(demo.url + PROVIDER)
    assert "Closed: no secret is set" in ada.locator("main").inner_text()
    ada.get_by_role("link", name="Set it in the settings").click()
    ada.get_by_label("Generic JSON: secret").fill(SECRET)
    ada.get_by_role("button", name="Save", exact=True).click()
    ada.wait_for_selector("text=uses the new settings within a second")
    with httpx.Client(base_url=demo.url, headers={"Authorization": f"Bearer {SECRET}"}) as client:
        long = {"event": "delivered", "tracking_id": "A" * 54, "note": "x" * 400}
        events = [long, {**long, "event": "exploded"}]
        # The other web process knows the secret within a second.
        while (answer := client.post("/track/delivery/", json=events)).status_code == 403:
            ada.wait_for_timeout(200)
        assert answer.status_code == 200
        # Over a real connection the answer must arrive although the body was not wanted.
        assert client.post("/api/delivery/generic", content=b" " * 10_000_000).status_code in {413, 415}
    for scheme, width in (("light", 1280), ("dark", 360)):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = context.new_page()
        log_in(page, demo)
        page.goto(demo.url + PROVIDER)
        page.locator("summary", has_text="As it came").first.click()
        page.locator("#self-test").get_by_role("button").click()
        page.wait_for_selector("text=All 5 steps are good")
        words = page.locator("main").inner_text()
        assert problems_of(page) == []
        assert "1 of 1 are of no mail of this portal" in words
        assert "event must be one of" in words
        context.close()
