"""Mail that came in, as the portal and its integration modules show it to each other: plain values.

Plugins import them from `app.hookspecs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_RAW = 1_000_000
"""Bytes of a mail that came in which plugins are shown."""


@dataclass(frozen=True)
class MailPart:
    """A part of a mail that came in, other parts not among them."""

    content_type: str
    """In lower case, without parameters."""
    content: bytes
    """Decoded; of the parts message/…, which hold a report or another mail, as it stands."""


@dataclass(frozen=True)
class ArrivedMail:
    """A mail that came in and was read, before anything was made of it."""

    id: int
    kind: str
    """What its headers say it is: 'person', 'auto_reply', 'automatic', 'list', 'bounce', 'receipt' or 'complaint'."""
    received_at: datetime
    sender: str
    """The address in From; '' where it names none, or several."""
    subject: str
    message_id: str
    """With angle brackets, like the following; '' where it has none."""
    answers: tuple[str, ...]
    """What In-Reply-To and then References name."""
    recipients: tuple[str, ...]
    """Addresses that it was for: of the envelope where it is known, those that our server noted, To and Cc."""
    headers: tuple[tuple[str, str], ...]
    """Name and value, unfolded, in order."""
    parts: tuple[MailPart, ...]
    """Of the first MOST_RAW bytes, in order. The mail has at most 500 parts, 20 deep, with 500 headers each."""
    raw: bytes
    """Its first MOST_RAW bytes."""


@dataclass(frozen=True)
class Arrived:
    """That a plugin took a mail: nothing else is made of it."""

    words: str
    """What it was and what came of it, in a sentence of at most 500 characters, for Admin → Inbound mail."""
    ticket_id: int | None = None
    """The ticket that it tells of; its original is erased with that ticket's customer."""
