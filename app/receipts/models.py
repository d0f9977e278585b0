"""What a copy's row says of it, and what pages show of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class CopyState:
    """What of a copy decides about its state."""

    state: str
    """Of sending: queued, claimed, sending, sent, unknown, retry or failed."""
    tracked: bool
    """Whether a plugin said that this copy can tell anything."""
    receipt: str | None
    """What a plugin reported since: one of `rules.RECEIPTS`."""


@dataclass(frozen=True)
class Copy(CopyState):
    """One recipient's copy of a reply as `email_recipients` has it."""

    id: int
    reply_id: int
    role: str
    """'to', 'cc' or 'bcc'."""
    name: str
    email: str
    receipt_at: datetime | None
    sent_at: datetime | None
    smtp_text: str
    """The mail server's last words, '' before it said any."""
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Copy:
        """From a row with the columns of `repository.COPY_COLUMNS`."""
        return cls(
            id=row["id"],
            reply_id=row["reply_id"],
            role=row["role"],
            name=row["name"],
            email=row["email"],
            state=row["state"],
            tracked=bool(row["reports"]),
            receipt=row["receipt"],
            receipt_at=row["receipt_at"],
            sent_at=row["sent_at"],
            smtp_text=row["smtp_text"],
            created_at=row["created_at"],
        )


@dataclass(frozen=True)
class Report:
    """What a plugin learnt of one copy; the three ids belong together."""

    recipient_id: int
    reply_id: int
    ticket_id: int
    receipt: str
    """One of `rules.RECEIPTS`."""
    at: datetime


@dataclass(frozen=True)
class Badge:
    """One state and its words, as `templates/macros/badge.html` shows them."""

    state: str
    """One of `rules.STATES`."""
    word: str
    at: datetime | None = None
    """When that was: sent, read or refused; None while it is still to come."""
    detail_id: str | None = None
    """The HTML id of the popover; None where there is none."""


@dataclass(frozen=True)
class RecipientReceipt:
    """A row of the popover: one recipient, what became of the copy, what was seen of it."""

    id: int
    """Of the row in `email_recipients`; *Send again* takes it."""
    role: str
    """'To', 'Cc' or 'Bcc'."""
    name: str
    email: str
    state: str
    word: str
    detail: str
    """The mail server's words where the copy failed, waits for another try or has an unknown outcome."""
    sent_at: datetime | None
    can_send_again: bool
    first_opened: datetime | None = None
    last_opened: datetime | None = None
    opens: int = 0
    links: tuple[tuple[str, int], ...] = ()
    """(destination, clicks), most clicked first."""


@dataclass(frozen=True)
class TimelineLine:
    """One thing that happened to a reply's mail."""

    at: datetime
    kind: str
    """'sent', 'failed', 'unknown', or a word of the plugin's ('open', 'click')."""
    words: str
    reason: str = ""


@dataclass(frozen=True)
class ReceiptPanel:
    """The badge with what its popover shows."""

    badge: Badge
    rows: tuple[RecipientReceipt, ...]
    timeline: tuple[TimelineLine, ...]
    """Newest first."""
