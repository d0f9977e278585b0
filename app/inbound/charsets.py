"""Bytes of a mail as text, also where the mail names a charset that is wrong or does not exist. Pure."""

from __future__ import annotations

import re

_CHARSET_IN_HTML = re.compile(rb"""(?i)<meta[^>]{0,200}charset\s*=\s*["']?([a-z0-9_-]{2,40})""")
_ALIASES = {"iso-8859-8-i": "iso-8859-8", "unicode-1-1-utf-7": "utf-7", "x-gbk": "gbk", "cp-850": "cp850"}
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def decode_text(content: bytes, charset: str | None, *, is_html: bool = False) -> str:
    """Bytes as text by what the mail says, where that fits; else UTF-8 where it fits; else Windows-1252. NULs go."""
    candidates = [charset] if charset and charset not in {"us-ascii", "ascii"} else []
    if not candidates and is_html and (found := _CHARSET_IN_HTML.search(content[:2000])):
        candidates.append(found[1].decode("ascii").lower())
    for name in [*(_ALIASES.get(one, one) for one in candidates), "utf-8"]:
        try:
            return content.decode(name).replace("\x00", "")
        except (LookupError, ValueError):
            continue
    if candidates:
        try:
            text = content.decode(_ALIASES.get(candidates[0], candidates[0]), "replace")
        except (LookupError, ValueError):
            text = ""
        if _is_mostly_right(text):
            return text.replace("\x00", "")
    return content.decode("cp1252", "replace").replace("\x00", "")


def _is_mostly_right(text: str) -> bool:
    """Whether a text with unreadable places has more letters that only its charset has than such places.

    A text in UTF-8 that was cut or damaged does; one in Windows-1252 that calls itself UTF-8 does not.
    """
    return sum(char > "\x7f" and char != _UNREADABLE for char in text) > text.count(_UNREADABLE)
