"""An agent's daily shortcuts in a real browser: saved replies, tags, many tickets at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import set_undo
from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_saved_reply_is_put_in_where_one_writes_and_undone(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/saved-replies/new")
    ada.fill("input[name=title]", "Closing time")
    ada.locator(".editor-body").click()
    ada.keyboard.type("Hello {{contact.first_name}}, we close at 5.")
    ada.get_by_role("button", name="Save", exact=True).click()
    ada.wait_for_url(f"{demo.url}/saved-replies")
    ada.goto(f"{demo.url}/tickets?view=all")
    ada.locator("[data-row-link]").first.click()
    editor = ada.locator("#composer .editor-body")
    editor.click()
    ada.keyboard.type("Good day. ")
    ada.get_by_role("button", name="Saved replies").click()
    ada.keyboard.type("clos")
    expect(ada.locator("[data-canned-list] button")).to_have_text(["Closing time"])
    ada.keyboard.press("Enter")
    expect(editor).to_have_text(re.compile(r"^Good day\.\s+Hello \S+, we close at 5\.\s*$"))
    ada.keyboard.press("Control+z")
    expect(editor).not_to_have_text(re.compile("we close at 5"))
    ada.keyboard.press("Control+a")
    ada.keyboard.press("Delete")
    expect(ada.locator("[data-draft-status]")).not_to_have_text(re.compile("Saving"))


def test_tickets_are_ticked_changed_together_and_changed_back(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=all")
    expect(ada.locator("#bulk select[name=priority]")).to_be_hidden()
    boxes = ada.locator("input[name=ticket]")
    boxes.nth(0).check()
    ada.locator("[data-row]").nth(1).locator("[data-row-link]").focus()
    ada.keyboard.press("x")
    expect(boxes.nth(1)).to_be_checked()
    expect(ada.locator("[data-bulk-count]")).to_have_text("2 selected")
    ada.locator("[data-select-all]").check()
    expect(boxes.nth(5)).to_be_checked()
    ada.locator("[data-select-all]").uncheck()
    boxes.nth(0).check()
    boxes.nth(1).check()
    ada.fill("#bulk input[name=add_tags]", "autumn")
    ada.get_by_role("button", name="Change", exact=True).click()
    expect(ada.get_by_text("2 tickets changed.")).to_be_visible()
    expect(ada.locator(".ticket-row .tag", has_text="autumn")).to_have_count(2)
    ada.get_by_role("button", name="Undo").click()
    expect(ada.get_by_text("2 tickets changed back.")).to_be_visible()
    expect(ada.locator(".ticket-row .tag", has_text="autumn")).to_have_count(0)


def test_a_tag_is_offered_after_a_comma(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=all")
    ada.locator("[data-row-link]").first.click()
    ada.fill("#f-tags", "winter")
    ada.get_by_role("button", name="Update").click()
    expect(ada.locator(".ticket-line .tag")).to_have_text(["winter"])
    ada.locator("#f-tags").fill("")
    ada.locator("#f-tags").press_sequentially("spring, win")
    offered = ada.locator("#f-tags + datalist option")
    expect(offered).to_have_attribute("value", "spring, winter")
    ada.locator("#f-tags").fill("")
    ada.get_by_role("button", name="Update").click()
    expect(ada.locator(".ticket-line .tag")).to_have_count(0)


def test_two_agents_see_each_other_and_who_writes(ada: Page, browser: Browser, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=all")
    ada.locator("[data-row-link]").nth(3).click()
    line = ada.locator("[data-presence]")
    expect(line).to_be_hidden()
    context = browser.new_context()
    mei = context.new_page()
    mei.goto(f"{demo.url}/login")
    mei.fill("input[name=email]", "mei@acme.example")
    mei.fill("input[name=password]", "welcome-mei")
    mei.click("main form button")
    mei.wait_for_url(re.compile(r"/tickets"))
    mei.goto(ada.url)
    expect(line).to_have_text(re.compile(r"^Mei \w+ is looking at this ticket\.$"))
    mei.locator("#composer .editor-body").click()
    mei.keyboard.type("I am on it")
    expect(line).to_have_text(re.compile(r"is writing an answer\.$"))
    expect(mei.locator("[data-presence]")).to_have_text(re.compile(r"^Ada \w+ is looking at this ticket\.$"))
    mei.keyboard.press("Control+a")
    mei.keyboard.press("Delete")
    expect(mei.locator("[data-draft-status]")).not_to_have_text(re.compile("Saving"))
    mei.goto(f"{demo.url}/tickets")
    expect(line).to_be_hidden()
    context.close()


def test_a_ticket_is_put_aside_comes_due_and_its_list_is_kept_under_a_name(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=open")
    line = ada.locator("[data-row-link]").last
    subject, path = line.inner_text(), line.get_attribute("href")
    line.click()
    ada.fill("#f-due", "2026-01-02T09:30")
    ada.get_by_role("button", name="Update").click()
    expect(ada.locator(".ticket-line .sign")).to_have_text("Overdue")
    ada.get_by_role("button", name="Snooze").click()
    ada.get_by_role("button", name=re.compile("Next Monday")).click()
    expect(ada.get_by_text("or until the customer writes")).to_be_visible()
    ada.goto(f"{demo.url}/tickets?view=open")
    expect(ada.locator("[data-row-link]", has_text=subject)).to_have_count(0)

    ada.goto(f"{demo.url}/dashboard")
    ada.get_by_role("link", name=re.compile(r"^1\s*Overdue")).click()
    expect(ada.locator(".ticket-row .sign")).to_have_text(["Overdue", re.compile("Back ")])
    ada.get_by_role("button", name="Saved views").click()
    ada.fill("#f-view-name", "Late ones")
    ada.locator(".save-view button").click()
    ada.wait_for_url(f"{demo.url}/tickets?view=overdue")
    ada.goto(f"{demo.url}{path}")
    ada.get_by_role("button", name="End the snooze").click()
    ada.fill("#f-due", "")
    ada.get_by_role("button", name="Update").click()
    expect(ada.locator(".ticket-line .sign")).to_have_count(0)
    ada.goto(f"{demo.url}/tickets")
    ada.get_by_role("button", name="Saved views").click()
    ada.get_by_role("link", name="Late ones").click()
    expect(ada.get_by_role("heading", name="Nothing is overdue")).to_be_visible()


def test_keys_lead_to_the_answer_and_show_what_they_do(ada: Page, demo: Demo) -> None:
    ada.goto(f"{demo.url}/tickets?view=all")
    ada.keyboard.press("?")
    overlay = ada.get_by_role("dialog", name="Keyboard shortcuts")
    expect(overlay.get_by_text("Reply, internal note")).to_be_visible()
    ada.keyboard.press("Escape")
    expect(overlay).to_be_hidden()
    ada.locator("[data-row-link]").first.click()
    ada.wait_for_url(re.compile(r"/tickets/\d+"))
    ada.keyboard.press("i")
    expect(ada.locator("#composer .editor-body")).to_be_focused()
    expect(ada.locator("[name=kind][value=note]")).to_be_checked()
    ada.keyboard.type("r?s")
    expect(ada.locator("#composer .editor-body")).to_have_text("r?s")
    ada.keyboard.press("Control+a")
    ada.keyboard.press("Delete")
    ada.locator("h1").click()
    ada.keyboard.press("r")
    expect(ada.locator("[name=kind][value=reply]")).to_be_checked()
    expect(ada.locator("[data-draft-status]")).not_to_have_text(re.compile("Saving"))


def test_a_reply_is_taken_back_and_an_agent_is_mentioned(ada: Page, demo: Demo) -> None:
    set_undo(demo, 10)
    try:
        ada.goto(f"{demo.url}/tickets?view=all")
        ada.locator("[data-row-link]").nth(5).click()
        editor = ada.locator("#composer .editor-body")
        editor.click()
        ada.keyboard.type("Have you tried water?")
        ada.locator("#composer summary").click()
        ada.fill("#f-cc", "ann@example.org")
        ada.set_input_files("#f-files", {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Plan"})
        ada.get_by_role("button", name="Send", exact=True).click()
        line = ada.locator(".message-held")
        expect(line).to_have_text(re.compile(r"Sending in (10|9|8) s"))
        expect(line).to_have_text(re.compile(r"Sending in [4-7] s"), timeout=9000)
        ada.locator("h1").click()
        ada.keyboard.press("z")
        expect(ada.get_by_text("Nothing was sent.")).to_be_visible()
        expect(editor).to_have_text("Have you tried water?")
        expect(ada.locator("#f-cc")).to_have_value("ann@example.org")
        expect(ada.locator(".kept-files")).to_have_text(re.compile("plan.txt"))
        expect(line).to_have_count(0)
    finally:
        set_undo(demo, 0)

    ada.locator("#composer [name=kind][value=note]").check(force=True)
    editor.click()
    ada.keyboard.press("Control+a")
    ada.keyboard.type("Please look, @")
    options = ada.locator(".mentions [role=option]")
    expect(options).to_have_count(2)
    expect(editor).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    ada.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    ada.keyboard.press("Escape")
    expect(ada.locator(".mentions")).to_be_hidden()
    ada.keyboard.type("me")
    expect(options).to_have_text([re.compile("Mei Tanaka")])
    ada.keyboard.press("Enter")
    expect(editor).to_have_text(re.compile(r"^Please look, @mei\s*$"))
    ada.get_by_role("button", name="Add note").click()
    expect(ada.get_by_text("Mei Tanaka is told, and follows this ticket now.")).to_be_visible()
