"""Mail quoted by a real browser's editor, as every webmail program does it, then restored.

The browser parses the mail, moves it into a quotation and writes it out anew: other quotes,
other case, other entities, missing tags added. What comes back must be what it would have
made of the mail without tracking.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import sync_playwright

from bench import mail_corpus, rewrite_truth
from plugins.plausible.rewriter import restore, rewrite
from tests.support.chromium import chromium_path, launch

PIXEL_URL = "https://portal.example.com/api/email-tracking/pixel/Ab-_9.gif"
CLICK = "https://portal.example.com/api/email-tracking/click?tid=Ab-_9&url="

QUOTE = """(html) => {
    const mail = new DOMParser().parseFromString(html, "text/html");
    const editor = document.createElement("div");
    editor.contentEditable = "true";
    const quotation = document.createElement("blockquote");
    quotation.append(...mail.body.childNodes);
    editor.append("On Monday you wrote:", quotation);
    return editor.innerHTML;
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed"),
]

OWN = [
    "<p>See <a href='https://x.example/?a=1&amp;copy=2'>this</a> &amp; <A HREF=https://y.example/ü>that</A>",
    "<table><tr><td><a title='>' href=\"&#104;ttps://x.example/o'neil\">x</table><!-- </body> -->",
    '<!--[if mso]><v:rect href="https://x.example/"></v:rect><![endif]--><map><area href=//x></map>',
]


@pytest.fixture(scope="module")
def quote() -> Iterator[Callable[[str], str]]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        yield lambda html: str(page.evaluate(QUOTE, html))
        browser.close()


def check(html: str, quote: Callable[[str], str]) -> None:
    made: dict[str, str] = {}

    def link(url: str) -> str:
        # A plain string, as it comes out of a token: the author's spelling is not known.
        made[f"{CLICK}{len(made)}&sig=Zz_-0"] = "".join(url)
        return f"{CLICK}{len(made) - 1}&sig=Zz_-0"

    quoted = quote(rewrite(html, link=link, pixel_url=PIXEL_URL).html)
    assert PIXEL_URL in quoted

    restored = restore(quoted, destination=made.get, is_pixel=PIXEL_URL.__eq__)

    assert "email-tracking" not in restored
    untracked = quote(html)
    assert rewrite_truth.links(restored) == rewrite_truth.links(untracked)
    # Lengths agree but for the spelling of destinations, so nothing else has gone or come.
    assert neutral(restored) == neutral(untracked)


def neutral(html: str) -> str:
    """A document with its links' destinations taken out."""
    return rewrite(html, link=lambda _: "", pixel_url=None).html


@pytest.mark.parametrize("html", OWN)
def test_a_mail_quoted_in_a_browser_loses_the_tracking_and_nothing_else(html: str, quote: Callable[[str], str]) -> None:
    check(html, quote)


@pytest.mark.skipif(not mail_corpus.available(), reason="no mail corpus")
def test_real_mails_quoted_in_a_browser_lose_the_tracking_and_nothing_else(
    quote: Callable[[str], str],
) -> None:
    for _, html in list(mail_corpus.bodies())[::20]:
        check(html, quote)
