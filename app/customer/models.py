"""A ticket as its customer may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.tickets.models import AttachmentInfo, Message


@dataclass(frozen=True)
class Place:
    """Where a link leads: whose copy it was, and the ticket that it belongs to now."""

    recipient_id: int
    email: str
    name: str
    ticket_id: int
    subject: str
    status: str
    last_activity_at: datetime
    department_tracking: str
    """What the ticket's department says of tracking; '' where it has none."""


@dataclass(frozen=True)
class Person:
    """Who reads: all addresses of a contact are one person."""

    emails: tuple[str, ...]
    """In lower case, that of the link first."""
    contact_id: int | None
    """None where the address is no contact's."""


@dataclass(frozen=True)
class SeenCopy:
    """A copy of a reply that the person got."""

    id: int
    reply_id: int
    may_report: bool
    """False where the reply's author said that it is not tracked."""


@dataclass(frozen=True)
class Sight:
    """What of a ticket a person may see: what they wrote, and the replies that went to them."""

    place: Place
    person: Person
    copies: tuple[SeenCopy, ...]

    @property
    def reply_ids(self) -> frozenset[int]:
        """The replies that went to them."""
        return frozenset(one.reply_id for one in self.copies)

    def shows(self, message: Message) -> bool:
        """Whether a message of the ticket is theirs to see. Internal notes never are."""
        if message.kind == "customer":
            return message.contact_id is not None and message.contact_id == self.person.contact_id
        return message.kind == "reply" and message.id in self.reply_ids


@dataclass(frozen=True)
class Stretch:
    """A part of the conversation, oldest first."""

    messages: tuple[Message, ...]
    files: Mapping[int, tuple[AttachmentInfo, ...]]
    """By message id; pasted images are not among them."""
    earlier: bool
    """Whether older messages come before it."""
