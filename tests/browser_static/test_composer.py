"""Drafts, attachments, shortcuts and guards of the form that answers a ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Dialog, Page, expect

from tests.browser_static.site import TOKEN, Site
from tests.browser_static.test_editor_commands import html
from tests.browser_static.test_editor_paste import DROP

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

COMPOSER = """
<form method="post" action="/tickets/1/replies" enctype="multipart/form-data" data-composer
      data-draft-url="/tickets/1/draft" data-draft-owner="7" {attributes}>
  <input type="hidden" name="csrf_token" value="secret-of-the-form">
  <label><input type="radio" name="kind" value="reply" checked>Reply</label>
  <label><input type="radio" name="kind" value="note">Internal note</label>
  <div class="composer-addresses for-reply">
    <label>To <input name="to" value="bob@example.org"></label>
    <button type="button" class="button" data-show="cc" hidden>Add Cc</button>
    <div data-shown-by="cc"><label>Cc <input name="cc" value="{cc}"></label></div>
  </div>
  <textarea name="body_text" data-editor data-upload-url="/tickets/1/images" data-initial-html="{draft}"
            aria-label="Message"></textarea>
  <label><input type="checkbox" role="switch" name="track" value="1" checked>Track this reply</label>
  <label>Attach files <input type="file" name="attachments" multiple data-attachments></label>
  <p data-draft-status role="status"></p>
  <button class="button for-reply" name="after" value="stay" data-send>Send</button>
  <button class="button for-reply" name="after" value="close" data-send-close>Send and close</button>
  <button class="button for-note" name="after" value="stay">Add note</button>
</form>
"""

STATUS = "[data-draft-status]"
NOON = datetime(2025, 5, 3, 12, tzinfo=UTC)


async def open_composer(page: Page, site: Site, *, draft: str = "", cc: str = "", attributes: str = "") -> None:
    """The page of ticket 1, its clock standing still until the test moves it, the caret in the message."""
    site.body = COMPOSER.format(draft=draft, cc=cc, attributes=attributes)
    await page.clock.install(time=NOON)
    await page.clock.pause_at(NOON + timedelta(hours=1))
    await page.goto(f"{site.url}/tickets/1")
    await page.get_by_role("textbox", name="Message").click()


async def pass_time(page: Page, milliseconds: int) -> None:
    """Let the page's clock run, and a save that it started come to its end."""
    await page.clock.run_for(milliseconds)
    await expect(page.locator("form")).not_to_have_attribute("data-draft-state", "saving")


async def stored(page: Page) -> dict[str, Any] | None:
    """What this browser keeps of the draft."""
    kept = await page.evaluate("JSON.parse(localStorage.getItem('portal-draft:7:/tickets/1/draft'))")
    assert kept is None or isinstance(kept, dict)
    return kept


async def test_a_draft_is_saved_a_second_after_typing_stops(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.keyboard.type("Dear Bob")
    assert site.drafts == []

    await pass_time(page, 1000)
    await site.until(lambda: site.drafts)

    assert site.drafts[0].to_dict() == {
        "kind": "reply",
        "to": "bob@example.org",
        "cc": "",
        "track": "1",
        "body_text": "",
        "body_html": "<p>Dear Bob</p>",
    }
    assert site.draft_tokens == [TOKEN]
    await expect(page.locator(STATUS)).to_have_text("Draft saved")
    await expect(page.locator("form")).to_have_attribute("data-draft-state", "saved")
    assert await stored(page) is None


async def test_typing_without_a_pause_is_saved_after_ten_seconds(page: Page, site: Site) -> None:
    await open_composer(page, site)

    for _ in range(12):
        await page.keyboard.type("x")
        await pass_time(page, 900)

    await site.until(lambda: site.drafts)
    assert len(site.drafts) == 1


async def test_saved_is_said_once_and_nothing_is_sent_without_a_change(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.evaluate(
        """(selector) => {
            window.said = 0;
            const watch = new MutationObserver((changes) => (window.said += changes.length));
            watch.observe(document.querySelector(selector), {childList: true, characterData: true, subtree: true});
        }""",
        STATUS,
    )
    for words in ("one", "two"):
        await page.keyboard.type(words)
        await pass_time(page, 1000)
        await expect(page.locator("form")).to_have_attribute("data-draft-state", "saved")
    assert len(site.drafts) == 2

    await page.keyboard.press("ArrowLeft")
    await page.evaluate("document.querySelector('form').dispatchEvent(new Event('input'))")
    await pass_time(page, 2000)

    await expect(page.locator("form")).to_have_attribute("data-draft-state", "saved")
    assert len(site.drafts) == 2
    assert await page.evaluate("window.said") == 1


async def test_a_draft_that_cannot_be_saved_is_kept_here_and_tried_again(page: Page, site: Site) -> None:
    site.draft_status = 503
    await open_composer(page, site)
    await page.keyboard.type("precious")
    await pass_time(page, 1000)

    await expect(page.locator(STATUS)).to_have_text("Draft not saved: the server answered 503, we try again")
    kept = await stored(page)
    assert kept is not None
    assert "precious" in kept["body"]
    assert "secret-of-the-form" not in kept["body"]

    for tries, wait in ((2, 2000), (3, 4000), (4, 8000)):
        await pass_time(page, wait - 100)
        assert len(site.drafts) == tries - 1
        await pass_time(page, 200)
        assert len(site.drafts) == tries

    site.draft_status = 204
    await page.evaluate("dispatchEvent(new Event('online'))")
    await pass_time(page, 10)
    await expect(page.locator(STATUS)).to_have_text("Draft saved")
    assert await stored(page) is None


async def test_without_a_connection_the_draft_says_so(page: Page, site: Site) -> None:
    await page.route("**/draft", lambda route: route.abort())
    await open_composer(page, site)
    await page.keyboard.type("x")

    await pass_time(page, 1000)

    await expect(page.locator(STATUS)).to_have_text("Draft not saved: no connection, we try again")


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 302, "headers": {"Location": "/login"}}])
async def test_a_session_that_is_over_is_said_in_words(page: Page, site: Site, answer: dict[str, Any]) -> None:
    await page.route("**/draft", lambda route: route.fulfill(**answer))
    await open_composer(page, site)
    await page.keyboard.type("x")

    await pass_time(page, 1000)

    await expect(page.locator(STATUS)).to_have_text("Draft not saved: you are logged out, we try again")


async def test_an_unsaved_text_comes_back_when_the_server_has_none(page: Page, site: Site) -> None:
    site.draft_status = 503
    await open_composer(page, site)
    await page.keyboard.type("precious")
    await page.get_by_label("To", exact=True).fill("eve@example.org")
    await page.get_by_label("Track this reply").uncheck()
    await page.get_by_label("Internal note").check()
    await pass_time(page, 1000)
    await expect(page.locator("form")).to_have_attribute("data-draft-state", "failed")
    site.draft_status = 204
    page.on("dialog", lambda dialog: dialog.accept())

    await page.reload()

    await expect(page.get_by_role("textbox", name="Message")).to_have_text("precious")
    await expect(page.locator("input[name=to]")).to_have_value("eve@example.org")
    await expect(page.get_by_label("Track this reply")).not_to_be_checked()
    await expect(page.locator("form")).to_have_class("is-note")
    await expect(page.locator(STATUS)).to_have_text("Draft restored from this browser")
    await pass_time(page, 1000)
    await site.until(lambda: "precious" in site.drafts[-1]["body_html"])
    await expect(page.locator(STATUS)).to_have_text("Draft saved")
    assert await stored(page) is None


async def test_a_text_that_comes_back_does_not_take_the_focus(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/tickets/1")
    await page.evaluate(
        """localStorage.setItem('portal-draft:7:/tickets/1/draft',
            JSON.stringify({body: 'body_html=kept', at: Date.now(), submitted: false}))"""
    )
    site.body = COMPOSER.format(draft="", cc="", attributes="").replace('name="to"', 'name="to" autofocus')
    await page.goto(f"{site.url}/tickets/1")

    await expect(page.get_by_role("textbox", name="Message")).to_have_text("kept")
    await expect(page.get_by_label("To", exact=True)).to_be_focused()


async def test_an_unsaved_text_is_offered_when_the_server_has_another(page: Page, site: Site) -> None:
    site.draft_status = 503
    await open_composer(page, site)
    await page.keyboard.type("from here")
    await pass_time(page, 1000)
    await expect(page.locator("form")).to_have_attribute("data-draft-state", "failed")
    page.on("dialog", lambda dialog: dialog.accept())
    site.body = COMPOSER.format(draft="from the server", cc="", attributes="")

    await page.reload()
    await expect(page.get_by_role("textbox", name="Message")).to_have_text("from the server")
    await page.get_by_role("group", name="Unsaved text").get_by_role("button", name="Use it").click()

    await expect(page.get_by_role("textbox", name="Message")).to_have_text("from here")
    await expect(page.locator(".draft-offer")).to_have_count(0)


async def test_an_offered_text_can_be_discarded(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/tickets/1")
    copy = {"body": "body_html=old", "at": NOON.timestamp() * 1000, "submitted": False}
    await page.evaluate("(copy) => localStorage.setItem('portal-draft:7:/tickets/1/draft', JSON.stringify(copy))", copy)
    await open_composer(page, site, draft="from the server")
    offer = page.get_by_role("group", name="Unsaved text")
    await expect(offer).to_contain_text("This browser has a text from 3 May 2025, 12:00 that was not saved.")

    await page.reload()
    await offer.get_by_role("button", name="Discard it").click()
    await page.reload()

    await expect(page.locator(".editor")).to_be_visible()
    await expect(offer).to_have_count(0)
    await expect(page.get_by_role("textbox", name="Message")).to_have_text("from the server")


async def test_leaving_the_page_saves_what_the_pause_had_not_yet(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.keyboard.type("last words")
    assert site.drafts == []

    await page.goto("about:blank")

    await site.until(lambda: site.drafts)
    assert site.drafts[0]["body_html"] == "<p>last words</p>"
    assert site.draft_tokens == [TOKEN]


async def test_a_sent_message_leaves_nothing_in_the_browser(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.keyboard.type("quick answer")

    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/tickets/1#reply-7")

    await expect(page.locator(".editor")).to_be_visible()
    assert await stored(page) is None
    assert await html(page) == ""
    assert site.drafts == []


async def test_a_message_that_did_not_arrive_is_offered_again(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.keyboard.type("lost")
    await page.route("**/replies", lambda route: route.abort())
    async with page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
        await page.keyboard.press("Control+Enter")

    await page.goto(f"{site.url}/tickets/1")
    assert await html(page) == ""
    await expect(page.locator(".draft-offer")).to_contain_text("may not have arrived")
    await page.get_by_role("button", name="Use it").click()

    assert await html(page) == "<p>lost</p>"


@pytest.mark.parametrize(("keys", "after"), [("Control+Enter", "stay"), ("Control+Shift+Enter", "close")])
async def test_a_shortcut_sends(page: Page, site: Site, keys: str, after: str) -> None:
    await open_composer(page, site)
    await page.keyboard.type("hi")

    await page.keyboard.press(keys)
    await page.wait_for_url("**#reply-7")

    assert (site.submissions[0]["after"], site.submissions[0]["body_html"]) == (after, "<p>hi</p>")


async def test_a_shortcut_in_a_note_adds_the_note(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.get_by_label("Internal note").check()
    await page.get_by_role("textbox", name="Message").click()
    await page.keyboard.type("between us")

    await page.keyboard.press("Control+Shift+Enter")
    await page.wait_for_url("**#reply-7")

    assert (site.submissions[0]["kind"], site.submissions[0]["after"]) == ("note", "stay")


async def test_a_message_is_sent_once_however_often_one_presses(page: Page, site: Site) -> None:
    site.submit_status = 204  # The browser stays on the page, as if the answer were still to come.
    await open_composer(page, site)
    await page.keyboard.type("once")

    for _ in range(3):
        await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-send]")).to_have_text("Sending…")
    await page.locator("[data-send-close]").click(force=True)
    await pass_time(page, 5000)

    await expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    await expect(page.locator("[data-send-close]")).to_have_attribute("aria-disabled", "true")
    assert len(site.submissions) == 1
    assert site.drafts == []


async def test_a_request_that_hangs_gives_the_buttons_back(page: Page, site: Site) -> None:
    site.submit_status = 204
    await open_composer(page, site)
    await page.keyboard.type("slow")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("form")).to_have_attribute("aria-busy", "true")

    await pass_time(page, 20_000)

    await expect(page.locator("[data-send]")).to_have_text("Send")
    await expect(page.locator("form")).not_to_have_attribute("aria-busy", "true")
    await expect(page.locator(STATUS)).to_contain_text("The server has not answered yet.")
    await page.keyboard.press("Control+Enter")
    await site.until(lambda: len(site.submissions) == 2)


async def test_a_note_hides_the_recipients_and_changes_the_paper(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await expect(page.locator("[data-send]")).to_be_visible()
    await expect(page.get_by_role("button", name="Add note")).to_be_hidden()

    await page.get_by_label("Internal note").check()

    await expect(page.locator("form")).to_have_class("is-note")
    await expect(page.locator("form")).to_have_attribute("data-kind", "note")
    await expect(page.locator("[data-send]")).to_be_hidden()
    await expect(page.locator(".composer-addresses")).to_be_hidden()
    await expect(page.get_by_role("button", name="Add note")).to_be_visible()
    await page.get_by_label("Reply", exact=True).check()
    await expect(page.locator("form")).not_to_have_class("is-note")


async def test_cc_is_shown_by_its_button(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await expect(page.get_by_label("Cc")).to_be_hidden()

    await page.get_by_role("button", name="Add Cc").click()

    await expect(page.get_by_label("Cc")).to_be_focused()
    await expect(page.locator("[data-show=cc]")).to_be_hidden()


async def test_a_cc_that_is_filled_is_shown(page: Page, site: Site) -> None:
    await open_composer(page, site, cc="eve@example.org")

    await expect(page.get_by_label("Cc")).to_be_visible()


async def test_without_script_every_row_and_file_is_there(chromium: Browser, site: Site) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    site.body = COMPOSER.format(draft="", cc="", attributes="")
    await page.goto(f"{site.url}/tickets/1")

    await expect(page.get_by_label("Cc")).to_be_visible()
    await expect(page.get_by_role("button", name="Add Cc")).to_be_hidden()
    await page.locator("textarea[name=body_text]").fill("plain")
    await page.get_by_role("button", name="Send", exact=True).click()
    await site.until(lambda: site.submissions)
    assert site.submissions[0]["body_text"] == "plain"
    await context.close()


def files(folder: Path, **sizes: int) -> list[Path]:
    """Files of these sizes in bytes."""
    made = []
    for name, size in sizes.items():
        path = folder / f"{name}.bin"
        with path.open("wb") as file:
            file.truncate(size)
        made.append(path)
    return made


async def test_attachments_are_listed_with_sizes_and_can_be_taken_out(page: Page, site: Site, tmp_path: Path) -> None:
    await open_composer(page, site)
    await page.set_input_files("[data-attachments]", files(tmp_path, small=300, middle=20_480))
    await page.set_input_files("[data-attachments]", files(tmp_path, large=3_500_000))
    rows = page.locator(".attachment")
    await expect(rows).to_have_text(["small.bin300 B×", "middle.bin20 kB×", "large.bin3.3 MB×"])

    await page.get_by_role("button", name="Remove middle.bin").click()

    await expect(rows).to_have_count(2)
    await expect(page.get_by_role("button", name="Remove large.bin")).to_be_focused()
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")
    assert site.attached == [["small.bin", "large.bin"]]


MB = 1024 * 1024


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"video": 11 * MB}, "video.bin has 11 MB; a file may have 10 MB."),
        ({"a": 9 * MB, "b": 9 * MB, "c": 9 * MB}, "Together the files have 27 MB; a message may have 25 MB."),
    ],
)
async def test_files_that_are_too_large_are_not_sent(
    page: Page, site: Site, tmp_path: Path, sizes: dict[str, int], words: str
) -> None:
    await open_composer(page, site)
    await page.keyboard.type("see the file")
    await page.set_input_files("[data-attachments]", files(tmp_path, **sizes))
    warning = page.get_by_role("alert").filter(has_text="MB")
    await expect(warning).to_have_text(f"{words} Remove some, or send a link to them.")

    await page.keyboard.press("Control+Enter")
    assert site.submissions == []
    await page.keyboard.press("Enter")

    await expect(warning).to_have_count(0)
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")
    assert len(site.attached[0]) == len(sizes) - 1


async def test_the_limits_are_the_servers(page: Page, site: Site, tmp_path: Path) -> None:
    await open_composer(page, site, attributes='data-max-file-bytes="100" data-max-total-bytes="150"')

    await page.set_input_files("[data-attachments]", files(tmp_path, one=101))

    await expect(page.locator(".attachment-warning")).to_contain_text("one.bin has 101 B; a file may have 100 B.")


async def test_a_file_dropped_on_the_text_is_attached(page: Page, site: Site) -> None:
    await open_composer(page, site)

    await page.evaluate(DROP, [".editor-body", [["report.pdf", "application/pdf"]]])

    await expect(page.locator(".attachment")).to_have_text(["report.pdf3 B×"])
    assert await html(page) == ""


async def leaving_asks(page: Page) -> bool:
    """Try to close the page as its reader would; whether the browser asked first."""
    dialogs: list[str] = []

    async def stay(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        await dialog.accept()

    page.on("dialog", stay)
    await page.goto("about:blank")
    return dialogs == ["beforeunload"]


async def test_leaving_asks_when_the_draft_could_not_be_saved(page: Page, site: Site) -> None:
    site.draft_status = 503
    await open_composer(page, site)
    await page.keyboard.type("precious")
    await pass_time(page, 1000)
    await expect(page.locator("form")).to_have_attribute("data-draft-state", "failed")

    assert await leaving_asks(page)


async def test_leaving_asks_when_files_would_be_lost(page: Page, site: Site, tmp_path: Path) -> None:
    await open_composer(page, site)
    await page.set_input_files("[data-attachments]", files(tmp_path, one=100))

    assert await leaving_asks(page)


async def test_leaving_a_saved_draft_does_not_ask(page: Page, site: Site) -> None:
    await open_composer(page, site)
    await page.keyboard.type("safe")
    await pass_time(page, 1000)
    await expect(page.locator(STATUS)).to_have_text("Draft saved")

    assert not await leaving_asks(page)


async def test_leaving_a_form_without_drafts_asks_only_after_a_change(page: Page, site: Site) -> None:
    site.body = COMPOSER.format(draft="", cc="", attributes="").replace('data-draft-url="/tickets/1/draft"', "")
    await page.goto(f"{site.url}/tickets/1")
    await page.get_by_role("textbox", name="Message").click()
    await page.keyboard.type("x")

    assert await leaving_asks(page)


async def test_a_form_with_a_key_alone_keeps_its_draft_in_this_browser(page: Page, site: Site) -> None:
    local = COMPOSER.replace('data-draft-url="/tickets/1/draft"', 'data-draft-key="/tickets/new"')
    site.body = local.format(draft="", cc="", attributes="")
    await page.goto(f"{site.url}/tickets/1")
    await page.get_by_role("textbox", name="Message").click()
    await page.keyboard.type("half a ticket")
    await page.get_by_label("Track this reply").uncheck()
    await expect(page.locator(STATUS)).to_have_text("Draft kept in this browser")

    await page.reload()

    await expect(page.locator(STATUS)).to_have_text("Draft restored from this browser")
    assert "half a ticket" in await html(page)
    assert not await page.get_by_label("Track this reply").is_checked()
    assert site.drafts == []
    await page.goto(f"{site.url}/tickets/1#reply-7")
    assert await page.evaluate("localStorage.getItem('portal-draft:7:/tickets/new')"), "nothing was sent yet"
