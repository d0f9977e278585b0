"""Places in a list of events that is ordered by time, then by number: what a cursor says of one source. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def position(at: datetime, number: int) -> str:
    """The place of an event, for `MailEvent.position`."""
    return f"{int(at.replace(microsecond=0).timestamp()) * 1_000_000 + at.microsecond}_{number}"


def read_position(text: str) -> tuple[datetime, int]:
    """What `position` wrote; anything else is a place behind all events."""
    micros, _, number = text.partition("_")
    if not (micros.isascii() and micros.isdecimal() and number.isascii() and number.isdecimal()):
        return datetime(1970, 1, 1, tzinfo=UTC), 0
    if len(micros) > 17 or len(number) > 18:
        return datetime(1970, 1, 1, tzinfo=UTC), 0
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(number)
