"""The last lines of a tracked copy: what it reports, and the link to the opt-out page. Pure.

They are put in after the modules had their say, so that no module can track the link. In bodies that come back as
quotes the link is made void.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from app.consent.links import TOKEN

WORDS = {
    frozenset({"opens"}): "We can see when this mail is opened.",
    frozenset({"clicks"}): "We can see which links of this mail are followed.",
    frozenset({"opens", "clicks"}): "We can see when this mail is opened and which of its links are followed.",
}
LINK = "Turn this off"

REMOVED = "removed"
"""Stands in the place of a link's token in bodies that come back."""

_END = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_COMMENT_END = "-->"
_TOKEN = re.compile(rf"(?<![0-9]){TOKEN.pattern}(?![A-Za-z0-9_-])")


def in_html(html: str, reports: frozenset[str], url: str) -> str:
    """The HTML with the footer at its end, inside the body where it has one. reports: 'opens', 'clicks' or both."""
    footer = (
        '<p style="margin:24px 0 0;font-size:12px;color:#6b6b6b">'
        f'{WORDS[reports]} <a href="{url}" style="color:#6b6b6b">{LINK}</a></p>'
    )
    return at_end(html, footer)


def at_end(html: str, piece: str) -> str:
    """The HTML of a mail with a piece at its end, inside the body where it has one."""
    after_comments = html.rfind(_COMMENT_END) + 1
    place = next((found.start() for found in _END.finditer(html, after_comments)), len(html))
    return html[:place] + piece + html[place:]


def in_text(text: str, reports: frozenset[str], url: str) -> str:
    """The plain text with the footer at its end."""
    return f"{text.rstrip()}\n\n{WORDS[reports]}\n{LINK}: {url}\n"


def without_tokens(body: str, paths: Sequence[str], is_ours: Callable[[str], bool]) -> str:
    """HTML or text of a mail that came back, with links that open nothing: who reads the quote is somebody else.

    paths: of the pages that such links lead to; a body that names none of them is left as it is. is_ours:
    whether a token is one that we signed. Tokens are looked for by themselves, because gateways wrap links.
    """
    if not any(path.removeprefix("/") in body for path in paths):
        return body
    return _TOKEN.sub(lambda found: REMOVED if is_ours(found[0]) else found[0], body)
