"""A customer opts out by the link in a mail, and the agents' pages say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_access import _violations
from tests.browser.test_main_job import _mail_for
from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOTED = re.compile(r"[Rr]efused on \d+ \w{3} \d{4} by the opt-out page")


def _department(page: Page, demo: Demo, name: str, tracking: str) -> None:
    page.goto(f"{demo.url}/admin/departments/new")
    page.fill("#f-name", name)
    page.select_option("#f-tracking", tracking)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text(f"{name} is added.")).to_be_visible()


def _open_ticket_for(page: Page, demo: Demo, who: str, subject: str) -> str:
    page.goto(f"{demo.url}/tickets/new")
    page.fill("#f-requester", who)
    page.fill("#f-subject", subject)
    page.locator(".editor-body").fill("Have a look.")
    page.get_by_role("button", name="Open ticket").click()
    page.wait_for_url(re.compile(r"/tickets/\d+#reply-"))
    return page.url.partition("#")[0]


def _opt_out_link(page: Page, demo: Demo, words: str) -> str:
    mailbox = _mail_for(page.context, demo, words)
    # The demo's mailbox follows links as a mail program does: through an address of its own.
    link = mailbox.frame_locator("iframe").get_by_role("link", name="Turn this off").get_attribute("href") or ""
    mailbox.close()
    return parse_qs(urlsplit(link).query)["url"][0]


@pytest.fixture
def linked(ada: Page, demo: Demo) -> Iterator[None]:
    """Mails have the link to the opt-out page, until the end of the test: others have the same portal."""
    _save_link(ada, demo, on=True)
    yield
    _save_link(ada, demo, on=False)


def _save_link(page: Page, demo: Demo, *, on: bool) -> None:
    page.goto(f"{demo.url}/admin/modules/plausible")
    page.set_checked("#f-opt_out_link", on)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Every part")).to_be_visible()
    page.wait_for_timeout(1500)


@pytest.mark.usefixtures("linked")
def test_who_opts_out_is_not_tracked_and_the_agents_see_why(ada: Page, browser: Browser, demo: Demo) -> None:
    ticket = _open_ticket_for(ada, demo, "Zoe <zoe@customer.example>", "Opting out")
    link = _opt_out_link(ada, demo, "Opting out")

    stranger = browser.new_context(viewport={"width": 360, "height": 700}, color_scheme="dark")
    page = stranger.new_page()
    page.goto(link)
    assert _violations(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Turn tracking off")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tracking is off")).to_be_visible()
    assert page.url == link
    page.reload()
    expect(page.get_by_text(NOTED)).to_be_visible()
    assert _violations(page) == []
    assert stranger.cookies() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{link}x")
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert stranger.cookies() == []
    stranger.close()

    ada.goto(ticket)
    composer = ada.locator(".composer-tracking")
    expect(composer).to_contain_text(NOTED)
    expect(ada.get_by_role("switch", name="Track this reply")).to_be_hidden()
    ada.locator(".editor-body").fill("Once more.")
    ada.get_by_role("button", name="Send", exact=True).click()
    badge = ada.locator("[data-receipt]").last
    expect(badge).to_contain_text("Not tracked")
    badge.click()
    expect(ada.locator("[data-receipt-panel]:popover-open")).to_contain_text(NOTED)
    ada.keyboard.press("Escape")
    ada.locator(".side-person a").click()
    expect(ada.get_by_text("Off for this contact.")).to_be_visible()
    expect(ada.locator("#tracking")).to_contain_text(NOTED)
    assert _violations(ada) == []
    ada.get_by_text("They allow tracking").click()
    ada.get_by_role("button", name="They told me so").click()
    expect(ada.locator("#tracking")).to_contain_text("as Ada Lindqvist noted")
    ada.get_by_text("All decisions").click()
    expect(ada.locator(".contact-decisions li")).to_have_count(2)


def test_the_composer_follows_its_addresses_and_the_department(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/contacts")
    ticket = _open_ticket_for(ada, demo, "Yann <yann@customer.example>", "Following")
    ada.locator(".side-person a").click()
    ada.get_by_role("button", name="They refuse tracking").click()
    expect(ada.locator("#tracking")).to_contain_text("Off for this contact.")

    ada.goto(ticket)
    composer, switch = ada.locator(".composer-tracking"), ada.get_by_role("switch", name="Track this reply")
    expect(switch).to_be_hidden()
    ada.fill("#f-to", "yann@customer.example, xenia@customer.example")
    expect(switch).to_be_checked()
    expect(composer).to_contain_text("Off for yann@customer.example: refused on")
    switch.uncheck()
    expect(composer).to_contain_text("Not tracked: you turned it off for this reply")
    ada.fill("#f-to", "xenia@customer.example")
    expect(composer.locator("[data-tracking-on]")).not_to_contain_text("Off for")
    expect(switch).not_to_be_checked()
    ada.fill("#f-to", "yann@customer.example")
    expect(switch).to_be_hidden()

    _department(ada, demo, "Silent service", "off")
    ada.goto(f"{demo.url}/tickets/new")
    ada.fill("#f-requester", "Will <will@customer.example>")
    expect(switch).to_be_checked()
    ada.select_option("#f-department", label="Silent service")
    expect(composer).to_contain_text("Not tracked: off for the department Silent service")
    expect(switch).not_to_be_checked()
    switch.check()
    expect(composer).to_contain_text("Tracked: opens and links")
    assert _violations(ada) == []

    ada.goto(f"{demo.url}/admin/departments")
    assert _violations(ada) == []
    ada.get_by_role("link", name="Silent service").click()
    assert _violations(ada) == []
    ada.locator("summary", has_text="Delete").click()
    ada.get_by_role("button", name="Delete Silent service").click()
    expect(ada.get_by_text("Silent service is deleted.")).to_be_visible()
