"""While an address is typed, the composer says that it gets no mail."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_access import _violations
from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WHO = "gone@customer.example"


def test_the_composer_says_before_sending_that_an_address_gets_no_mail(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/admin/suppressions")
    ada.get_by_text("Add an address").click()
    ada.fill("#f-email", WHO)
    ada.fill("#f-detail", "closed the shop")
    ada.get_by_role("button", name="Add", exact=True).click()
    expect(ada.get_by_text(f"{WHO} is on the list.")).to_be_visible()
    assert _violations(ada) == []

    ada.goto(f"{demo.url}/tickets/new")
    note = ada.locator("[data-suppressed-list]")
    expect(note).to_be_hidden()
    ada.fill("#f-requester", f"Gone <{WHO}>")
    expect(note).to_contain_text(f"{WHO} gets no mail: Ada Lindqvist put it on the list")
    expect(note).to_contain_text("closed the shop")
    ada.fill("#f-requester", "Here <here@customer.example>")
    expect(note).to_be_hidden()

    ada.fill("#f-requester", WHO)
    note.get_by_role("link").click()
    ada.get_by_text("Let it get mail again", exact=True).click()
    ada.get_by_role("button", name="Take it off the list").click()
    expect(ada.get_by_text(f"{WHO} gets mail again.")).to_be_visible()
    ada.get_by_role("button", name="Undo").click()
    expect(ada.get_by_text(f"{WHO} is on the list again.")).to_be_visible()
    ada.get_by_text("Let it get mail again", exact=True).click()
    ada.get_by_role("button", name="Take it off the list").click()
    expect(ada.get_by_text("Put it back on the list")).to_be_visible()
