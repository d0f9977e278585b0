"""The one place where HTML that people wrote is cleaned, and where text becomes HTML.

Two libraries: bleach holds the reply editor's allow-list, nh3 (maintained,
bleach's last release says it is not) is the wall that everything passes last. nh3 also goes
first, because what it writes is well-formed and bleach is quadratic on what is not.
Only what `clean_reply` or `text_to_html` returned may be marked safe in a template.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape
from typing import TypeVar

import bleach
import nh3

from app.email.errors import ContentTooLarge
from app.email.markup_limits import MAX_HTML, check_depth, check_parsable, check_size, names
from app.email.plaintext import html_to_text

__all__ = [
    "MAX_REPLY_HTML",
    "clean_reply",
    "clean_reply_async",
    "html_to_text",
    "html_to_text_async",
    "text_to_html",
    "text_to_html_async",
]

MAX_REPLY_HTML = MAX_HTML
"""Characters of a reply's HTML; also of a plain text."""
MAX_REPAIRED = 2 * MAX_HTML
"""Characters of a reply once its unclosed elements are closed and its bare '&' are written '&amp;'."""
DEADLINE = 10.0
"""Seconds that cleaning one body may take, waiting for a free thread included."""

_TAGS = names("a b blockquote br code div em h1 h2 h3 i img li ol p pre s span strong u ul")
_ATTRIBUTES = {
    "a": frozenset(("href", "title", "data-no-track")),
    "img": frozenset(("src", "alt", "width", "height")),
}
_SCHEMES = frozenset(("http", "https", "mailto", "tel", "cid"))
_LINK_SCHEMES = frozenset(("http", "https", "mailto", "tel"))
_IMAGE_SCHEMES = frozenset(("http", "https", "cid"))
_OWN_IMAGE = re.compile(r"/attachments/[0-9]{1,19}/inline")
_DROPPED_WITH_CONTENT = names(
    "applet audio canvas iframe math noembed noframes noscript object option script select style svg "
    "template textarea title video xmp"
)
_URL_NOISE = re.compile(r"^[\x00-\x20]+|[\x00-\x20]+$|[\t\n\r]")
_LINK_IN_TEXT = re.compile(
    r"""\b(?P<web>(?:https?://|www\.)[^\s<>"]{1,2000})
      | (?<![\w.+/-])(?P<mail>[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?![\w-])""",
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)
# Two threads of our own: a body that is slow to clean must not keep others from the default ones.
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="richtext")
_T = TypeVar("_T")


def clean_reply(html: str) -> str:
    """Keep of a reply's HTML what the editor can write; everything else goes, its text stays.

    Relative links, styles, classes and event handlers go; scripts, forms' fields and other
    active elements go with their content. The result is well-formed and stays the same when
    cleaned again. Raises ContentTooLarge, before any parser runs, above MAX_REPLY_HTML
    characters or for markup that would keep a parser busy, and above a depth of 256.
    """
    check_size(html, "the reply")
    check_parsable(html)
    well_formed = _WALL.clean(html)
    check_size(well_formed, "the repaired reply", MAX_REPAIRED)
    check_depth(well_formed)
    allowed = bleach.clean(
        well_formed,
        tags=_TAGS,
        attributes=_keeps_attribute,
        protocols=_SCHEMES,
        strip=True,
        strip_comments=True,
    )
    return _WALL.clean(allowed)


def text_to_html(text: str) -> str:
    """Turn plain text into HTML: paragraphs at blank lines, <br> at line ends, web and mail addresses linked.

    Raises ContentTooLarge above MAX_REPLY_HTML characters.
    """
    check_size(text, "the text")
    lines = re.sub(r"\r\n|\r", "\n", text).strip("\n").expandtabs(4)
    # Indentation and columns that somebody typed would otherwise collapse.
    spaced = re.sub(r"(?m)(?<= ) |^ ", "\u00a0", lines)
    paragraphs = [part for part in re.split(r"\n{2,}", spaced) if part.strip()]
    return _WALL.clean("".join(f"<p>{_linked(part)}</p>" for part in paragraphs).replace("\n", "<br>"))


def _linked(text: str) -> str:
    """Escape text and link the addresses in it; bleach.linkify takes 38 s for 50,000 letters in a row."""
    pieces: list[str] = []
    done = 0
    for match in _LINK_IN_TEXT.finditer(text):
        url = _without_punctuation(match[0]) if match["web"] else match[0]
        href = url if "://" in url else f"http://{url}" if match["web"] else f"mailto:{url}"
        pieces += [
            escape(text[done : match.start()], quote=False),
            f'<a href="{escape(href)}">{escape(url)}</a>',
        ]
        done = match.start() + len(url)
    return "".join([*pieces, escape(text[done:], quote=False)])


def _without_punctuation(url: str) -> str:
    """Cut what belongs to the sentence: closing punctuation, and brackets that open before the address."""
    while True:
        cut = url.rstrip(".,;:!?'*")
        if cut.endswith((")", "]")) and cut.count(cut[-1]) > cut.count("(" if cut[-1] == ")" else "["):
            cut = cut[:-1]
        if cut == url:
            return url
        url = cut


async def clean_reply_async(html: str, *, deadline: float = DEADLINE) -> str:
    """Do `clean_reply` in a thread; also raises ContentTooLarge if it takes longer than deadline seconds."""
    return await _in_thread(clean_reply, html, deadline)


async def text_to_html_async(text: str, *, deadline: float = DEADLINE) -> str:
    """Do `text_to_html` in a thread; also raises ContentTooLarge after deadline seconds."""
    return await _in_thread(text_to_html, text, deadline)


async def html_to_text_async(html: str, *, deadline: float = DEADLINE) -> str:
    """Do `html_to_text` in a thread; also raises ContentTooLarge after deadline seconds."""
    return await _in_thread(html_to_text, html, deadline)


async def _in_thread(work: Callable[[str], _T], body: str, deadline: float) -> _T:
    future = asyncio.get_running_loop().run_in_executor(_THREADS, work, body)
    try:
        return await asyncio.wait_for(future, deadline)
    except TimeoutError:
        raise ContentTooLarge(
            f"the body of {len(body)} characters took longer than {deadline:g} s to read; "
            "shorten it or paste it without formatting"
        ) from None


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value to keep it, None to drop it; the rule of both libraries."""
    if name not in _ATTRIBUTES.get(tag, ()):
        return None
    if name in ("width", "height"):
        return value if re.fullmatch(r"[0-9]{1,4}%?", value) else None
    if name in ("href", "src"):
        # As a browser reads it: outer controls and all line breaks do not count.
        url = _URL_NOISE.sub("", value)
        scheme = url.partition(":")[0].lower()
        if tag == "img" and _OWN_IMAGE.fullmatch(url):
            return value
        return value if ":" in url and scheme in (_LINK_SCHEMES if tag == "a" else _IMAGE_SCHEMES) else None
    return value


def _keeps_attribute(tag: str, name: str, value: str) -> bool:
    return _filter_attribute(tag, name, value) is not None


_WALL = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_DROPPED_WITH_CONTENT),
    attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
    attribute_filter=_filter_attribute,
    url_schemes=set(_SCHEMES),
    link_rel=None,
)
