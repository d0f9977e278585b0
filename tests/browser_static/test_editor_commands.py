"""Buttons and shortcuts of the editor."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser_static.site import EDITOR, Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def open_editor(page: Page, site: Site, text: str = "") -> None:
    """A page with an editor that holds `text`, the caret at its end."""
    editor = EDITOR.format(text=text)
    site.body = f'<form method="post" action="/tickets/1/replies">{editor}<button data-send>Send</button></form>'
    await page.goto(f"{site.url}/tickets/1")
    await page.locator(".editor-body").click()
    await page.keyboard.press("Control+End")


async def write(page: Page, text: str) -> None:
    """Put `text` into the editor of a page that is already open, the caret at its end."""
    await page.locator(".editor-body").focus()
    await page.keyboard.insert_text(text)


async def html(page: Page) -> str:
    """What the form would send."""
    return str(await page.evaluate("document.querySelector('textarea').editor.html"))


async def select_all(page: Page) -> None:
    """Select the whole message."""
    await page.keyboard.press("Control+a")


def button(name: str) -> str:
    """Selector of a toolbar button."""
    return f'.editor-tool[data-command="{name}"]'


MARKS = [
    ("bold", "Control+b", "<p><b>word</b></p>"),
    ("italic", "Control+i", "<p><i>word</i></p>"),
    ("code", "Control+e", "<p><code>word</code></p>"),
    ("bullets", "Control+Shift+Digit8", "<ul><li>word</li></ul>"),
    ("numbers", "Control+Shift+Digit7", "<ol><li>word</li></ol>"),
    ("quote", "Control+Shift+Digit9", "<blockquote><p>word</p></blockquote>"),
    ("codeblock", "Control+Shift+e", "<pre>word</pre>"),
]


@pytest.mark.parametrize(("name", "keys", "expected"), MARKS)
async def test_a_button_formats_the_selection_and_takes_it_back(
    fresh_page: Page, name: str, keys: str, expected: str
) -> None:
    await write(fresh_page, "word")
    await select_all(fresh_page)

    await fresh_page.click(button(name))
    assert await html(fresh_page) == expected
    await expect(fresh_page.locator(button(name))).to_have_attribute("aria-pressed", "true")

    await fresh_page.click(button(name))
    assert await html(fresh_page) == "<p>word</p>"
    await expect(fresh_page.locator(button(name))).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("name", "keys", "expected"), MARKS)
async def test_a_shortcut_does_what_its_button_does(fresh_page: Page, name: str, keys: str, expected: str) -> None:
    await write(fresh_page, "word")
    await select_all(fresh_page)

    await fresh_page.keyboard.press(keys)

    assert await html(fresh_page) == expected


async def test_the_toolbar_shows_what_is_on_at_the_caret(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("plain ")
    await page.keyboard.press("Control+b")
    await page.keyboard.type("bold")
    await expect(page.locator(button("bold"))).to_have_attribute("aria-pressed", "true")

    await page.keyboard.press("Home")

    await expect(page.locator(button("bold"))).to_have_attribute("aria-pressed", "false")
    assert await html(page) == "<p>plain <b>bold</b></p>"


async def test_several_lines_become_one_list_and_paragraphs_again(page: Page, site: Site) -> None:
    await open_editor(page, site, "one\n\ntwo\n\nthree")
    await select_all(page)

    await page.click(button("bullets"))
    assert await html(page) == "<ul><li>one</li><li>two</li><li>three</li></ul>"
    await page.click(button("numbers"))
    assert await html(page) == "<ol><li>one</li><li>two</li><li>three</li></ol>"
    await page.click(button("numbers"))
    assert await html(page) == "<p>one</p><p>two</p><p>three</p>"


async def test_one_item_leaves_its_list_and_the_list_is_cut_in_two(page: Page, site: Site) -> None:
    await open_editor(page, site, "one\n\ntwo\n\nthree")
    await select_all(page)
    await page.click(button("bullets"))
    await page.locator("li", has_text="two").click()

    await page.click(button("bullets"))

    assert await html(page) == "<ul><li>one</li></ul><p>two</p><ul><li>three</li></ul>"
    await page.keyboard.type("!")
    assert "two" in await html(page)
    assert "!" in await page.locator(".editor-body > p").inner_text()


async def test_code_block_made_of_one_item_keeps_the_other_items(page: Page, site: Site) -> None:
    await open_editor(page, site, "one\n\ntwo\n\nthree")
    await select_all(page)
    await page.click(button("bullets"))
    await page.locator("li", has_text="two").click()

    await page.click(button("codeblock"))

    assert await html(page) == "<ul><li>one</li></ul><pre>two</pre><ul><li>three</li></ul>"


async def test_typing_a_list_and_leaving_it_with_an_empty_item(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.press("Control+Shift+Digit8")
    await page.keyboard.type("milk")
    await page.keyboard.press("Enter")
    await page.keyboard.type("bread")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.keyboard.type("That is all.")

    assert await html(page) == "<ul><li>milk</li><li>bread</li></ul><p>That is all.</p>"


async def test_an_empty_line_leads_out_of_a_quote(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.press("Control+Shift+Digit9")
    await page.keyboard.type("as you said")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.keyboard.type("my answer")

    assert await html(page) == "<blockquote><p>as you said</p></blockquote><p>my answer</p>"


async def test_enter_in_a_code_block_is_a_new_line_and_twice_leads_out(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.press("Control+Shift+e")
    await page.keyboard.type("if x:")
    await page.keyboard.press("Enter")
    await page.keyboard.type("  y()")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.keyboard.type("so")

    assert await html(page) == "<pre>if x:\n  y()</pre><p>so</p>"


async def test_code_can_be_typed_and_left_again(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("run ")
    await page.keyboard.press("Control+e")
    await page.keyboard.type("ls")
    await page.keyboard.press("Control+e")
    await page.keyboard.type(" now")

    assert await html(page) == "<p>run <code>ls</code> now</p>"


async def test_clear_formatting_leaves_plain_paragraphs(page: Page, site: Site) -> None:
    await open_editor(page, site)
    formatted = (
        '<h2>Head</h2><blockquote><p><b>b</b> <a href="https://example.org">l</a> <code>c</code></p></blockquote>'
    )
    await page.evaluate("(html) => document.querySelector('textarea').editor.setHtml(html)", formatted)
    await page.locator(".editor-body").click()
    await select_all(page)

    await page.click(button("clear"))

    assert await html(page) == "<p>Head</p><p>b l c</p>"


async def test_clear_formatting_of_a_selection_leaves_the_rest(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.press("Control+b")
    await page.keyboard.type("keep lose")
    for _ in range(4):
        await page.keyboard.press("Shift+ArrowLeft")

    await page.keyboard.press("Control+\\")

    assert await html(page) == "<p><b>keep </b>lose</p>"


async def test_undo_and_redo_go_through_every_kind_of_change(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("word")
    await select_all(page)
    await page.click(button("bold"))
    await page.click(button("quote"))
    steps = [await html(page)]

    for _ in range(3):
        await page.keyboard.press("Control+z")
        steps.append(await html(page))
    assert steps == ["<blockquote><p><b>word</b></p></blockquote>", "<p><b>word</b></p>", "<p>word</p>", ""]
    await expect(page.locator(button("undo"))).to_have_attribute("aria-disabled", "true")

    for expected in reversed(steps[:-1]):
        await page.click(button("redo"))
        assert await html(page) == expected
    await expect(page.locator(button("redo"))).to_have_attribute("aria-disabled", "true")


async def test_typing_after_undo_continues_where_the_caret_was(page: Page, site: Site) -> None:
    await open_editor(page, site, "one two")
    for _ in range(4):
        await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Control+Shift+Digit9")
    await page.keyboard.press("Control+z")

    await page.keyboard.type("!")

    assert await html(page) == "<p>one! two</p>"


async def test_a_word_written_with_an_input_method_is_one_step(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.type("a ")
    keyboard = await page.context.new_cdp_session(page)
    for part in ("k", "か", "かん"):
        await keyboard.send("Input.imeSetComposition", {"text": part, "selectionStart": 1, "selectionEnd": 1})
    await keyboard.send("Input.insertText", {"text": "漢"})
    assert await html(page) == "<p>a 漢</p>"

    await page.keyboard.press("Control+z")

    assert (await html(page)).startswith("<p>a")
    assert "か" not in await html(page)
    assert "漢" not in await html(page)


async def test_the_toolbar_is_one_tab_stop_with_arrows_inside(page: Page, site: Site) -> None:
    await open_editor(page, site)
    await page.keyboard.press("Alt+F10")
    await expect(page.locator(button("bold"))).to_be_focused()

    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(button("redo"))).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(button("italic"))).to_be_focused()
    assert await page.locator('.editor-tool[tabindex="0"]').count() == 1

    await page.keyboard.press("Tab")
    await expect(page.locator(".editor-body")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator(button("italic"))).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".editor-body")).to_be_focused()


async def test_a_button_pressed_by_keyboard_works_on_the_selection_left_behind(page: Page, site: Site) -> None:
    await open_editor(page, site, "word")
    await select_all(page)
    await page.keyboard.press("Alt+F10")

    await page.keyboard.press("Enter")

    assert await html(page) == "<p><b>word</b></p>"
    await expect(page.locator(".editor-body")).to_be_focused()


async def test_tab_leaves_the_editor(page: Page, site: Site) -> None:
    await open_editor(page, site, "word")

    await page.keyboard.press("Tab")

    await expect(page.locator("[data-send]")).to_be_focused()
