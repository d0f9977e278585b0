"""An announcement in a real browser: written, saved by itself, looked at, sent, paused, stopped, counted."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.problems import problems_of
from tests.support.demo import Demo
from tools.screenshots import log_in

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_one_is_written_sent_paused_and_counted(ada: Page, demo: Demo, browser: Browser) -> None:
    ada.goto(f"{demo.url}/announcements")
    ada.get_by_role("link", name="Write one").first.click()
    ada.get_by_label("Subject").fill("Outage on Sunday")
    ada.locator(".editor-body").click()
    ada.keyboard.type("Hello {{contact.first_name|there}}, we are away on Sunday.")
    ada.locator(".editor-body").click()
    ada.locator(".editor input[type=file]").set_input_files({"name": "map.png", "mimeType": "image/png", "buffer": PNG})
    expect(ada.locator(".editor-body img")).to_be_visible()
    ada.get_by_label("Attach files").set_input_files(
        {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    expect(ada.get_by_role("checkbox", name="plan.pdf")).to_be_checked()
    expect(ada.locator("[data-attachment-list]")).to_be_hidden()
    expect(ada.locator("[data-saved]")).to_have_text("Draft saved.")
    ada.wait_for_url(re.compile(r"/announcements/\d+$"))
    draft = ada.url
    reach = ada.locator("[data-reach]")
    ada.get_by_label("Contacts of companies, by domain").check()
    ada.get_by_label("Domains, with commas between them").fill("northwind.example")
    expect(reach).to_have_text("1 recipient.")
    ada.get_by_label("All contacts").check()
    expect(reach).to_have_text(re.compile(r"^\d+ recipients\."))
    ada.get_by_text("Pace and tracking").click()
    ada.get_by_label("Mails per minute").fill("20")
    ada.get_by_role("button", name="Preview and test").click()
    ada.get_by_label("As it arrives at").fill("bob.hartmann@northwind.example")
    ada.get_by_role("button", name="Show").click()
    expect(ada.frame_locator("iframe").get_by_text("Hello Bob, we are away")).to_be_visible()
    expect(ada.frame_locator("iframe").get_by_role("img")).to_have_attribute("src", re.compile("^data:image/png"))
    expect(ada.get_by_role("link", name="plan.pdf")).to_be_visible()
    ada.goto(draft)
    assert ada.get_by_label("Mails per minute").input_value() == "20", "saved on the way"
    ada.get_by_role("button", name="Send…").click()
    ada.get_by_role("button", name=re.compile(r"^Send to \d+ people")).click()
    line = ada.locator("[data-line]")
    expect(line).to_contain_text(re.compile(r"[1-9]\d* of \d+ sent"))
    ada.get_by_role("button", name="Pause").click()
    expect(ada.locator(".announce-state")).to_have_text("Paused")
    ada.get_by_role("button", name="Resume").click()
    expect(ada.locator(".announce-state")).to_have_text("Sending")
    ada.get_by_text("Stop", exact=True).click()
    ada.get_by_role("button", name="Stop for good").click()
    expect(line).to_contain_text("got none")
    ada.get_by_role("link", name="Statistics").click()
    expect(ada.get_by_role("heading", name="Recipients")).to_be_visible()
    ada.get_by_role("link", name="Refresh").click()
    ada.wait_for_url("**?refresh=true")

    problems = []
    number = draft.rpartition("/")[2]
    context = browser.new_context(viewport={"width": 360, "height": 900}, color_scheme="dark")
    page = context.new_page()
    log_in(page, demo)
    for path in ("/announcements", "/announcements/new", f"/campaigns/{number}/statistics/"):
        page.goto(demo.url + path)
        problems += problems_of(page)
    for path in (f"/announcements/{number}/progress", f"/announcements/{number}/preview"):
        page.goto(demo.url + path)
        problems += problems_of(page, iframes=False)
    context.close()
    assert problems == []
