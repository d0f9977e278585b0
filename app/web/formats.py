"""How times, sizes and counts are written; Jinja filters."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quart import g, has_request_context, request

from app.database import utcnow


def zone() -> ZoneInfo:
    """The reader's time zone: their profile, else what their browser said in the cookie `tz`, else UTC."""
    if not has_request_context():
        return ZoneInfo("UTC")
    if "zone" not in g:
        # A list asks for each of its times.
        g.zone = _zone_of_reader()
    found: ZoneInfo = g.zone
    return found


def _zone_of_reader() -> ZoneInfo:
    user = g.get("user")
    for name in (user.timezone if user else "", request.cookies.get("tz", "")):
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return ZoneInfo("UTC")


def ago(value: datetime, now: datetime | None = None) -> str:
    """A short relative time: "just now", "5 min ago", "3 h ago", "2 d ago", then the date.

    `app/static/live/times.js` keeps these words true on a page that stays open.
    """
    seconds = ((now or utcnow()) - value).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    if seconds < 7 * 86400:
        return f"{int(seconds // 86400)} d ago"
    local = value.astimezone(zone())
    return local.strftime("%-d %b") if local.year == utcnow().astimezone(zone()).year else local.strftime("%-d %b %Y")


def absolute(value: datetime) -> str:
    """Date, time and zone for a title attribute: "Fri 20 Nov 2026, 10:32 UTC"."""
    return value.astimezone(zone()).strftime("%a %-d %b %Y, %H:%M %Z")


def clock(value: datetime) -> str:
    """The time of day today, "10:32"; the date before that."""
    local, today = value.astimezone(zone()), utcnow().astimezone(zone())
    return local.strftime("%H:%M") if local.date() == today.date() else local.strftime("%-d %b")


def short_moment(value: datetime) -> str:
    """The time of day today, else the day as well: "09:00", "Fri 27 Nov, 09:00"."""
    local, today = value.astimezone(zone()), utcnow().astimezone(zone())
    return local.strftime("%H:%M") if local.date() == today.date() else local.strftime("%a %-d %b, %H:%M")


def iso(value: datetime) -> str:
    """For `<time datetime>`: ISO 8601 in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(count: int) -> str:
    """A file's size: "640 B", "12 kB", "3.4 MB"."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


FILTERS = {
    "ago": ago,
    "absolute": absolute,
    "clock": clock,
    "iso": iso,
    "filesize": size,
    "short_moment": short_moment,
}
