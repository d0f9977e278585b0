"""The editor as a field of its form: what is sent, what is loaded, links, labels, and life without script."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser_static.site import Site
from tests.browser_static.test_editor_commands import button, html, open_editor, select_all, write
from tests.browser_static.test_editor_paste import paste

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def open_form(page: Page, site: Site, field: str) -> None:
    """A page with a form around `field`."""
    site.body = f'<form method="post" action="/tickets/1/replies">{field}<button data-send>Send</button></form>'
    await page.goto(f"{site.url}/tickets/1")


async def test_the_form_sends_html_and_leaves_the_plain_text_empty(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("Hello ")
    await page.keyboard.press("Control+b")
    await page.keyboard.type("Bob")

    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")

    assert site.submissions[0].to_dict(flat=False) == {"body_text": [""], "body_html": ["<p>Hello <b>Bob</b></p>"]}


async def test_nothing_written_sends_nothing(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type(" ")
    await page.keyboard.press("Enter")

    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")

    assert site.submissions[0]["body_html"] == ""


async def test_without_script_the_textarea_is_sent(chromium: Browser, site: Site) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await open_form(
        page, site, '<label for="t">Message</label><textarea id="t" name="body_text" data-editor></textarea>'
    )

    await page.get_by_label("Message").fill("plain words")
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")

    assert site.submissions[0].to_dict(flat=False) == {"body_text": ["plain words"]}
    await context.close()


async def test_the_label_names_the_editor_and_leads_to_it(page: Page, site: Site) -> None:
    await open_editor(page, site)
    editor = page.get_by_role("textbox", name="Message")
    await expect(editor).to_have_attribute("aria-multiline", "true")
    await page.focus("[data-send]")

    await page.get_by_text("Message").click()

    await expect(editor).to_be_focused()


async def test_an_aria_label_a_hint_and_a_placeholder_are_carried_over(page: Page, site: Site) -> None:
    await open_form(
        page,
        site,
        '<textarea name="body_text" data-editor aria-label="Note" aria-describedby="hint" placeholder="Only agents">'
        '</textarea><p id="hint">Markdown is not read.</p>',
    )
    editor = page.get_by_role("textbox", name="Note")

    await expect(editor).to_have_accessible_description("Markdown is not read.")
    await expect(editor).to_have_attribute("data-empty", "")
    shown = await page.evaluate("getComputedStyle(document.querySelector('.editor-body'), '::before').content")
    assert shown == '"Only agents"'
    await editor.click()
    await page.keyboard.type("x")
    await expect(editor).not_to_have_attribute("data-empty", "")
    await expect(page.locator(button("image"))).to_have_count(0)


DRAFT = '<p onclick="hacked=1">kept <b>draft</b></p><script>hacked=1</script>'
ESCAPED = DRAFT.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


@pytest.mark.parametrize(
    "field",
    [
        f'<textarea name="body_text" data-editor data-initial-html="{ESCAPED}"></textarea>',
        f"<textarea data-editor></textarea><textarea hidden disabled data-initial-html>{ESCAPED}</textarea>",
        f"<textarea data-editor></textarea><template data-editor-initial>{DRAFT}</template>",
    ],
)
async def test_a_stored_draft_is_loaded_and_cleaned(lawless_page: Page, site: Site, field: str) -> None:
    await open_form(lawless_page, site, field)

    await expect(lawless_page.locator(".editor-body")).to_have_text("kept draft")
    assert await html(lawless_page) == "<p>kept <b>draft</b></p>"
    assert await lawless_page.evaluate("window.hacked") is None


async def test_plain_text_in_the_textarea_is_loaded_as_paragraphs(page: Page, site: Site) -> None:
    await open_editor(page, site, "a &lt;b&gt;\nline\n\nsecond")

    assert await html(page) == "<p>a &lt;b&gt;<br>line</p><p>second</p>"


async def test_a_required_message_is_asked_for(page: Page, site: Site) -> None:
    await open_form(page, site, '<textarea name="body_text" data-editor aria-label="Message" required></textarea>')

    await page.click("[data-send]")

    editor = page.get_by_role("textbox", name="Message")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".editor-status")).to_have_text("Write a message first.")
    await page.keyboard.type("now")
    await expect(editor).not_to_have_attribute("aria-invalid", "true")
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")
    assert len(site.submissions) == 1


async def test_a_message_waits_for_its_picture(page: Page, site: Site) -> None:
    site.upload_waits = asyncio.Event()
    await open_editor(page, site, "text")
    await paste(page, files=[["cat.png", "image/png"]])

    await page.click("[data-send]")

    await expect(page.locator(".editor-status")).to_have_text(
        "cat.png is still being uploaded. Send again when it is in the text."
    )
    assert site.submissions == []
    site.upload_waits.set()
    await expect(page.locator(".editor-body img")).to_have_count(1)
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")
    assert "/attachments/11/inline" in site.submissions[0]["body_html"]


async def test_a_typed_address_becomes_a_link_when_it_is_finished(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await page.keyboard.type("see https://example.org/a. And www.example.net")
    await page.keyboard.press("Enter")
    await page.keyboard.type("or bob@example.org")
    assert "mailto" not in await html(page)
    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")

    assert site.submissions[0]["body_html"] == (
        '<p>see <a href="https://example.org/a">https://example.org/a</a>. '
        'And <a href="https://www.example.net">www.example.net</a></p>'
        '<p>or <a href="mailto:bob@example.org">bob@example.org</a></p>'
    )


async def test_selected_words_become_a_link(page: Page, site: Site) -> None:
    await open_editor(page, site, "our guide")
    await select_all(page)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_label("Link to")).to_be_focused()
    await expect(page.get_by_label("Text", exact=True)).to_have_value("our guide")

    await page.keyboard.type("example.org/guide")
    await page.keyboard.press("Enter")

    assert await html(page) == '<p><a href="https://example.org/guide">our guide</a></p>'
    await expect(page.locator(".editor-body")).to_be_focused()
    await page.keyboard.type(" is here")
    assert await html(page) == '<p><a href="https://example.org/guide">our guide</a> is here</p>'
    assert site.submissions == []


async def test_a_link_without_a_selection_brings_its_own_words(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("see ")
    await page.click(button("link"))

    await page.get_by_label("Link to").fill("bob@example.org")
    await page.get_by_label("Text", exact=True).fill("Bob")
    await page.get_by_role("button", name="Apply").click()

    assert await html(page) == '<p>see <a href="mailto:bob@example.org">Bob</a></p>'


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("javascript:alert(1)", "A link cannot start with “javascript:”. Use https://, http:// or mailto:."),
        ("ftp://example.org", "A link cannot start with “ftp:”. Use https://, http:// or mailto:."),
        ("no address", "“no address” is not an address. Write it in full, for example https://example.org."),
        ("https://", "“https://” is not an address. Write it in full, for example https://example.org."),
        ("mailto:bob", "“mailto:bob” is not a whole address. Write it in full, for example https://example.org."),
        ("", "Write the address the link goes to, for example https://example.org."),
    ],
)
async def test_a_wrong_address_is_refused_with_the_way_out(fresh_page: Page, typed: str, words: str) -> None:
    await write(fresh_page, "text")
    await fresh_page.click(button("link"))
    field = fresh_page.get_by_label("Link to")

    await field.fill(typed)
    await fresh_page.keyboard.press("Enter")

    await expect(fresh_page.locator(".editor-link [role=alert]")).to_have_text(words)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(words)
    await expect(field).to_be_focused()
    await fresh_page.keyboard.press("Escape")
    await expect(fresh_page.locator(".editor-link")).to_be_hidden()
    assert await html(fresh_page) == "<p>text</p>"


async def test_a_link_is_changed_and_removed_at_the_caret(page: Page, site: Site) -> None:
    await open_editor(page, site, "https://example.org")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(button("link"))).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_label("Link to")).to_have_value("https://example.org")

    await page.get_by_label("Link to").fill("https://example.net/")
    await page.get_by_label("Text", exact=True).fill("there")
    await page.keyboard.press("Enter")
    assert await html(page) == '<p><a href="https://example.net/">there</a></p>'

    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Control+k")
    await page.get_by_role("button", name="Remove link").click()
    assert await html(page) == "<p>there</p>"


async def test_the_editor_grows_with_its_text_and_keeps_each_paragraphs_direction(page: Page, site: Site) -> None:
    await open_editor(page, site, "left\n\nשלום")
    small = await page.locator(".editor-body").bounding_box()

    await paste(page, text="\n\n".join(["line"] * 40))

    grown = await page.locator(".editor-body").bounding_box()
    assert small is not None
    assert grown is not None
    assert grown["height"] > 2 * small["height"]
    assert await page.locator(".editor-body").get_attribute("dir") == "auto"
    assert await page.evaluate(
        """[...document.querySelectorAll('.editor-body p')].slice(0, 2).map((p) => {
            const words = document.createRange();
            words.selectNodeContents(p);
            return words.getBoundingClientRect().left > innerWidth / 2;
        })"""
    ) == [False, True]


async def test_the_toolbar_and_the_link_form_stay_in_view_of_a_long_text(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await paste(page, text="\n\n".join(["line"] * 80))
    await page.keyboard.press("End")
    await expect(page.locator(button("bold"))).to_be_in_viewport()

    await page.keyboard.press("Control+k")
    await page.get_by_label("Link to").fill("https://example.org")
    await page.get_by_role("button", name="Apply").click()

    assert (await html(page)).endswith('<p>line<a href="https://example.org">https://example.org</a></p>')


async def test_a_reset_form_shows_its_first_text_again(page: Page, site: Site) -> None:
    await open_editor(page, site, "first")
    await page.keyboard.type(" and more")

    await page.evaluate("document.querySelector('form').reset()")

    assert await html(page) == "<p>first</p>"
    await expect(page.locator(button("undo"))).to_have_attribute("aria-disabled", "true")


async def test_two_editors_on_a_page_keep_to_themselves(page: Page, site: Site) -> None:
    await open_form(
        page,
        site,
        '<textarea name="body_text" data-editor aria-label="One"></textarea>'
        '<textarea name="note" data-editor data-html-name="note_html" aria-label="Two"></textarea>',
    )
    await page.get_by_role("textbox", name="Two").click()
    await page.keyboard.type("second")
    await page.keyboard.press("Control+a")
    await page.locator(".editor").nth(1).locator(button("bold")).click()

    await page.click("[data-send]")
    await page.wait_for_url("**#reply-7")

    assert site.submissions[0].to_dict() == {
        "body_text": "",
        "body_html": "",
        "note": "",
        "note_html": "<p><b>second</b></p>",
    }
