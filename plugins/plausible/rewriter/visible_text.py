"""The visible text of a link, as far as it matters for warnings about fraud."""

import re
from html import unescape

from plugins.plausible.rewriter import destinations

# Nobody reads more as one address; the bound keeps a document of unclosed links linear.
_READ_AT_MOST = 2000
_SHOWN_AT_MOST = 80

_END = re.compile(r"</?[aA][\t\n\f\r />]")
_MARKUP = re.compile(r"<!--.*?-->|</?[a-zA-Z!?][^>]*>", re.DOTALL)
# Zero-width characters and soft hyphens, which mail authors put in so that text may wrap.
_INVISIBLE = re.compile("[\xad\u200b-\u200d\u2060\ufeff]")
_ADDRESS = re.compile(r"(?ai)(?:https?:|www\.)[^\s]+")
_DOMAIN = re.compile(r"(?i)[\w-]+(?:\.[\w-]+)+(?=/|\Z)\S*")


def visible_text(html: str, tag_start: int, tag_end: int) -> str:
    """The text of the ``<a>`` whose tag is ``html[tag_start:tag_end]``, white space collapsed."""
    text = _text(html, tag_start, tag_end)
    return text if len(text) <= _SHOWN_AT_MOST else text[: _SHOWN_AT_MOST - 1] + "…"


def shows_url(html: str, tag_start: int, tag_end: int, url: str) -> bool:
    """Whether a link's visible text is itself an address.

    That is one with a scheme, one that begins with ``www.``, or the destination's own
    host; "Node.js" as the name of a link to nodejs.org is none.
    """
    text = "".join(_text(html, tag_start, tag_end).split())
    if _ADDRESS.fullmatch(text):
        return True
    address = destinations.parse(url)
    if address is None or not _DOMAIN.fullmatch(text):
        return False
    shown = destinations.parse(f"https://{text}")
    return shown is not None and _bare(shown) == _bare(address)


def _bare(address: destinations.WebAddress) -> str:
    return address.origin.host.removeprefix("www.")


def _text(html: str, tag_start: int, tag_end: int) -> str:
    # Only <a> has its text inside; the parts read for two of them never overlap.
    if html[tag_start + 1] not in "aA" or html[tag_start + 2] in "rR":
        return ""
    end = _END.search(html, tag_end, tag_end + _READ_AT_MOST)
    part = html[tag_end : end.start() if end else tag_end + _READ_AT_MOST]
    return " ".join(_INVISIBLE.sub("", unescape(_MARKUP.sub("", part))).split())
