"""What comes into the editor from outside: hostile HTML, Word, plain text, pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser_static.site import PNG, TOKEN, Site
from tests.browser_static.test_editor_commands import html, open_editor, select_all, write

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

PASTE = """([html, text, files]) => {
    const transfer = new DataTransfer();
    if (html) transfer.setData('text/html', html);
    if (text) transfer.setData('text/plain', text);
    for (const [name, type] of files) transfer.items.add(new File([new Uint8Array([1, 2, 3])], name, {type}));
    const event = new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true, cancelable: true});
    document.querySelector('.editor-body').dispatchEvent(event);
}"""

DROP = """([selector, files]) => {
    const transfer = new DataTransfer();
    for (const [name, type] of files) transfer.items.add(new File([new Uint8Array([1, 2, 3])], name, {type}));
    const at = document.querySelector(selector).getBoundingClientRect();
    const place = {clientX: at.left + 1, clientY: at.top + at.height / 2, bubbles: true, cancelable: true};
    const target = document.querySelector('.editor-body');
    for (const type of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(type, {...place, dataTransfer: transfer}));
    }
}"""


async def paste(page: Page, html: str = "", text: str = "", files: list[list[str]] | None = None) -> None:
    """Paste as another program would have put it on the clipboard, uncleaned."""
    await page.evaluate(PASTE, [html, text, files or []])


HOSTILE = [
    '<img src=x onerror="hacked=1">',
    '<svg onload="hacked=1"><script>hacked=1</script></svg>',
    "<script>hacked=1</script>",
    '<a href="javascript:hacked=1">click</a>',
    '<a href=" java\nscript:hacked=1">click</a>',
    '<a href="data:text/html,<script>hacked=1</script>">click</a>',
    '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    '<p onclick="hacked=1" onmouseover="hacked=1" style="position:fixed;inset:0">text</p>',
    '<math><mtext><table><mglyph><style><img src=x onerror="hacked=1"></style></mglyph></table></mtext></math>',
    '<form action="/x"><button formaction="javascript:hacked=1">x</button><input autofocus onfocus="hacked=1"></form>',
    '<noscript><p title="</noscript><img src=x onerror=hacked=1>"></noscript>',
    '<template><img src=x onerror="hacked=1"></template>',
    '<details open ontoggle="hacked=1"><summary>s</summary></details>',
    '<video><source onerror="hacked=1"></video>',
    '<base href="https://evil.example/"><link rel="stylesheet" href="//evil.example/x.css">',
    '<div contenteditable onbeforeinput="hacked=1" is="x-y" slot="a" popover id="csrf" name="body">t</div>',
    '<a href="https://ok.example" onclick="hacked=1" target="_blank" ping="https://evil.example">ok</a>',
    '<img src="/attachments/1/inline" srcset="https://evil.example/x.png 1x" onload="hacked=1">',
]


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_html_runs_nothing_and_leaves_only_allowed_elements(fresh_page: Page, hostile: str) -> None:
    outside: list[str] = []
    fresh_page.on("request", lambda request: outside.append(request.url) if "evil" in request.url else None)

    await paste(fresh_page, html=f"<p>before</p>{hostile}<p>after</p>")
    await fresh_page.locator(".editor-body").hover()

    assert await fresh_page.evaluate("window.hacked") is None
    names: list[str] = await fresh_page.evaluate(
        """[...document.querySelectorAll('.editor-body *')].flatMap(
            (node) => node.getAttributeNames().map((name) => `${node.localName}[${name}]`).concat(node.localName))"""
    )
    assert set(names) <= {"p", "div", "a", "a[href]", "img", "img[src]", "img[alt]"}
    hrefs: list[str] = await fresh_page.evaluate("[...document.querySelectorAll('.editor-body a')].map((a) => a.href)")
    assert all(href.startswith("https://ok.example") for href in hrefs)
    cleaned = await html(fresh_page)
    assert "before" in cleaned
    assert "after" in cleaned
    assert outside == []


CLEANED = [
    pytest.param("<b>b</b> <em>e</em>", "<p><b>b</b> <em>e</em></p>", id="marks"),
    pytest.param(
        '<b style="font-weight:normal" id="docs-internal-guid-1"><p><span style="font-weight:700">Bold</span>'
        '<span style="font-style:italic"> slanted</span></p></b>',
        "<p><b>Bold</b><i> slanted</i></p>",
        id="google docs",
    ),
    pytest.param(
        '<p class=MsoNormal style="margin:0"><o:p><!--[if x]>y<![endif]-->Words</o:p></p>', "<p>Words</p>", id="word"
    ),
    pytest.param("<b><p>one</p><p>two</p></b>", "<p><b>one</b></p><p><b>two</b></p>", id="mark around blocks"),
    pytest.param("<div><div>one</div><div>two</div></div>", "<div>one</div><div>two</div>", id="nested divisions"),
    pytest.param("<table><tr><td>a<td>b<tr><td>c</table>", "<div>a b</div><div>c</div>", id="table"),
    pytest.param("<ul><li>a<ul><li>b</li></ul></li></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>", id="nested list"),
    pytest.param("<ul>loose<p>x</p></ul>", "<ul><li>loose<p>x</p></li></ul>", id="list without items"),
    pytest.param("<h1>one</h1><h5>five</h5>", "<h1>one</h1><h3>five</h3>", id="headings"),
    pytest.param("<pre>a\n  b<br>c</pre>", "<pre>a\n  b\nc</pre>", id="code keeps its spaces"),
    pytest.param("<p>a\n   b</p>\n\n  <p>c</p>", "<p>a b</p><p>c</p>", id="source formatting"),
    pytest.param('<a href="/relative">r</a><a href="https://x.example/?a=1&amp;b=2">x</a>',
                 '<p>r<a href="https://x.example/?a=1&amp;b=2">x</a></p>', id="links"),
    pytest.param("<del>d</del><tt>t</tt><u>u</u>", "<p><s>d</s><code>t</code><u>u</u></p>", id="renamed"),
    pytest.param("&lt;script&gt;x&lt;/script&gt;", "<p>&lt;script&gt;x&lt;/script&gt;</p>", id="escaped stays text"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CLEANED)
async def test_pasted_html_is_brought_into_our_elements(fresh_page: Page, source: str, expected: str) -> None:
    await paste(fresh_page, html=source, text="plain")

    assert await html(fresh_page) == expected


PLACES = [
    pytest.param("<i>in</i>", "<p>left<i>in</i>right</p>", id="words"),
    pytest.param("<p>one</p><p>two</p>", "<p>leftone</p><p>tworight</p>", id="paragraphs"),
    pytest.param("<ul><li>a</li></ul>", "<p>left</p><ul><li>a</li></ul><p>right</p>", id="list"),
    pytest.param("<p>one</p><pre>x</pre>", "<p>leftone</p><pre>x</pre><p>right</p>", id="code last"),
]


@pytest.mark.parametrize(("source", "expected"), PLACES)
async def test_a_paste_in_the_middle_parts_the_line_and_joins_what_fits(
    fresh_page: Page, source: str, expected: str
) -> None:
    await write(fresh_page, "leftright")
    for _ in range(5):
        await fresh_page.keyboard.press("ArrowLeft")

    await paste(fresh_page, html=source)
    assert await html(fresh_page) == expected

    await fresh_page.keyboard.press("Control+z")
    assert await html(fresh_page) == "<p>leftright</p>"


async def test_a_list_pasted_into_a_list_adds_items(page: Page, site: Site) -> None:
    await open_editor(page, site, "one")
    await page.keyboard.press("Control+Shift+Digit8")

    await paste(page, html="<ul><li>two</li><li>three</li></ul>")

    assert await html(page) == "<ul><li>onetwo</li><li>three</li></ul>"


async def test_a_paste_replaces_the_selection_in_one_step(page: Page, site: Site) -> None:
    await open_editor(page, site, "one\n\ntwo")
    await select_all(page)

    await paste(page, html="<p>new</p>")
    assert await html(page) == "<p>new</p>"
    await page.keyboard.press("Control+z")
    assert await html(page) == "<p>one</p><p>two</p>"


async def test_plain_text_becomes_paragraphs_with_linked_addresses(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await paste(page, text="See https://example.org/a_(b)?c=d.\nor www.example.net, <b>\n\nWrite to bob@example.org!")

    assert await html(page) == (
        '<p>See <a href="https://example.org/a_(b)?c=d">https://example.org/a_(b)?c=d</a>.<br>'
        'or <a href="https://www.example.net">www.example.net</a>, &lt;b&gt;</p>'
        '<p>Write to <a href="mailto:bob@example.org">bob@example.org</a>!</p>'
    )


async def test_html_pasted_into_a_code_block_is_taken_as_words(page: Page, site: Site) -> None:
    await open_editor(page, site, "x = ")
    await page.keyboard.press("Control+Shift+e")
    await page.keyboard.press("End")

    await paste(page, html="<p><b>1</b></p>", text="1\n  2 https://example.org")

    assert await html(page) == "<pre>x = 1\n  2 https://example.org</pre>"


async def test_a_huge_paste_is_cleaned_without_choking(page: Page, site: Site) -> None:
    await open_editor(page, site)
    deep = "<div>" * 20_000 + "deep" + "</div>" * 20_000

    await paste(page, html=deep + "<p>wide</p>" * 5_000 + "a" * 200_000)

    assert (await html(page)).count("<p>wide</p>") == 5_000


async def test_a_picture_on_the_real_clipboard_is_uploaded_and_inserted(page: Page, site: Site) -> None:
    await open_editor(page, site, "See:")
    await page.evaluate(
        """async (bytes) => navigator.clipboard.write(
            [new ClipboardItem({'image/png': new Blob([new Uint8Array(bytes)], {type: 'image/png'})})])""",
        list(PNG),
    )

    await page.keyboard.press("Control+v")

    await expect(page.locator(".editor-body img")).to_have_attribute("src", "/attachments/11/inline")
    [upload] = site.uploads
    assert upload.token == TOKEN
    assert upload.content.startswith(b"\x89PNG")
    assert await html(page) == f'<p>See:<img src="/attachments/11/inline" alt="{upload.filename}"></p>'
    await page.keyboard.press("Control+z")
    assert await html(page) == "<p>See:</p>"


async def test_a_picture_dropped_between_words_lands_where_it_was_dropped(page: Page, site: Site) -> None:
    await open_editor(page, site, "one\n\ntwo")

    await page.evaluate(DROP, [".editor-body > p:last-child", [["cat.png", "image/png"]]])

    await expect(page.locator(".editor-body img")).to_have_attribute("alt", "cat.png")
    assert await html(page) == '<p>one</p><p><img src="/attachments/11/inline" alt="cat.png">two</p>'
    await expect(page.locator(".editor.is-dropping")).to_have_count(0)


async def test_several_pictures_come_in_their_order_while_one_goes_on_typing(page: Page, site: Site) -> None:
    site.upload_waits = asyncio.Event()
    await open_editor(page, site, "pictures:")
    await paste(page, files=[["a.png", "image/png"], ["b.png", "image/png"]])
    await expect(page.locator(".editor-status")).to_have_text("Uploading a.png…")
    await expect(page.locator(".editor-progress")).to_be_visible()

    await page.keyboard.press("Enter")
    await page.keyboard.type("meanwhile")
    site.upload_waits.set()

    await expect(page.locator(".editor-body img")).to_have_count(2)
    await expect(page.locator(".editor-progress")).to_be_hidden()
    await page.keyboard.type("!")
    assert await html(page) == (
        '<p>pictures:<img src="/attachments/11/inline" alt="a.png"><img src="/attachments/12/inline" alt="b.png"></p>'
        "<p>meanwhile!</p>"
    )


async def test_a_picture_that_arrives_late_leaves_the_focus_where_it_is(page: Page, site: Site) -> None:
    site.upload_waits = asyncio.Event()
    await open_editor(page, site, "text")
    await paste(page, files=[["a.png", "image/png"]])
    await page.focus("[data-send]")

    site.upload_waits.set()

    await expect(page.locator(".editor-status")).to_have_text("a.png is in the text.")
    await expect(page.locator("[data-send]")).to_be_focused()
    assert await html(page) == '<p>text<img src="/attachments/11/inline" alt="a.png"></p>'


async def test_a_refused_picture_says_why_and_inserts_nothing(page: Page, site: Site) -> None:
    site.upload_refusal = (422, "a picture may have 10 MB, this one has 12 MB.")
    await open_editor(page, site, "text")

    await paste(page, files=[["big.png", "image/png"]])

    await expect(page.locator(".editor-status[role=status]")).to_have_text(
        "big.png was not uploaded: a picture may have 10 MB, this one has 12 MB."
    )
    assert await html(page) == "<p>text</p>"
    await expect(page.locator(".editor-progress")).to_be_hidden()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 413, "body": "<h1>Too large</h1>"}, "it is too large. Try a smaller one."),
        ({"status": 401}, "you are logged out. Log in again in another tab."),
        ({"status": 500}, "the server answered 500. Try again later."),
        ({"status": 201, "body": '{"id": 1, "url": "https://evil.example/x.png"}'}, "the server answered 201."),
        ({"status": 201, "body": '{"id": 1, "url": "/attachments/1/inline/../../x"}'}, "the server answered 201."),
    ],
)
async def test_an_answer_without_words_is_put_into_words(
    page: Page, site: Site, answer: dict[str, Any], words: str
) -> None:
    await page.route("**/tickets/1/images", lambda route: route.fulfill(**answer))
    await open_editor(page, site)

    await paste(page, files=[["a.png", "image/png"]])

    await expect(page.locator(".editor-status")).to_contain_text(f"a.png was not uploaded: {words}")
    assert await html(page) == ""


async def test_no_connection_is_said(page: Page, site: Site) -> None:
    await page.route("**/tickets/1/images", lambda route: route.abort())
    await open_editor(page, site)

    await paste(page, files=[["a.png", "image/png"]])

    await expect(page.locator(".editor-status")).to_have_text("a.png was not uploaded: no connection. Try again.")


async def test_the_picture_button_uploads_what_is_chosen(page: Page, site: Site, tmp_path: Path) -> None:
    picture = tmp_path / "screen shot.png"
    picture.write_bytes(PNG)
    await open_editor(page, site)

    async with page.expect_file_chooser() as chosen:
        await page.click('.editor-tool[data-command="image"]')
    await (await chosen.value).set_files(picture)

    await expect(page.locator(".editor-body img")).to_have_attribute("alt", "screen shot.png")
    assert site.uploads[0].content == PNG


async def test_a_picture_inside_pasted_html_is_uploaded_to_its_place(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await paste(page, html='<p>left <img src="data:image/png;base64,iVBORw0KGgo="> right</p>')

    await expect(page.locator(".editor-body img")).to_have_count(1)
    assert await html(page) == '<p>left <img src="/attachments/11/inline" alt="image-1.png"> right</p>'


async def test_images_of_other_sites_are_left_out_and_counted(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await paste(page, html='<p>x<img src="https://other.example/a.png"><img src="https://other.example/b.png"></p>')

    assert await html(page) == "<p>x</p>"
    await expect(page.locator(".editor-status")).to_contain_text("2 images of another site left out.")


async def test_the_picture_of_copied_words_is_not_uploaded_when_the_words_came_too(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await paste(page, html="<p>words</p>", files=[["image.png", "image/png"]])

    assert await html(page) == "<p>words</p>"
    assert site.uploads == []


async def test_a_file_that_is_no_picture_is_not_put_into_the_text(page: Page, site: Site) -> None:
    await open_editor(page, site)

    await paste(page, files=[["report.pdf", "application/pdf"]])

    await expect(page.locator(".editor-status")).to_have_text(
        "report.pdf is not a picture and cannot be put in the text."
    )
    assert site.uploads == []
