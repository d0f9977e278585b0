"""A mail on its way in, as it is stored and as it was read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.email.addresses import Address

KINDS = {
    "": "",
    "person": "Mail",
    "auto_reply": "Automatic reply",
    "automatic": "Automatic mail",
    "list": "Mailing list",
    "bounce": "Delivery report",
    "receipt": "Read receipt",
    "complaint": "Complaint report",
    "loop": "Our own mail",
}
"""What a mail is, by what its headers say, in words."""
NOT_WRITTEN = frozenset({"auto_reply", "automatic", "list", "bounce", "receipt", "complaint", "loop"})
"""Kinds that nobody wrote for us: never answered, never a proof of reading."""
REPORTS = frozenset({"bounce", "receipt", "complaint"})
"""Kinds that tell of a mail of ours; without one they belong nowhere."""


@dataclass(frozen=True)
class File:
    """A part that is kept as a file. content_id: without angle brackets, '' where it has none."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class ParsedMail:
    """What was read of a mail. Texts may hold anything but NUL; ids keep their angle brackets."""

    sender: Address | None
    sender_line: str
    """The From header as it can be shown, decoded."""
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    returned_ids: tuple[str, ...]
    """Message-IDs of the mails that a report tells of."""
    reported: tuple[str, ...]
    """Addresses that a report names as recipients of those, in lower case."""
    delivered_to: tuple[str, ...]
    """Addresses that our server noted, for tokens in them."""
    html: str | None
    text: str | None
    files: tuple[File, ...]
    kind: str
    notes: tuple[str, ...] = ()
    """What could not be read or kept, in sentences."""
    warnings: tuple[str, ...] = ()
    """What speaks against the sender being who they seem, in sentences."""


@dataclass(frozen=True)
class DueMail:
    """A stored mail that this process has claimed."""

    id: int
    mailbox_id: int | None
    recipient: str
    attempts: int
    received_at: datetime
    released: bool
    """An admin let it go on: the cap per sender does not hold it again."""


@dataclass(frozen=True)
class Stored:
    """What became of a raw mail. new: False where the very same bytes were there already."""

    id: int
    new: bool


@dataclass(frozen=True)
class InboundLine:
    """A mail as the admin's list and the ticket page show it."""

    id: int
    received_at: datetime
    state: str
    kind: str
    reason: str
    sender: str
    subject: str
    size: int
    source: str
    attempts: int
    mailbox: str
    ticket_id: int | None
    reply_id: int | None
    supposed_ticket_id: int | None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
