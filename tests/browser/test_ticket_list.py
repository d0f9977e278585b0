"""The ticket list and contacts in a real browser: keyboard, menus, live badges, and all of it without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.demo import Demo
from tools.screenshots import log_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_the_keyboard_walks_through_the_list_and_opens_a_ticket(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=all")
    links = ada.locator("[data-row-link]")
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        ada.keyboard.press(key)
        expect(links.nth(place)).to_be_focused()
    subject = links.nth(1).inner_text()
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", level=1)).to_have_text(subject)


def test_a_search_starts_from_the_keyboard_and_is_narrowed_by_a_menu(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets")
    ada.keyboard.press("/")
    ada.keyboard.type("invoice 2041 vat")
    ada.keyboard.press("Enter")
    expect(ada.locator("[data-row-link]")).to_have_text(["Invoice 2041 shows the wrong VAT rate"])
    ada.get_by_role("button", name="Priority").click()
    ada.get_by_role("link", name="Low", exact=True).click()
    expect(ada.get_by_role("heading", name="Nothing found here")).to_be_visible()
    ada.get_by_role("link", name="Search all tickets").click()
    expect(ada.locator("[data-row-link]")).to_have_count(1)


def test_a_badge_in_the_list_changes_while_one_looks_at_it(ada: Page, browser: Browser, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets/new")
    ada.fill("#f-requester", "Lena List <lena@example.org>")
    ada.fill("#f-subject", "Seen in the list")
    ada.locator(".editor-body").click()
    ada.keyboard.type("Please read this.")
    ada.get_by_role("button", name="Open ticket").click()
    ada.wait_for_url(re.compile(r"/tickets/\d+"))
    ada.goto(f"{demo.url}/tickets?q=lena@example.org%20list")
    badge = ada.locator("[data-ticket-badge] button.badge")
    expect(badge).to_contain_text("Sent")
    reader = browser.new_page()
    reader.goto(demo.mailbox)
    reader.get_by_role("link", name=re.compile("Seen in the list")).first.click()
    expect(badge).to_contain_text("Read")
    reader.close()


def test_lists_and_contacts_work_without_a_script(browser: Browser, demo: Demo) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}/tickets")
    page.get_by_role("button", name="Assignee").click()
    page.get_by_role("link", name="Nobody", exact=True).click()
    expect(page.get_by_role("link", name=re.compile("Assignee: Nobody ?, remove this filter"))).to_be_visible()
    page.goto(f"{demo.url}/contacts")
    page.get_by_label("Find a contact").fill("bob")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Bob Hartmann").click()
    page.get_by_label("Another address").fill("bob@second.example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Mail from bob@second.example is theirs from now on.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("bob@second.example is removed.")).to_be_visible()
    page.get_by_role("link", name="New ticket for this contact").click()
    expect(page.locator("#f-requester")).to_have_value("Bob Hartmann <bob.hartmann@northwind.example>")
    context.close()
