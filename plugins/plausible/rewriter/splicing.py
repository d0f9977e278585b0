"""Replace stretches of a text, and nothing between them."""

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """Put ``new`` in the place of ``text[start:end]``."""

    start: int
    end: int
    new: str


def splice(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits that are in order and do not overlap."""
    parts = []
    position = 0
    for start, end, new in edits:
        parts.append(text[position:start])
        parts.append(new)
        position = end
    parts.append(text[position:])
    return "".join(parts)
