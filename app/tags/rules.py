"""What holds for tags, without database or web."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

MAX_NAME = 40
MOST = 20
"""Tags of one ticket."""


def tidy(name: str) -> str:
    """A tag as it is stored: lower case, one space between words, no # before it. Raises ValueError in words."""
    name = unicodedata.normalize("NFC", " ".join(name.split()).lstrip("#").strip().lower())
    if not name:
        raise ValueError("The tag is empty; write a word.")
    if len(name) > MAX_NAME:
        raise ValueError(f"The tag {name[:20]!r}… has {len(name)} characters, at most {MAX_NAME} fit; shorten it.")
    if "," in name:
        raise ValueError("A tag holds no comma, because commas part tags.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cf", "Zl", "Zp"} for letter in name):
        raise ValueError(f"The tag {name!r} holds a control character; remove it.")
    return name


def parse(line: str) -> tuple[str, ...]:
    """The tags of a line with commas between them, each once. Raises ValueError in words."""
    return check(part for part in line.split(",") if part.strip())


def check(names: Iterable[str]) -> tuple[str, ...]:
    """Tags of one ticket as they are stored, each once, in the order given. Raises ValueError in words."""
    found = tuple(dict.fromkeys(tidy(name) for name in names))
    if len(found) > MOST:
        raise ValueError(f"These are {len(found)} tags, a ticket has at most {MOST}; remove some.")
    return found
