"""How templates/tickets/_rows.html writes what a line of tickets says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.database import utcnow
from app.receipts.models import Badge
from app.tickets.moments import SOON
from app.tickets.rules import PRIORITIES, STATUSES
from app.web.formats import absolute, clock, zone

_BADGE_HOLDS = 18
"""Letters that the badge's column shows whole; "Read by 1 of 4 17:05" is longer."""


class Timed(Protocol):
    """A ticket that may be due, or sleep."""

    @property
    def status(self) -> str:
        """Its status."""

    @property
    def due_at(self) -> datetime | None:
        """When it is due."""

    @property
    def snoozed_until(self) -> datetime | None:
        """When it comes back."""


@dataclass(frozen=True)
class Sign:
    """A moment of a ticket as a line shows it."""

    kind: str
    """'overdue', 'soon', 'due' or 'snoozed'."""
    words: str
    title: str


def with_time(badge: Badge) -> Badge:
    """The badge with its moment in its words: "Sent 10:32"; of a failure the reason says more, and with "Not tracked"
    a time would read as if tracking had ended then."""
    if badge.at is None or badge.state in {"failed", "bounced", "untracked"}:
        return badge
    return replace(badge, word=f"{badge.word} {clock(badge.at)}")


def row_badge(badge: Badge) -> Badge:
    """The badge with its moment in its words where the column has room for both; the popover has it in any case."""
    timed = with_time(badge)
    return timed if len(timed.word) <= _BADGE_HOLDS else badge


def due_sign(ticket: Timed, now: datetime) -> Sign | None:
    """ "Overdue", "Due 17:00" or "Due 3 May"; None for a ticket without a due date, and a closed one."""
    at = ticket.due_at
    if at is None or ticket.status == "closed":
        return None
    if at <= now:
        return Sign("overdue", "Overdue", f"It was due {absolute(at)}")
    return Sign("soon" if at - now <= SOON else "due", f"Due {_moment(at, now)}", f"Due {absolute(at)}")


def snooze_sign(ticket: Timed, now: datetime) -> Sign | None:
    """ "Back 09:00" or "Back 3 May"; None for a ticket that does not sleep."""
    at = ticket.snoozed_until
    if at is None or at <= now:
        return None
    return Sign("snoozed", f"Back {_moment(at, now)}", f"Snoozed until {absolute(at)}")


def signs(ticket: Timed) -> tuple[Sign, ...]:
    """What a line of tickets says of the ticket's moments."""
    now = utcnow()
    return tuple(one for one in (due_sign(ticket, now), snooze_sign(ticket, now)) if one)


def _moment(at: datetime, now: datetime) -> str:
    days = (at.astimezone(zone()).date() - now.astimezone(zone()).date()).days
    return f"tomorrow {at.astimezone(zone()):%H:%M}" if days == 1 else clock(at)


ROW_WORDS = {"statuses": STATUSES, "priorities": PRIORITIES, "badge": row_badge, "signs": signs}
