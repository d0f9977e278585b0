"""Calendar invitations as text that people can read. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from icalendar import Calendar

MAX_EVENTS = 5
MAX_BYTES = 200_000
MAX_WORDS = 500

METHODS = {
    "REQUEST": "Invitation",
    "REPLY": "Answer to an invitation",
    "CANCEL": "Cancelled",
    "COUNTER": "Proposal of another time",
}


def in_words(content: bytes) -> str:
    """A few lines that say what, when and where; '' where it is no calendar, or says nothing. Never raises."""
    if len(content) > MAX_BYTES:
        return ""
    try:
        calendar = Calendar.from_ical(content)
        events = [part for part in calendar.walk() if part.name in {"VEVENT", "VTODO"}][:MAX_EVENTS]
        method = METHODS.get(str(calendar.get("METHOD", "")).upper(), "Calendar entry")
        return "\n\n".join(filter(None, (_event(method, one) for one in events)))
    except Exception:
        # Whatever the library thinks of what a stranger sent: the file itself stays attached.
        return ""


def _event(method: str, event: Any) -> str:
    lines = [
        ("", f"{method}: {_words(event.get('SUMMARY')) or 'without a title'}"),
        ("When", _when(event)),
        ("Where", _words(event.get("LOCATION"))),
        ("Organizer", _words(event.get("ORGANIZER")).removeprefix("mailto:").removeprefix("MAILTO:")),
        ("Repeats", "yes" if event.get("RRULE") else ""),
    ]
    return "\n".join(f"{name}: {value}" if name else value for name, value in lines if value)


def _when(event: Any) -> str:
    start, end = (_moment(event, name) for name in ("DTSTART", "DTEND"))
    return f"{start} to {end}" if start and end and start != end else start


def _moment(event: Any, name: str) -> str:
    value = getattr(event.get(name), "dt", None)
    if isinstance(value, datetime):
        return value.strftime("%a %d %b %Y %H:%M") + (f" {value.tzname() or ''}".rstrip() if value.tzinfo else "")
    return value.strftime("%a %d %b %Y") if isinstance(value, date) else ""


def _words(value: object) -> str:
    return " ".join(str(value or "").split())[:MAX_WORDS]
