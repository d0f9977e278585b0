"""The text part reads like the HTML it stands for."""

import re

import pytest
from hypothesis import given

from app.email.errors import ContentTooLarge
from app.email.plaintext import html_to_text
from bench import mail_corpus
from tests.support.soup import soup


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>Bob</b>,</p><p>all is   well.</p>", "Hello Bob,\n\nall is well."),
        ("a<br>b<br><br><br>c", "a\nb\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("one <b>two</b><i> three</i>", "one two three"),
        ("&lt;b&gt; &amp;amp; caf&eacute; &euro; &#128512;", "<b> &amp; café € 😀"),
        ("a&nbsp;b", "a b"),
        ("x<hr>y", "x\n--------------------\ny"),
        ('<img src="x" alt=" Our  logo "><img src="y" alt="">', "[Our logo]"),
        ("<pre>if x:\n    y\n\n\nz</pre>", "if x:\n    y\n\nz"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_words_lines_and_paragraphs(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            'See <a href="https://x.example/a?b=1&amp;c=2">the page</a>.',
            "See the page <https://x.example/a?b=1&c=2>.",
        ),
        ('<a href="https://x.example/">https://x.example</a>', "https://x.example"),
        ('<a href="https://www.x.example/">x.example</a>', "x.example"),
        ('<a href="mailto:bob@x.example">bob@x.example</a>', "bob@x.example"),
        ('<a href="tel:+4912">call us</a>', "call us <+4912>"),
        ('<a href="https://x.example"><img src="y"></a>', "https://x.example"),
        ('<a href="https://x.example"><img src="y" alt="Shop"></a>', "[Shop] <https://x.example>"),
        ('<a href="https://x.example"><div>one</div><div>two</div></a>', "one\ntwo\n<https://x.example>"),
        ('<a href="#top">up</a> <a name="x">here</a> <a href="javascript:x">run</a>', "up here run"),
        ('<a href="https://x.example/?a=1&reg=2">go</a>', "go <https://x.example/?a=1&reg=2>"),
    ],
)
def test_a_link_shows_its_label_and_where_it_goes(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>d", "- a\n- b\n  - c\n\nd"),
        ('<ol start="9"><li>a<li>b</ol>', "9. a\n10. b"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b"),
        (
            "x<blockquote>a<br><br>b<blockquote>c</blockquote></blockquote>d",
            "x\n\n> a\n>\n> b\n>\n> > c\n\nd",
        ),
        ("<blockquote><ul><li>a</li></ul></blockquote>", "> - a"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>", "a | b\nc | d"),
        ("<table><tr><td><div>a</div></td><td><div>b</div></td></tr></table>", "a\nb"),
        ("<table><tr><td></td><td>a</td></tr></table>", "a"),
    ],
)
def test_lists_quotes_and_tables(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<style>p { color: red }</style>",
        "<script>alert('x')</script>",
        "<title>x</title>",
        "<!-- x --><!--[if mso]>x<![endif]-->",
        '<div style="color:red; DISPLAY : none">x<div>y</div><br></div>',
        '<p style="mso-hide:all">x</p>',
        "<p hidden>x <img alt=y></p>",
        '<div style="visibility:hidden"><ul><li>x<a href="https://x.example">y</a></ul></div>',
        "<div>&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&shy;</div>",
    ],
)
def test_what_the_reader_cannot_see_is_left_out(hidden: str) -> None:
    assert html_to_text(f"<p>a</p>{hidden}<p>b</p>") == "a\n\nb"


def test_a_persian_word_keeps_its_joiner() -> None:
    assert html_to_text("<p>می\u200cروم</p>") == "می\u200cروم"


def test_quotes_of_two_hundred_levels_do_not_fill_the_line() -> None:
    text = html_to_text("<blockquote>" * 200 + "x" + "</blockquote>" * 200)

    assert text == "> " * 20 + "x"


def test_html_that_no_parser_should_see_is_refused() -> None:
    with pytest.raises(ContentTooLarge):
        html_to_text("<div>" * 100_000)
    with pytest.raises(ContentTooLarge):
        html_to_text("x" * 5_000_000)


@given(
    soup(
        "p li ul ol blockquote table pre div style",
        [
            "<tr>",
            "<td>",
            "<a href=https://x.example>",
            "</a>",
            "<br>",
            "<b hidden>",
            "</b>",
            "<img alt=i>",
            "w",
            " ",
            "\n",
            "<hr>",
        ],
        max_size=40,
    )
)
def test_any_markup_becomes_tidy_text(html: str) -> None:
    text = html_to_text(html)

    assert text == text.strip("\n")
    assert not re.search(r"[ \t]\n|\n\n\n", text)
    assert not re.search(r"</?[a-z]+>", text)


@pytest.mark.skipif(not mail_corpus.available(), reason="../shared/corpus is not here")
def test_real_mails_become_text_without_markup() -> None:
    markup = re.compile(r"</?(?:p|td|tr|table|div|span|a|style)\b[^>]*>|\{[^}]*:[^}]*;\s*\}")

    for name, html in list(mail_corpus.bodies())[::10]:
        assert not markup.search(html_to_text(html)), name
