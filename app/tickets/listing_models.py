"""What the ticket list shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.receipts.models import Badge
from app.tickets.moments import NO_DUE_DATE


@dataclass(frozen=True)
class TicketRow:
    """One line of the list."""

    id: int
    subject: str
    status: str
    priority: str
    contact_id: int
    contact_name: str
    contact_email: str
    assignee_id: int | None
    assignee_name: str | None
    department_id: int | None
    department_name: str | None
    created_at: datetime
    last_activity_at: datetime
    last_read_at: datetime | None
    """When the last reply was last read, as far as is known."""
    snippet: str
    waiting: bool
    """The customer wrote last, and the ticket is not closed: it is our turn."""
    last_reply_id: int | None
    badge: Badge | None = None
    """Of the last reply that was mailed; None where there is none."""
    tags: tuple[str, ...] = ()
    due_at: datetime | None = None
    snoozed_until: datetime | None = None
    """Past once the ticket is back."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> TicketRow:
        """From a row with the columns of `listing_repository.ROW_COLUMNS`."""
        return cls(
            id=row["id"],
            subject=row["subject"],
            status=row["status"],
            priority=row["priority"],
            contact_id=row["contact_id"],
            contact_name=row["contact_name"],
            contact_email=row["contact_email"],
            assignee_id=row["assignee_id"],
            assignee_name=row["assignee_name"],
            department_id=row["department_id"],
            department_name=row["department_name"],
            created_at=row["created_at"],
            last_activity_at=row["last_activity_at"],
            last_read_at=row["last_read_at"],
            snippet=row["last_snippet"],
            waiting=bool(row["active"]) and row["last_from"] == "customer",
            last_reply_id=row["last_reply_id"],
            due_at=row["due_at"] if row["due_at"] < NO_DUE_DATE else None,
            snoozed_until=row["snoozed_until"],
        )


@dataclass(frozen=True)
class TicketPage:
    """One page of a list."""

    rows: tuple[TicketRow, ...]
    previous: str = ""
    """Cursor for `before`; empty on the first page."""
    next: str = ""
    """Cursor for `after`; empty on the last page."""
    capped: int = 0
    """So many of the newest tickets that match were looked at, and there are more; 0 where all were."""


@dataclass(frozen=True)
class Jump:
    """What a search names outright: one ticket, or one contact."""

    ticket_id: int | None = None
    contact_id: int | None = None
