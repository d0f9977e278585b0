"""The ticket page in a real browser: customers' mail in its frame, files and pictures, and what is refused."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.demo import Demo
from tools.screenshots import log_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def _new_ticket(page: Page, demo: Demo, subject: str) -> str:
    page.goto(f"{demo.url}/tickets/new")
    page.fill("#f-requester", "Vera Test <vera@example.org>")
    page.fill("#f-subject", subject)
    page.locator(".editor-body").click()
    page.keyboard.type("First line of many. " * 40)
    page.uncheck("#f-send_mail")
    page.get_by_role("button", name="Open ticket").click()
    page.wait_for_url(re.compile(r"/tickets/\d+"))
    return page.url.partition("#")[0]


def test_a_customers_mail_is_as_high_as_its_text_and_runs_nothing(ada: Page, demo: Demo) -> None:
    asked: list[str] = []
    ada.context.on("request", lambda request: asked.append(request.url))
    _new_ticket(ada, demo, "A frame")
    frame = ada.locator("iframe[data-mail-frame]")
    expect(frame).to_have_count(1)
    ada.wait_for_function(
        """() => { const frame = document.querySelector("iframe[data-mail-frame]");
                   const body = frame.contentDocument?.body;
                   return body && body.innerText.includes("First line")
                     && Math.abs(frame.offsetHeight - body.getBoundingClientRect().height) < 3 }"""
    )
    refused = ada.evaluate(
        """() => { const inside = document.querySelector("iframe[data-mail-frame]").contentDocument;
                   const script = inside.createElement("script");
                   script.textContent = "parent.ranInside = true";
                   inside.body.append(script);
                   return window.ranInside === undefined }"""
    )
    assert refused
    assert {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in asked} == {demo.url}


def test_a_pasted_picture_is_shown_to_the_agent_and_travels_in_the_mail(ada: Page, demo: Demo) -> None:
    _new_ticket(ada, demo, "A picture of it")
    editor = ada.locator("#composer .editor-body")
    editor.click()
    ada.keyboard.type("Look: ")
    ada.evaluate(
        """(bytes) => { const data = new DataTransfer();
                        data.items.add(new File([new Uint8Array(bytes)], "shot.png", {type: "image/png"}));
                        const event = new ClipboardEvent("paste",
                            {clipboardData: data, bubbles: true, cancelable: true});
                        document.querySelector("#composer .editor-body").dispatchEvent(event) }""",
        list(PNG),
    )
    expect(editor.locator("img")).to_have_attribute("src", re.compile(r"^/attachments/\d+/inline$"))
    ada.locator("#f-files").set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"the plan"})
    ada.get_by_role("button", name="Send", exact=True).click()
    ada.wait_for_url(re.compile(r"#reply-\d+$"))
    sent = ada.locator(".message-agent").last
    assert sent.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    with ada.expect_download() as download:
        sent.get_by_role("link", name="plan.txt").click()
    assert download.value.suggested_filename == "plan.txt"

    mailbox = ada.context.new_page()
    link = mailbox.locator(".mail-list a", has_text="A picture of it")
    for _ in range(60):
        mailbox.goto(demo.mailbox)
        if link.count():
            break
        mailbox.wait_for_timeout(250)
    link.first.click()
    picture = mailbox.frame_locator("iframe").locator("img[alt='shot.png']")
    expect(picture).to_have_count(1)
    expect(picture).to_have_js_property("naturalWidth", 1)


@pytest.mark.parametrize("scripts", [True, False])
def test_an_agent_corrects_a_badge_and_takes_it_back(browser: Browser, demo: Demo, scripts: bool) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    page = context.new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}/tickets?view=all&status=pending&receipt=read")
    page.goto(f"{demo.url}{page.locator('[data-row-link]').first.get_attribute('href')}")
    badge = page.locator(".message-agent button[data-receipt]").last
    expect(badge).to_contain_text("Read")

    badge.click()
    page.get_by_role("button", name="Mark as not read by").click()
    expect(badge).to_contain_text("Sent")
    badge.click()
    expect(page.locator(".recipient-verdict").last).to_contain_text("Marked as not read by Ada")
    page.get_by_role("button", name="Undo of").click()
    expect(badge).to_contain_text("Read")
    context.close()


def test_a_refused_reply_keeps_its_text_and_points_at_the_field(ada: Page, demo: Demo) -> None:
    _new_ticket(ada, demo, "A wrong address")
    ada.locator("#composer .editor-body").click()
    ada.keyboard.type("Every word of this")
    ada.fill("#f-to", "nobody at all")
    ada.get_by_role("button", name="Send", exact=True).click()
    expect(ada).to_have_title(re.compile("^Error: "))
    expect(ada.locator("#composer .editor-body")).to_have_text("Every word of this")
    expect(ada.locator("#f-to-error")).to_contain_text("'nobody at all' has no @")
    ada.get_by_role("alert").get_by_role("link").click()
    expect(ada.locator("#f-to")).to_be_focused()
    ada.fill("#f-to", "vera@example.org")
    ada.get_by_role("button", name="Send", exact=True).click()
    expect(ada.locator(".message-agent").last).to_contain_text("Every word of this")
