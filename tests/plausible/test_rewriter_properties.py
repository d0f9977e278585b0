"""Random documents: the links that html5lib sees, a live pixel, and not one other change.

MYPORTAL_SOUP_DOCUMENTS says how many documents are tried (300 without it, 100000 for a long run).
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import rewrite_truth
from plugins.plausible.rewriter import Destination, restore, rewrite

DOCUMENTS = int(os.environ.get("MYPORTAL_SOUP_DOCUMENTS", "300"))
PIXEL_URL = "https://portal.example.com/pixel.gif?a=1&b=2"

# Chosen to break states of the tokenizer open and off: unclosed quotes, names that almost
# match, letters that only a careless fold takes for ASCII, every raw-text element.
SOUP = [
    *("<a href=https://a.example/>", "<A HREF='https://b.example/?a=1&amp;b&lt=2'>", '<a href="', "<a "),
    *(
        '<area href="https://c.example/"',
        'href="https://d.example/?x&copy=1&reg;"',
        "href=",
        "href",
        "<area>",
    ),
    *("href=https://e.example/&", "<a/href=https://f.example/>", '<a\x0bhref="https://g.example/">', "<a"),
    *("<v:rect href=https://h.example/>", '<V:X href="https://i.example/">', "<o:p>", "</a>", "</A >"),
    *(
        '<abbr href="https://j.example/">',
        '<img src="https://k.example/">',
        '<link href="https://l.example/">',
    ),
    *(
        "https://m.example/",
        "title='<a href=\"https://n.example/\">'",
        'title=">"',
        "<p title=",
        '<p title="',
    ),
    *('"', "'", "=", ">", "<", "/", "/>", "</", "!", "-", "--", "->", "-->", "--!>", "<!", "<!-", "<!--"),
    *("<!-->", "<!--->", "<?", "<![CDATA[", "]]>", "<!DOCTYPE html>", '<!doctype html PUBLIC "a>'),
    *("<!--[if mso]>", "<!--[if !mso]>", "<![endif]-->", "<![if mso]>", "<!--[if gte mso 9]>"),
    *("<script>", "</script>", "</script ", "<script", "<style>", "</style>", '</STYLE x="', "<textarea>"),
    *("</textarea>", "<title>", "</title>", "<xmp>", "</xmp>", "<iframe>", "</iframe>", "<noembed>"),
    *("</noembed>", "<noframes>", "</noframes>", "<noscript>", "</noscript>", "<plaintext>", "<ſcript>"),
    *(
        "</ſtyle>",
        "<html>",
        "<head>",
        "</head>",
        "<body>",
        "<BODY class=x>",
        "</body>",
        "</body >",
        "</html>",
    ),
    *("<p>", "</p>", '<div class="a">', "</div>", "<b>", "</b>", "<table>", "<td>", "</table>", "<form>"),
    *(
        "<svg><style/></svg>",
        "<svg><title/><g/></svg>",
        "<svg><style>a<i></style></svg>",
        "<svg><title>x</title></svg>",
    ),
    *("<math><mi>x</mi></math>", "<svg/>", "<svg><![CDATA[ > <a href=https://o.example/>]]></svg>"),
    *(
        " ",
        "\n",
        "\t",
        "\f",
        "\r",
        "\xa0",
        "\0",
        "\ufeff",
        "é",
        "\U0001f600",
        "x",
        "&",
        "&amp;",
        "&#x41;",
        "&lt",
    ),
]


# Of all the soup, and of a few ingredients that so meet each other more often.
FEW = st.lists(st.sampled_from(SOUP), min_size=2, max_size=8)
DOCUMENT = st.one_of(
    st.lists(st.sampled_from(SOUP) | st.text(max_size=3), max_size=30),
    FEW.flatmap(lambda few: st.lists(st.sampled_from(few), max_size=30)),
).map("".join)


def is_judged(html: str) -> bool:
    """Whether html5lib can judge it: after "<!--" and a NUL it stays in its comment start state."""
    return "<!--\0" not in html and "<!---\0" not in html


@given(DOCUMENT.filter(is_judged))
@settings(max_examples=DOCUMENTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_document_keeps_all_but_its_links_and_gets_a_live_pixel(html: str) -> None:
    made: dict[str, str] = {}

    def link(url: str) -> str:
        made[f"https://click.test/{len(made)}/"] = url
        return f"https://click.test/{len(made) - 1}/"

    done = rewrite(html, link=link, pixel_url=PIXEL_URL)

    # The parser makes U+FFFD of what cannot be a character; so does the rewriter.
    assert set(done.links) == rewrite_truth.links(html)
    if html.strip():
        assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL)
    assert put_back(done.html, made) == html
    assert restore(done.html, destination=made.get, is_pixel=PIXEL_URL.__eq__) == html


def put_back(html: str, made: dict[str, str]) -> str:
    """Undo a rewriting by searching for what it has put in; restore must give the same."""
    start = html.find('<img src="https://portal.example.com/pixel.gif')
    if start >= 0:
        html = html[:start] + html[html.index(">", start) + 1 :]
    for tracked, destination in made.items():
        assert isinstance(destination, Destination)
        assert html.count(tracked) == 1
        html = html.replace(tracked, destination.written)
    return html
