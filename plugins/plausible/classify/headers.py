"""Which headers of a request are kept for classification, and how they are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

KEPT = (
    "accept",
    "accept-language",
    "purpose",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "sec-purpose",
    "x-moz",
    "x-purpose",
    "x-requested-with",
)
LONGEST = 200
"""Characters of one value."""
_NAMES = frozenset(KEPT)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Pairs = Iterable[tuple[str | bytes, str | bytes]]


def chosen_headers(pairs: Pairs) -> tuple[tuple[str, str], ...]:
    """The kept headers, names in lower case and sorted; a doubled one is joined with a comma (RFC 9110, 5.3)."""
    found: dict[str, list[str]] = {}
    for raw_name, raw_value in pairs:
        name = _text(raw_name).strip().lower()
        if name in _NAMES:
            found.setdefault(name, []).append(_CONTROL.sub(" ", _text(raw_value)[:LONGEST]).strip())
    return tuple((name, ", ".join(found[name])[:LONGEST]) for name in sorted(found))


def _text(raw: str | bytes) -> str:
    """Headers may hold any byte; Latin-1 keeps them all."""
    return raw if isinstance(raw, str) else raw.decode("latin-1")
