"""Tickets and what belongs to them, as the rest of the portal sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.hookspecs import QueuedMail
from app.tickets.moments import NO_DUE_DATE


@dataclass(frozen=True)
class Ticket:
    """One ticket with the names of those it belongs to."""

    id: int
    subject: str
    status: str
    """'open', 'pending' or 'closed'; see `rules.STATUSES`."""
    priority: str
    """'low', 'normal', 'high' or 'urgent'; see `rules.PRIORITIES`."""
    assignee_id: int | None
    assignee_name: str | None
    department_id: int | None
    department_name: str | None
    contact_id: int
    contact_name: str
    contact_email: str
    created_by: int | None
    created_at: datetime
    last_activity_at: datetime
    last_from: str
    """Who wrote last, 'customer' or 'agent'; internal notes do not count."""
    last_reply_id: int | None
    """The last reply that went out by mail."""
    last_receipt: str | None
    merged_into: int | None = None
    """The ticket that took this one in."""
    tags: tuple[str, ...] = ()
    """In the alphabet's order; only read by `service.ticket`."""
    due_at: datetime | None = None
    snoozed_until: datetime | None = None
    """Past once the ticket is back."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Ticket:
        """From a row with the columns of `repository.TICKET_COLUMNS`."""
        return cls(**{**row, "due_at": row["due_at"] if row["due_at"] < NO_DUE_DATE else None})

    def is_snoozed(self, now: datetime) -> bool:
        """Whether the views of open tickets leave it out."""
        return self.snoozed_until is not None and self.snoozed_until > now


@dataclass(frozen=True)
class Message:
    """One entry of the conversation."""

    id: int
    ticket_id: int
    kind: str
    """'reply' went out by mail, 'note' stays inside, 'customer' came in."""
    author_user_id: int | None
    author_name: str | None
    """The agent who wrote it, or who wrote down what a customer said."""
    contact_id: int | None
    contact_name: str | None
    contact_email: str | None
    body_html: str
    """Cleaned when an agent wrote it; a customer's HTML is as it came and only shown through `display`."""
    body_text: str
    is_html: bool
    """False where the message came as plain text and `body_html` was made from it by us."""
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Message:
        """From a row with the columns of `repository.MESSAGE_COLUMNS`."""
        return cls(**{**row, "is_html": bool(row["is_html"])})


@dataclass(frozen=True)
class Change:
    """One line of a ticket's history."""

    happened_at: datetime
    user_name: str | None
    """Who did it; None where the customer did (an answer reopens the ticket)."""
    field: str
    """'status', 'priority', 'assignee', 'department', 'tags', 'due', 'snooze', 'verdict', 'merged', 'split', 'rule'."""
    old_value: str
    """Like the new value; of a verdict whose copy it is about; of 'rule' the name of the assignment rule."""
    new_value: str
    """A status or priority; of an assignee or department the name, '' for none; 'read', 'unread' or, taken back, ''; a
    moment as `moments.stored` writes it."""


@dataclass(frozen=True)
class AttachmentInfo:
    """A file without its content. reply_id is None until the reply that carries it is sent."""

    id: int
    ticket_id: int | None
    reply_id: int | None
    uploaded_by: int | None
    filename: str
    content_type: str
    size: int
    is_inline: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> AttachmentInfo:
        """From a row with the columns of `attachments_repository.COLUMNS`."""
        return cls(**{**row, "is_inline": bool(row["is_inline"])})


@dataclass(frozen=True)
class Conversation:
    """A stretch of a ticket's messages, oldest first, and the whole history of its properties, oldest first."""

    messages: tuple[Message, ...]
    history: tuple[Change, ...]
    attachments: Mapping[int, tuple[AttachmentInfo, ...]] = field(default_factory=dict)
    """By message id; pasted images are not among them."""
    earlier: int = 0
    """How many messages come before the first one here."""
    later: bool = False
    """Whether messages come after the last one here."""


@dataclass(frozen=True)
class Draft:
    """What an agent is writing on one ticket and has not sent."""

    kind: str
    """'reply' or 'note'."""
    body_html: str
    to_line: str
    cc_line: str
    bcc_line: str
    updated_at: datetime
    attachment_ids: tuple[int, ...] = ()
    """Files that were stored and are not sent yet."""
    track: bool | None = None
    """The choice of tracking; None where nobody made one."""


@dataclass(frozen=True)
class SentReply:
    """A reply or note that was just stored."""

    id: int
    mail: QueuedMail | None
    """None for an internal note, and where the same form had brought the reply before."""
    mentioned: tuple[str, ...] = ()
    """Names of the agents whom a note told."""
