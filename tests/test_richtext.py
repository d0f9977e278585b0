"""What survives of people's HTML, what does not, and that nothing they send keeps the portal busy."""

import threading

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import richtext
from app.email.errors import ContentTooLarge
from app.richtext import (
    MAX_REPLY_HTML,
    clean_reply,
    clean_reply_async,
    html_to_text_async,
    text_to_html,
    text_to_html_async,
)
from bench import mail_corpus
from tests.support.soup import soup

SOUP = soup(
    "p b script style svg math mi table title textarea noscript select template form xmp plaintext",
    [
        *["<a href='https://x.example/?a=1&amp;b=2'>", "</a>", "<a href='java\tscript:alert(1)'>", "<div style=x>"],
        *["<img src=x onerror=alert(1)>", "<img src='cid:a'>", "<iframe src='javascript:alert(1)'>", "<br/>", "<td>"],
        *[
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            '<p title="',
            '">',
            "'>",
            "&lt;",
            "&amp;lt;",
            "&",
            "text",
            " ",
            "\n",
            "\x00",
        ],
    ],
    max_size=40,
)


def test_what_the_editor_writes_stays_as_it_is() -> None:
    html = (
        "<h1>T</h1><p>A <b>b</b> <strong>c</strong> <i>d</i> <em>e</em> <u>f</u> <s>g</s><br>h</p>"
        "<ul><li>i</li></ul>"
        "<ol><li>j</li></ol><blockquote>k</blockquote><pre><code>l  m</code></pre><div><span>n</span></div>"
        '<a href="https://x.example/?a=1&amp;b=2" title="t" data-no-track="">o</a> '
        '<img src="/attachments/12/inline" alt="p" width="10" height="20%"> <img src="cid:q@r"> ü&nbsp;€'
    )

    assert clean_reply(html) == html


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p onclick=alert(1) style='color:red' class=x id=y>a</p>", "<p>a</p>"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>y", "y"),
        ("<textarea><script>x</script></textarea>y", "y"),
        ("<form action=x>a<input name=b></form>", "a"),
        ("<font color=red>a</font>", "a"),
        ("a<!-- b -->c", "ac"),
        ("<img src=x onerror=alert(1)>", "<img>"),
        ("<img src='/attachments/12/inline?x'><img src='/attachments/../x/inline'>", "<img><img>"),
        ("<img src='data:image/png;base64,AAAA'><img src='//e.example/x'>", "<img><img>"),
        ("<img src='https://e.example/x.png' width=100px>", '<img src="https://e.example/x.png">'),
        ("<a href='/attachments/12/inline'>x</a>", "<a>x</a>"),
        ("<a href='cid:x'>x</a><a href='#top'>y</a><a href='page.html'>z</a>", "<a>x</a><a>y</a><a>z</a>"),
        ("<a href='tel:+4912'>x</a>", '<a href="tel:+4912">x</a>'),
        ("<a href='MAILTO:a@b.c'>y</a>", '<a href="MAILTO:a@b.c">y</a>'),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<p>open", "<p>open</p>"),
    ],
)  # fmt: skip
def test_everything_else_goes_and_its_text_stays(html: str, kept: str) -> None:
    assert clean_reply(html) == kept


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        " \x01javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\r\nscript:alert(1)",
        "JaVaScRiPt&colon;alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "\\\\evil.example",
    ],
)
def test_a_link_goes_only_where_a_mail_may_lead(href: str) -> None:
    assert clean_reply(f'<a href="{href}">x</a>') == "<a>x</a>"


@given(SOUP)
def test_whatever_goes_in_only_harmless_elements_come_out_and_cleaning_again_changes_nothing(
    html: str,
) -> None:
    cleaned = clean_reply(html)

    for element in html5lib.parseFragment(cleaned, namespaceHTMLElements=False).iter():
        if element.tag == "DOCUMENT_FRAGMENT":
            continue
        assert element.tag in richtext._TAGS
        assert set(element.attrib) <= richtext._ATTRIBUTES.get(element.tag, frozenset())
        for url in (element.get("href"), element.get("src")):
            assert url is None or url.startswith(("https://", "cid:"))
    assert clean_reply(cleaned) == cleaned


def test_a_body_of_5_mb_is_refused_with_the_numbers_and_the_way_out() -> None:
    with pytest.raises(ContentTooLarge, match=r"5000000 characters, at most 512000 fit; shorten it or attach it"):
        clean_reply("x" * 5_000_000)
    assert clean_reply("x" * MAX_REPLY_HTML) == "x" * MAX_REPLY_HTML


def test_256_nested_elements_are_kept_and_one_more_is_refused() -> None:
    assert clean_reply("<div>" * 256 + "x" + "</div>" * 256).count("<div>") == 256
    with pytest.raises(ContentTooLarge, match="256 elements"):
        clean_reply("<div>" * 257 + "x" + "</div>" * 257)


def test_a_sloppy_mail_with_hundreds_of_unclosed_elements_is_still_cleaned() -> None:
    assert clean_reply("<p>x<li>y" * 5000).count("<li>") == 5000
    assert clean_reply("<table><tr><td><font size=2>x" + "<tr><td><font size=2>x" * 300).count("x") == 301


@pytest.mark.skipif(not mail_corpus.available(), reason="../shared/corpus is not here")
def test_no_real_mail_is_refused() -> None:
    for name, html in list(mail_corpus.bodies())[::3]:
        cleaned = clean_reply(html)
        assert clean_reply(cleaned) == cleaned, name


def test_text_becomes_paragraphs_with_its_lines_and_columns() -> None:
    assert text_to_html("a <b> & c\r\nd\n\n\n  e  f\n") == "<p>a &lt;b&gt; &amp; c<br>d</p><p>&nbsp;&nbsp;e &nbsp;f</p>"
    assert text_to_html(" \n\n ") == ""


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "https://x.example/?a=1&b=2",
            '<a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>',
        ),
        ("(http://x.example/y).", '(<a href="http://x.example/y">http://x.example/y</a>).'),
        ("http://x.example/a_(b)", '<a href="http://x.example/a_(b)">http://x.example/a_(b)</a>'),
        ("<http://x.example>!", '&lt;<a href="http://x.example">http://x.example</a>&gt;!'),
        ("www.x.example,", '<a href="http://www.x.example">www.x.example</a>,'),
        ("bob@x.example.", '<a href="mailto:bob@x.example">bob@x.example</a>.'),
        ("javascript:alert(1) readme.md 10:30", "javascript:alert(1) readme.md 10:30"),
        (
            'http://x.example/"onmouseover="x',
            '<a href="http://x.example/">http://x.example/</a>"onmouseover="x',
        ),
    ],
)
def test_addresses_in_text_become_links(text: str, html: str) -> None:
    assert text_to_html(text) == f"<p>{html}</p>"


@given(st.text())
def test_no_text_becomes_anything_but_paragraphs_breaks_and_links(text: str) -> None:
    tree = html5lib.parseFragment(text_to_html(text), namespaceHTMLElements=False)

    assert {element.tag for element in tree.iter()} <= {"DOCUMENT_FRAGMENT", "p", "br", "a"}


async def test_cleaning_can_run_beside_the_event_loop() -> None:
    assert await clean_reply_async("<p onclick=x>a</p>") == "<p>a</p>"
    assert await text_to_html_async("a") == "<p>a</p>"
    assert await html_to_text_async("<p>a</p>") == "a"
    with pytest.raises(ContentTooLarge, match="at most"):
        await clean_reply_async("x" * 600_000)


async def test_a_body_that_takes_too_long_is_refused_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def stuck(html: str) -> str:
        release.wait(60)
        return html

    monkeypatch.setattr(richtext, "clean_reply", stuck)
    try:
        with pytest.raises(ContentTooLarge, match=r"took longer than 0\.01 s"):
            await clean_reply_async("<p>x</p>", deadline=0.01)
    finally:
        release.set()
