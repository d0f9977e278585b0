"""The customers' page in a browser without scripts, on a phone."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_access import _violations
from tests.browser.test_consent import _open_ticket_for
from tests.browser.test_main_job import _mail_for
from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def _page_link(page: Page, demo: Demo, words: str) -> str:
    mailbox = _mail_for(page.context, demo, words)
    link = mailbox.frame_locator("iframe").get_by_role("link", name="Read and answer this on the web")
    # The demo's mailbox follows links as a mail program does: through an address of its own.
    href = link.get_attribute("href") or ""
    mailbox.close()
    return parse_qs(urlsplit(href).query)["url"][0]


def test_a_customer_reads_answers_and_closes_without_a_script(ada: Page, browser: Browser, demo: Demo) -> None:
    ticket = _open_ticket_for(ada, demo, "Uma <uma@customer.example>", "On the web")
    link = _page_link(ada, demo, "On the web")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 760})
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Your email address").fill("eve@example.org")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("This address does not open the page.")).to_be_visible()
    page.get_by_label("Your email address").fill("Uma@customer.example")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("h1")).to_have_text("On the web")

    page.get_by_label("Message").fill("It works on the web, too.")
    page.set_input_files("#f-files", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"my notes"})
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Your answer is with us.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="notes.txt").click()
    assert download.value.path().read_bytes() == b"my notes"
    page.get_by_text("This is settled").click()
    page.get_by_role("button", name="Yes, close it").click()
    expect(page.get_by_text("Closed", exact=True).first).to_be_visible()
    boxes = page.locator("body").bounding_box()
    assert boxes is not None
    assert boxes["width"] <= 360
    context.close()

    ada.goto(ticket)
    expect(ada.get_by_text("The customer closed it").first).to_be_visible()
    expect(ada.get_by_text("Read on the ticket page at").first).to_be_attached()

    ada.goto(link)
    assert _violations(ada) == []
    ada.get_by_label("Your email address").fill("uma@customer.example")
    ada.get_by_role("button", name="Open").click()
    expect(ada.get_by_text("counts as nothing")).to_be_visible()
    assert _violations(ada) == []
