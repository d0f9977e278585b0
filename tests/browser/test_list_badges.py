"""What a badge in the ticket list shows of each recipient, and that nothing of it is cut off."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.demo import Demo
from tools.screenshots import log_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LIST = "/tickets?view=all&status=pending&receipt=read"


def _badge(page: Page, path: str, demo: Demo) -> tuple[Locator, Locator]:
    page.goto(f"{demo.url}{path}")
    badge = page.locator("[data-ticket-badge] button[data-receipt]").first
    return badge, page.locator(f"#{badge.get_attribute('data-receipt')}")


@pytest.mark.parametrize("how", ["hover", "focus", "click"])
def test_a_badge_in_the_list_shows_each_recipient(
    ada: Page, demo: Demo, how: Literal["hover", "focus", "click"]
) -> None:
    badge, panel = _badge(ada, LIST, demo)
    address = ada.url
    if how == "focus":
        ada.locator("[data-row-link]").first.focus()
        ada.keyboard.press("Tab")
    elif how == "hover":
        badge.hover()
    else:
        badge.click()

    expect(panel).to_be_visible()
    expect(panel.locator(".recipient").first).to_contain_text("First read")
    expect(panel).to_contain_text("Last read")
    expect(panel.locator(".recipient-email").first).to_contain_text("@")
    assert badge.inner_text().startswith("✓ Read")
    assert ada.url == address


def test_j_goes_on_to_the_next_line_from_a_badge(ada: Page, demo: Demo) -> None:
    _, panel = _badge(ada, LIST, demo)
    ada.locator("[data-row-link]").first.focus()
    ada.keyboard.press("Tab")
    expect(panel).to_be_visible()

    ada.keyboard.press("j")

    expect(ada.locator("[data-row-link]").nth(1)).to_be_focused()
    expect(panel).to_be_hidden()


def test_a_tap_on_a_phone_shows_the_recipients_and_opens_no_ticket(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    log_in(page, demo)
    badge, panel = _badge(page, LIST, demo)

    badge.tap()

    expect(panel.locator(".recipient").first).to_contain_text("First read")
    assert "/tickets?" in page.url
    context.close()


def test_without_script_the_panel_leads_to_the_reply(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, demo)
    badge, panel = _badge(page, LIST, demo)

    badge.click()
    panel.get_by_role("link", name="Open the reply").click()

    page.wait_for_url(re.compile(r"/tickets/\d+#reply-\d+$"))
    context.close()


def test_a_contacts_tickets_have_the_same_badges(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}{LIST}")
    ada.locator("[data-row-link]").first.click()
    href = ada.locator("a[href^='/contacts/']").first.get_attribute("href")

    badge, panel = _badge(ada, str(href), demo)
    badge.click()

    expect(panel.locator(".recipient-email").first).to_contain_text("@")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_word_of_a_badge_is_cut_off(ada: Page, demo: Demo, width: int) -> None:
    ada.set_viewport_size({"width": width, "height": 900})
    ada.goto(f"{demo.url}/tickets?view=all")
    ada.locator("[data-ticket-badge] .badge-word").first.evaluate(
        "(word) => { word.textContent = 'Read by 10 of 12'; }"
    )

    cut = ada.locator("[data-ticket-badge] .badge-text").evaluate_all(
        """(words) => words.filter((word) => word.scrollWidth > word.clientWidth)
                           .map((word) => word.textContent).filter((text) => !text.startsWith("Failed:"))"""
    )
    assert cut == []
