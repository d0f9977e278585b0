"""What was read back at one moment: our account of then, beside Plausible's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import BaseModel

from plugins.plausible.readback.stats import Counts
from plugins.plausible.sync.account import DayLine
from plugins.plausible.sync.outcome import Outcome


class Line(BaseModel):
    """Events of one name on one day of the site, by what we know and by what Plausible counts."""

    day: date
    name: str
    accepted: int = 0
    ambiguous: int = 0
    """Without an answer; those of a worker that died, whose names nobody knows, are counted in for each name."""
    dropped: int = 0
    rejected: int = 0
    accepted_at: datetime | None = None
    """When the last one was."""
    counted: int = 0
    visitors: int = 0

    @property
    def difference(self) -> int:
        """By how many Plausible counts more than it accepted."""
        return self.counted - self.accepted


class Reading(BaseModel):
    """As it is stored."""

    read_at: datetime
    first: date
    last: date
    """Today of then."""
    lines: list[Line]
    """Newest day first; only those with something in them."""
    goals: dict[str, bool | None]
    """By name, whether a goal shows it at Plausible; None where nobody knows."""
    offsets: tuple[int, int] | None = None
    """Minutes from UTC by which Plausible counts the days, at the two ends."""
    lately: int = 0
    """How many events may still be on their way into Plausible's counts."""


def lines_of(days: Iterable[DayLine], counts: Counts, first: date) -> list[Line]:
    """Both accounts put together, from a day on."""
    found: dict[tuple[date, str], Line] = {}
    nameless: dict[date, int] = {}

    def line(day: date, name: str) -> Line:
        return found.setdefault((day, name), Line(day=day, name=name))

    for one in days:
        if one.day < first:
            continue
        if not one.name:
            if one.outcome is Outcome.AMBIGUOUS:
                nameless[one.day] = nameless.get(one.day, 0) + one.events
        elif one.outcome is Outcome.ACCEPTED:
            of_day = line(one.day, one.name)
            of_day.accepted, of_day.accepted_at = one.events, one.last_at
        elif one.outcome in (Outcome.AMBIGUOUS, Outcome.DROPPED, Outcome.REJECTED):
            setattr(line(one.day, one.name), one.outcome.value, one.events)
    for (day, name), counted in counts.by.items():
        if day >= first:
            of_day = line(day, name)
            of_day.counted, of_day.visitors = counted.events, counted.visitors
    for of_day in found.values():
        of_day.ambiguous += nameless.get(of_day.day, 0)
    return sorted(found.values(), key=lambda one: (-one.day.toordinal(), one.name))
