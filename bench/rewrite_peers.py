"""What other tools make of the same job: every http(s) link tracked, one pixel added.

Each is written as its own documentation shows it, with the cheapest token there is, so that
the time measured is the rewriting. A tool that is not installed is left out.
"""

import base64
import importlib
import re
from collections.abc import Callable
from typing import Any

from plugins.plausible.rewriter import rewrite

CLICK = "https://click.test/"
PIXEL = "https://open.test/"

Rewriter = Callable[[str], str]

_WEB = ("http://", "https://")


def tracked(url: str) -> str:
    """The tracking URL for a destination: base64 behind a fixed address."""
    return CLICK + base64.urlsafe_b64encode(url.encode("utf-8", "surrogatepass")).decode()


def ours(html: str) -> str:
    return rewrite(html, link=tracked, pixel_url=PIXEL).html


_QUOTED_HREF = re.compile(r"""(href=)(["'])(https?://.*?)\2""", re.IGNORECASE)


def naive(html: str) -> str:
    """The search-and-replace that most projects use."""
    html = _QUOTED_HREF.sub(lambda m: f"{m[1]}{m[2]}{tracked(m[3])}{m[2]}", html)
    at = html.rfind("</body>")
    at = len(html) if at < 0 else at
    return f'{html[:at]}<img src="{PIXEL}" width="1" height="1" alt="">{html[at:]}'


def with_lxml() -> Rewriter:
    lxml_html: Any = importlib.import_module("lxml.html")

    def run(html: str) -> str:
        tree = lxml_html.document_fromstring(html)
        for element in tree.iter("a", "area"):
            url = element.get("href", "").strip()
            if url.lower().startswith(_WEB):
                element.set("href", tracked(url))
        body = tree.find(".//body")
        (tree if body is None else body).append(lxml_html.Element("img", src=PIXEL))
        doctype = tree.getroottree().docinfo.doctype
        return str(lxml_html.tostring(tree, encoding="unicode", doctype=doctype or None))

    return run


def with_pytracking() -> Rewriter:
    pytracking: Any = importlib.import_module("pytracking")
    adapt_html = importlib.import_module("pytracking.html").adapt_html
    configuration = pytracking.Configuration(base_open_tracking_url=PIXEL, base_click_tracking_url=CLICK)

    def run(html: str) -> str:
        return str(adapt_html(html, extra_metadata={}, configuration=configuration))

    return run


def with_beautifulsoup(parser: str) -> Callable[[], Rewriter]:
    def make() -> Rewriter:
        beautifulsoup: Any = importlib.import_module("bs4").BeautifulSoup
        if parser != "html.parser":
            importlib.import_module(parser)

        def run(html: str) -> str:
            tree = beautifulsoup(html, parser)
            for element in tree.find_all(["a", "area"], href=True):
                url = element["href"].strip()
                if url.lower().startswith(_WEB):
                    element["href"] = tracked(url)
            (tree.body or tree).append(tree.new_tag("img", src=PIXEL))
            return str(tree)

        return run

    return make


def with_selectolax() -> Rewriter:
    parser: Any = importlib.import_module("selectolax.lexbor").LexborHTMLParser

    def run(html: str) -> str:
        tree = parser(html)
        for element in tree.css("a[href], area[href]"):
            url = (element.attributes["href"] or "").strip()
            if url.lower().startswith(_WEB):
                element.attrs["href"] = tracked(url)
        pixel = parser(f'<img src="{PIXEL}">').css_first("img")
        tree.body.insert_child(pixel)
        return str(tree.html)

    return run


PEERS: dict[str, Callable[[], Rewriter]] = {
    "ours": lambda: ours,
    "naive regex": lambda: naive,
    "pytracking": with_pytracking,
    "lxml.html": with_lxml,
    "BeautifulSoup html.parser": with_beautifulsoup("html.parser"),
    "BeautifulSoup lxml": with_beautifulsoup("lxml"),
    "selectolax (lexbor)": with_selectolax,
}


def installed() -> tuple[dict[str, Rewriter], list[str]]:
    """The tools that can run here, and the names of those that cannot."""
    tools, missing = {}, []
    for name, make in PEERS.items():
        try:
            tools[name] = make()
        except ImportError:
            missing.append(name)
    return tools, missing
