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


def visible_text(html: str, tag_end: int) -> str:
    """The text between a link's tag, which ends at tag_end, and its end; white space collapsed."""
    text = _text(html, tag_end)
    return text if len(text) <= _SHOWN_AT_MOST else text[: _SHOWN_AT_MOST - 1] + "…"


def shows_url(html: str, tag_end: int, url: str) -> bool:
    """Whether a link's visible text is itself an address.

    That is one with a scheme, one that begins with ``www.``, or the destination's own
    host; "Node.js" as the name of a link to nodejs.org is none.
    """
    text = "".join(_text(html, tag_end).split())
    if _ADDRESS.fullmatch(text):
        return True
    address = destinations.parse(url)
    if address is None or not _DOMAIN.fullmatch(text):
        return False
    shown = destinations.parse(f"https://{text}")
    return shown is not None and _bare(shown) == _bare(address)


def _bare(address: destinations.WebAddress) -> str:
    return address.origin.host.removeprefix("www.")


def _text(html: str, tag_end: int) -> str:
    part = html[tag_end : tag_end + _READ_AT_MOST]
    end = _END.search(part)
    if end:
        part = part[: end.start()]
    return " ".join(_INVISIBLE.sub("", unescape(_MARKUP.sub("", part))).split())
