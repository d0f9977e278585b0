"""The main job, as a person does it: answer a ticket, open the mail, see the badge turn green."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def _open_ticket(page: Page, demo: Demo, words: str) -> str:
    page.goto(f"{demo.url}/tickets?view=all&q={words}")
    page.locator("[data-row] a[href^='/tickets/']").first.click()
    page.wait_for_url(re.compile(r"/tickets/\d+"))
    return page.url


def _mail_for(context: BrowserContext, demo: Demo, words: str) -> Page:
    """The newest mail with these words in its subject, opened in the mailbox."""
    mailbox = context.new_page()
    for _ in range(60):
        mailbox.goto(demo.mailbox)
        link = mailbox.locator(".mail-list a", has_text=words).first
        if link.count():
            link.click()
            mailbox.wait_for_load_state("networkidle")
            return mailbox
        mailbox.wait_for_timeout(250)
    raise AssertionError(f"no mail about {words!r} arrived")


def test_an_answer_is_sent_read_and_clicked_while_the_ticket_is_open(ada: Page, demo: Demo) -> None:
    _open_ticket(ada, demo, "Quote")
    editor = ada.locator(".editor-body")
    editor.click()
    ada.keyboard.type("Here is the quote: ")
    ada.keyboard.press("Control+b")
    ada.keyboard.type("25 seats")
    ada.keyboard.press("Control+b")
    ada.get_by_role("button", name="Send", exact=True).click()
    badge = ada.locator("[data-receipt]").last
    expect(badge).to_contain_text("Sent")

    mailbox = _mail_for(ada.context, demo, "Quote")
    assert mailbox.frame_locator("iframe").locator("b, strong").inner_text() == "25 seats"

    # The page is still the one from before: the badge changed on it by itself.
    expect(badge).to_contain_text("Read")


def test_a_click_leads_to_its_destination_and_shows_in_the_badge(ada: Page, demo: Demo) -> None:
    ticket = _open_ticket(ada, demo, "Export")
    ada.locator(".composer-kind", has_text="Internal note").wait_for()
    editor = ada.locator(".editor-body")
    editor.click()
    ada.keyboard.type("See the guide")
    ada.keyboard.press("Control+a")
    ada.keyboard.press("Control+k")
    ada.keyboard.type(f"{demo.mailbox}/?from=guide&x=1")
    ada.keyboard.press("Enter")
    ada.get_by_role("button", name="Send", exact=True).click()
    expect(ada.locator("[data-receipt]").last).to_contain_text("Sent")

    mailbox = _mail_for(ada.context, demo, "Export")
    href = mailbox.frame_locator("iframe").locator("a").first.get_attribute("href") or ""
    assert "/follow?url=" in href
    assert f"{demo.url}/api/email-tracking/click?" in unquote(href)
    with ada.context.expect_page() as opened:
        mailbox.frame_locator("iframe").locator("a").first.click()
    opened.value.wait_for_url(f"{demo.mailbox}/?from=guide&x=1")

    ada.goto(ticket)
    ada.locator("button[data-receipt]").last.click()
    expect(ada.locator("body")).to_contain_text("from=guide&x=1")


def test_the_customers_answer_from_the_mailbox_is_on_the_ticket(ada: Page, demo: Demo) -> None:
    ticket = _open_ticket(ada, demo, "Training")
    mailbox = _mail_for(ada.context, demo, "Training")
    mailbox.fill("textarea[name=text]", "Tuesday would suit us.\nSee https://example.org/plan?a=1&b=2")
    mailbox.get_by_role("button", name="Reply").click()
    expect(mailbox.locator("body")).to_contain_text("Your answer is on the ticket")
    ada.goto(ticket)
    expect(ada.locator(".message, article").last).to_be_visible()
    frames = [frame for frame in ada.frames if frame != ada.main_frame]
    words = ada.locator("main").inner_text() + "".join(frame.locator("body").inner_text() for frame in frames)
    assert "Tuesday would suit us." in words


def test_it_works_without_scripts(demo: Demo, ada: Page) -> None:
    browser = ada.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.url}/login")
    page.fill("input[name=email]", "gus@acme.example")
    page.fill("input[name=password]", "welcome-gus")
    page.click("main form button")
    page.goto(f"{demo.url}/tickets?view=all&q=owner")
    page.locator("[data-row] a[href^='/tickets/']").first.click()
    page.fill("textarea[name=body_text]", "Plain words, https://example.org/a?b=1&c=2")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("main")).to_contain_text("Plain words")
    context.close()
    mailbox = _mail_for(ada.context, demo, "owner")
    frame = mailbox.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("Plain words")
    expect(frame.locator("a").first).to_have_text("https://example.org/a?b=1&c=2")
