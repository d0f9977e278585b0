"""What customers' HTML becomes before an agent sees it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import richtext
from app.tickets import display, folding
from bench import mail_corpus
from tests.support.soup import soup

FORBIDDEN_TAGS = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "link",
    "meta",
    "base",
    "svg",
    "math",
}
PIECES = (
    "text",
    '<img src="https://e.example/x.png">',
    '<img src="//e.example/x.png">',
    "<img src=x onerror=alert(1)>",
    '<a href="java\tscript:alert(1)">',
    '<a href="data:text/html,x">',
    '<p style="background:url(https://e.example/)">',
    '<td background="https://e.example/">',
    "<!--",
    "-->",
    "<![CDATA[",
    "&lt;script&gt;",
)


class _Scan(HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.problems.append(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            remote_image = tag == "img" and name == "src" and not text.startswith(("/attachments/", "data:image/"))
            wrong_link = name == "href" and not text.startswith(("http://", "https://", "mailto:", "tel:"))
            if name.startswith("on") or name in {"background", "srcset"} or remote_image or wrong_link:
                self.problems.append(f"{tag} {name}={value}")
            if name == "style" and "url(" in text:
                self.problems.append(f"style {value}")


def _problems(html: str) -> list[str]:
    scan = _Scan()
    scan.feed(html)
    return scan.problems


@given(soup("p div table td a img svg math style form select title blockquote", PIECES, max_size=25))
def test_nothing_active_or_remote_is_left_of_any_markup(html: str) -> None:
    assert _problems(display.clean_mail(html).html) == []


@given(soup("p div a img script style", PIECES, max_size=25))
def test_an_agents_html_is_cleaned_again_on_the_page(html: str) -> None:
    found = [problem for problem in _problems(display.reply_html(html)) if not problem.startswith("img src=")]
    assert found == [], "remote images are left to the page's own policy"


@pytest.mark.skipif(not mail_corpus.available(), reason="../shared/corpus is not here")
def test_real_mails_keep_their_words_and_lose_what_is_active() -> None:
    for name, html in mail_corpus.bodies():
        cleaned = display.clean_mail(html).html
        assert _problems(cleaned) == [], name
        words, kept = richtext.html_to_text(html).split(), richtext.html_to_text(cleaned).split()
        assert len(kept) >= len(words) * 0.9, name


def test_remote_images_are_counted_and_own_ones_stay() -> None:
    cleaned = display.clean_mail(
        '<img src="http://a.example/1"><img src="//a.example/2"><img src="/attachments/3/inline">'
        '<img src="data:image/png;base64,AAAA"><img src="data:image/svg+xml,x"><img src="/attachments/3">'
    )
    assert len(cleaned.remote_images) == 2
    assert cleaned.html.count("src=") == 2


def test_markup_that_would_keep_a_parser_busy_is_shown_as_text() -> None:
    document = display.frame_document("<div>" * 100_000, "the <b> words")
    assert "too tangled to show" in document
    assert "<pre>the &lt;b&gt; words</pre>" in document


@pytest.mark.parametrize(
    ("html", "folded"),
    [
        ("<p>Yes</p><blockquote>old</blockquote>", True),
        ("<p>Yes</p><blockquote>old<blockquote>older</blockquote></blockquote><br> ", True),
        ("<blockquote>only this</blockquote>", False),
        ("<p>a</p><blockquote>b</blockquote><p>c</p>", False),
        ("<p>no quote</p>", False),
    ],
)
def test_a_quote_is_folded_only_at_the_end_of_an_answer(html: str, folded: bool) -> None:
    assert ("<details>" in display.frame_document(html, "")) is folded


@given(st.lists(st.sampled_from(["hello", "> quoted", "", "On Monday, Bob wrote:", ">", " > x", "-- "]), max_size=12))
def test_folding_lines_loses_none(lines: list[str]) -> None:
    html = richtext.text_to_html("\n".join(lines))
    folded = str(display.text_html(html)).replace('<span class="hidden">Quoted text</span>', "")
    folded = folded.replace('<span class="hidden">Signature</span>', "").replace("…", "")
    assert richtext.html_to_text(folded).split() == richtext.html_to_text(html).split()


def test_a_signature_is_folded_also_before_a_quote() -> None:
    text = "Yes, thanks.\n-- \nBob\nBuilder Ltd\n\nOn Monday, Ada wrote:\n> Does it work?"
    shown = str(display.text_html(richtext.text_to_html(text)))
    assert shown.count("<details") == 2
    assert shown.index("thanks") < shown.index("Signature") < shown.index("Builder Ltd") < shown.index("Quoted text")
    for kept in ("-- \nonly this", "Hi\n-- \n" + "a line that matters\n" * 20, "Hi\n--no mark"):
        assert "<details" not in display.text_html(richtext.text_to_html(kept))


GMAIL = (
    '<div dir="ltr">Yes, thanks.<br clear="all"><div><br></div><span>-- </span><br>'
    '<div class="gmail_signature"><div>Bob</div><div>Builder Ltd</div></div></div><br>'
    '<div class="gmail_quote"><div class="gmail_attr">On Monday, Ada wrote:<br></div>'
    "<blockquote>Does it work?</blockquote></div>"
)
THUNDERBIRD = "<p>Yes, thanks.</p>\n<pre class='moz-signature' cols='72'>-- \nBob\nBuilder Ltd</pre>"
BY_HAND = "Yes, thanks.<div>--&nbsp;</div><div>Bob</div><div>Builder Ltd</div>"
IN_A_CELL = "<table><tr><td>Yes, thanks.<br>-- <br>Bob<br>Builder Ltd</td></tr></table>"


@pytest.mark.parametrize("html", [GMAIL, THUNDERBIRD, BY_HAND, IN_A_CELL], ids=["gmail", "thunderbird", "hand", "cell"])
def test_a_signature_of_html_is_folded(html: str) -> None:
    shown = display.frame_document(html, "")
    assert shown.count(">Signature<") == 1
    assert shown.index("thanks") < shown.index("Signature") < shown.index("Bob") < shown.index("Builder Ltd")
    assert 'class="portal-signature"' not in shown
    if html is GMAIL:
        assert shown.index("Builder Ltd") < shown.index("On Monday") < shown.index("Quoted text")


@pytest.mark.parametrize(
    "html",
    [
        "<div>-- </div><div>only this</div>",
        "<div>Hi</div><div>-- </div>" + "<div>a line that matters</div>" * 20,
        "<p>Hi --</p><p>x</p>",
        "<ul><li>Hi</li><li>-- </li></ul>and an end",
        '<div class="gmail_signature">all of it</div>',
        '<div>Hi</div><div class="other">Bob</div>',
        "<table><tr><td>Hi</td></tr><tr><td>-- </td></tr></table>",
    ],
)
def test_what_may_be_meant_to_be_read_is_not_folded(html: str) -> None:
    assert ">Signature<" not in display.frame_document(html, "")


@given(
    st.lists(
        st.sampled_from(
            ["<div>", "</div>", "<br>", "-- ", "--", "hi", "<p>", "</p>", "<table><tr><td>", "</td></tr></table>",
             "<blockquote>", "</blockquote>", "x:", '<div class="gmail_signature">', "<ul><li>", "<pre>\n-- \n"]
        ),
        max_size=16,
    )
)  # fmt: skip
def test_folding_html_loses_no_word_and_closes_what_it_opens(pieces: list[str]) -> None:
    html = display.clean_mail("".join(pieces)).html
    folded = folding.fold_mail(html)
    for summary in ("Quoted text", "Signature"):
        folded = folded.replace(f'<span class="hidden">{summary}</span>', "")
    plain = re.sub(r"<[^>]*>", " ", folded).replace("…", "").split()
    assert plain == re.sub(r"<[^>]*>", " ", html).split()
    parsed = nh3.clean(folded, tags=nh3.ALLOWED_TAGS | {"details", "summary"})
    assert parsed.count("</details>") == folded.count("</details>"), "a parser moves nothing out of where it stands"


@pytest.mark.parametrize(
    ("text", "at_least", "at_most"), [("", 80, 80), ("a\n" * 10, 200, 400), ("x" * 90_000, 640, 640)]
)
def test_a_frame_is_given_about_the_height_it_needs(text: str, at_least: int, at_most: int) -> None:
    assert at_least <= display.frame_height(text) <= at_most
