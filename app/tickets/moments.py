"""Due dates and snoozes: what an agent may choose, read in their time zone. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from app.tickets.errors import TicketRefused

NO_DUE_DATE = datetime(9999, 12, 31, tzinfo=UTC)
"""As the database keeps it."""
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
LONGEST_SNOOZE = timedelta(days=2 * 366)
SOON = timedelta(hours=24)
"""What is due within this time is due soon."""
MORNING, EVENING = time(9), time(17)
FIELD = "%Y-%m-%dT%H:%M"
"""As a field for date and time writes it."""

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


@dataclass(frozen=True)
class Choice:
    """A moment that is offered by name."""

    key: str
    label: str
    at: datetime


def snooze_choices(now: datetime, zone: tzinfo) -> tuple[Choice, ...]:
    """When a ticket may come back, in order: in three hours, tomorrow morning, next Monday morning."""
    today = now.astimezone(zone).date()
    tomorrow = _at(today + timedelta(days=1), MORNING, zone)
    monday = _at(today + timedelta(days=7 - today.weekday()), MORNING, zone)
    return (
        Choice("hours", "In 3 hours", now + timedelta(hours=3)),
        Choice("tomorrow", "Tomorrow morning", tomorrow),
        Choice("monday", "Next Monday", monday),
    )


def due_choices(now: datetime, zone: tzinfo) -> tuple[Choice, ...]:
    """When tickets may be due, in order; this evening only while it is ahead."""
    today = now.astimezone(zone).date()
    found = (
        Choice("today", "Today, 17:00", _at(today, EVENING, zone)),
        Choice("tomorrow", "Tomorrow, 17:00", _at(today + timedelta(days=1), EVENING, zone)),
        Choice("week", "In a week, 17:00", _at(today + timedelta(days=7), EVENING, zone)),
    )
    return tuple(one for one in found if one.at > now)


def due_at(text: str, zone: tzinfo) -> datetime | None:
    """The due date of a form's field, None for an empty one. Raises TicketRefused naming the field `due`."""
    return check_due(_parsed("due", text, zone)) if text.strip() else None


def check_due(at: datetime) -> datetime:
    """`at`, if it can be a due date; one in the past can. Raises TicketRefused naming the field `due`."""
    if not EARLIEST <= at < LATEST:
        raise TicketRefused({"due": f"A due date lies between 2000 and 2099, got {at:%Y-%m-%d %H:%M}; choose another."})
    return at.astimezone(UTC)


def snoozed_until(choice: str, text: str, *, now: datetime, zone: tzinfo) -> datetime:
    """When a ticket comes back: one of `snooze_choices`, or else the moment in `text`.

    Raises TicketRefused naming the field `snooze`.
    """
    if choice:
        for one in snooze_choices(now, zone):
            if one.key == choice:
                return one.at
        raise TicketRefused({"snooze": f"The snooze must be one of the menu, got {choice[:40]!r}."})
    if not text.strip():
        raise TicketRefused({"snooze": "Choose a date and a time at which the ticket shall come back."})
    return check_snooze(_parsed("snooze", text, zone), now)


def check_snooze(at: datetime, now: datetime) -> datetime:
    """`at`, if a ticket can sleep until then. Raises TicketRefused naming the field `snooze`."""
    if at <= now:
        raise TicketRefused({"snooze": f"{at:%Y-%m-%d %H:%M %Z} is over; choose a time that is still to come."})
    if at > now + LONGEST_SNOOZE:
        raise TicketRefused({"snooze": f"A ticket sleeps for two years at most, got {at:%Y-%m-%d}; choose less."})
    return at.astimezone(UTC)


def field_value(at: datetime | None, zone: tzinfo) -> str:
    """A moment as a field for date and time takes it, '' for none."""
    return at.astimezone(zone).strftime(FIELD) if at else ""


def stored(at: datetime | None) -> str:
    """A moment as a line of history keeps it, '' for none: ISO 8601 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def of_stored(text: str) -> datetime | None:
    """What `stored` wrote."""
    return datetime.fromisoformat(text) if text else None


def _at(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _parsed(field: str, text: str, zone: tzinfo) -> datetime:
    try:
        # What a field for date and time sends; seconds only where the browser has them.
        if not _MOMENT.fullmatch(text.strip()):
            raise ValueError
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise TicketRefused({field: f"{text[:40]!r} is no date with a time; write it like 2026-11-27T09:00."}) from None
