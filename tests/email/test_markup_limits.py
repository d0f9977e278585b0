"""Markup that is small to send and expensive to parse is refused before a parser sees it."""

import html5lib
import pytest
from hypothesis import given

from app.email import markup_limits
from app.email.errors import ContentTooLarge
from app.email.markup_limits import check_parsable
from bench import mail_corpus
from tests.support.soup import soup


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 2000,
        "<b>" * 2000,
        "<div></span>" * 2000,
        "<div/>" * 2000,
        "<div><table><tr><td></div></table>" * 2000,
        "<div><!--</div>-->" * 2000,
        '<div title="</div>">' * 2000,
        "<div><style></div></style>" * 2000,
        "<div><noscript></div></noscript>" * 2000,
        "<div><script><!--<script></script></div>--></script>" * 2000,
        "<svg><g><![CDATA[></g>]]>" * 2000,
        "<svg><link>" + "<link>" * 2000,
        "<svg><style>" + "<g>" * 2000,
        "<select><style></select>" + "<div>" * 2000,
        "<p>" + "".join(f"<font color=c{n}>" for n in range(300)) + "</p>" + "<p>x" * 50_000,
        '<p><a href="' + "h" * 200_000 + '"></p>' + "<p>x" * 50_000,
        "<p " + " ".join(f"a{n}" for n in range(50_000)) + ">",
        "<p " + " ".join(f'a{n}=""' for n in range(50_000)) + ">",
    ],
    ids=lambda html: html[:40],
)
def test_a_parser_trap_is_refused(html: str) -> None:
    with pytest.raises(ContentTooLarge, match=r"simplify the formatting"):
        check_parsable(html)


@pytest.mark.parametrize(
    "html",
    [
        "plain < text & 3 <4",
        "<p>" * 5000,
        "<tr><td>x" * 5000,
        "<br>" * 50_000,
        "<div>x</div>" * 20_000,
        "<DIV>x</div>" * 20_000,
        '<img src="data:image/png;base64,' + "A" * 200_000 + '">',
        "<style>a > b { content: '<div>' }</style>" * 1500,
        "<!--[if mso]><div><![endif]-->" * 1500,
        "<svg><path d=x></path></svg>" * 1500,
        "<p>" + "<",
        '<p title="never ends',
        "<!-- never ends",
    ],
    ids=lambda html: html[:40],
)
def test_ordinary_and_sloppy_markup_passes(html: str) -> None:
    check_parsable(html)


def test_a_comment_without_an_end_holds_all_that_follows() -> None:
    """As HTML says; looking for the end of each anew took 2.3 s for 100,000 characters of "<!--[if mso]>"."""
    check_parsable("<!--[if mso]>" + "<div>" * 2000)
    with pytest.raises(ContentTooLarge):
        check_parsable("<!--[if mso]>-->" + "<div>" * 2000)


def test_every_real_mail_passes() -> None:
    if not mail_corpus.available():
        pytest.skip("../shared/corpus is not here")
    for _, html in mail_corpus.bodies():
        check_parsable(html)


NESTING_SOUP = soup(
    "div span b table tr td svg g script style title select p li ul math mi template button object",
    ["<a href=x>", "</a>", "<![CDATA[", "]]>", ">", "<!--", "-->", '<i x="', '"', "'", "<link>", "x"],
    max_size=60,
)


@given(NESTING_SOUP)
def test_the_scan_never_sees_less_depth_than_a_parser_builds(html: str) -> None:
    """Where one run of the soup makes a tree deeper, forty of them must be refused at a limit of 25."""
    repeated = html * 40
    if _depth(repeated) - _depth(html * 20) < 20:
        return
    original = markup_limits.MAX_UNCLOSED
    markup_limits.MAX_UNCLOSED = 25
    try:
        with pytest.raises(ContentTooLarge):
            check_parsable(repeated)
    finally:
        markup_limits.MAX_UNCLOSED = original


def _depth(html: str) -> int:
    deepest = 0
    level = [html5lib.parseFragment(html, namespaceHTMLElements=False, scripting=True)]
    while level:
        deepest += 1
        level = [child for element in level for child in element]
    return deepest
