"""The customers' page in a browser without scripts, on a phone."""

from __future__ import annotations

import re
import time

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.support.demo import Demo

LINK = re.compile(r"conversation(?:%2F|/)([0-9]+-[A-Za-z0-9_-]{24})")
CUSTOMER = re.compile(r"[\w.+-]+@[\w.-]+\.example")


def invited(demo: Demo) -> tuple[str, str]:
    """The link of a mail in the demo's mailbox, and whose it is."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for path in re.findall(r'href="(/mail/[^"/]+)"', httpx.get(f"{demo.mailbox}/").text):
            mail = httpx.get(f"{demo.mailbox}{path}").text
            found = LINK.search(mail + httpx.get(f"{demo.mailbox}{path}/body").text)
            people = [one for one in CUSTOMER.findall(mail) if "acme" not in one]
            if found and people:
                return f"{demo.url}/conversation/{found[1]}", people[0]
        time.sleep(0.5)
    raise AssertionError("no mail in the mailbox carries the link")


def test_a_customer_reads_answers_and_closes_without_a_script(browser: Browser, demo: Demo, ada: Page) -> None:
    link, email = invited(demo)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 760})
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Your email address").fill("eve@example.org")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("This address does not open the page.")).to_be_visible()
    page.get_by_label("Your email address").fill(email.upper())
    page.get_by_role("button", name="Open").click()
    subject = page.locator("h1").inner_text()

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

    ada.goto(f"{demo.url}/tickets?view=all")
    ada.get_by_role("link", name=subject).first.click()
    expect(ada.get_by_text("The customer closed it").first).to_be_visible()
    expect(ada.get_by_text("Read on the ticket page at").first).to_be_attached()
