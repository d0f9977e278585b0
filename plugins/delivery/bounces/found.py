"""What is read of a bounce mail or a complaint. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plugins.delivery.causes import is_hard, status_of
from plugins.delivery.model import Bounce

Fate = Literal["bounced", "deferred", "delivered", "sent", "complained", "unsubscribed"]
LONGEST = 1_000
"""Characters of a server's words that are kept."""


@dataclass(frozen=True)
class Told:
    """What a report tells of one recipient."""

    fate: Fate
    bounce: Bounce = ""
    address: str = ""
    """'' where the report does not name it, or hides it."""
    other: str = ""
    """Where the mail ended up: a forwarded address."""
    code: str = ""
    words: str = ""
    """The mail server's."""


@dataclass(frozen=True)
class Returned:
    """What a report gives back of the mail that it tells of."""

    marks: tuple[str, ...] = ()
    """Values of our own header."""
    message_ids: tuple[str, ...] = ()
    """Without angle brackets, the surest first."""


def failed(status: str, *, address: str, words: str, other: str = "") -> Told:
    """A failure with its status code, or whatever of its words holds one."""
    found = status_of(status, words)
    bounce: Bounce = "hard" if is_hard(found, words) else "soft"
    code = ".".join(map(str, found)) if found else ""
    return Told("bounced", bounce, address, other, code, one_line(words))


def one_line(words: str) -> str:
    """Words of a server on one line, cut."""
    return " ".join(words[: LONGEST * 4].split())[:LONGEST]
