"""From tickets to the dashboard's figures: days, durations, shares. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from app.dashboard.models import Agent, Closed, Opened
from app.receipts.figures import Replies

PERIODS = (7, 30)
"""Days that the dashboard can look back."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANSWERED_WITHIN = (("1 h", HOUR), ("4 h", 4 * HOUR), ("8 h", 8 * HOUR), ("1 d", DAY), ("3 d", 3 * DAY))
RESOLVED_WITHIN = (("4 h", 4 * HOUR), ("1 d", DAY), ("3 d", 3 * DAY), ("7 d", 7 * DAY), ("30 d", 30 * DAY))


@dataclass(frozen=True)
class Day:
    """One day in the reader's time zone."""

    date: date
    opened: int
    closed: int
    so_far: bool
    """It is today: more may come."""

    @property
    def label(self) -> str:
        """As charts and tables write it: "26 Nov"."""
        return f"{self.date.day} {self.date:%b}"


@dataclass(frozen=True)
class Times:
    """How long something took."""

    count: int
    median: timedelta | None
    ninth: timedelta | None
    """The 90th percentile: nine in ten took no longer."""
    steps: Sequence[tuple[str, int]]
    """How many took no longer than the step's name says, and longer than the one before it; the last took longer."""


@dataclass(frozen=True)
class AgentLine:
    """What one agent did."""

    id: int | None
    name: str
    open: int
    sent: int
    closed: int
    tracked: int
    read: int


def start_of(days: int, now: datetime, zone: tzinfo) -> datetime:
    """The first moment of a period that ends today."""
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime.combine(first, time(), zone).astimezone(UTC)


def by_day(opened: Iterable[Opened], closed: Iterable[Closed], *, days: int, now: datetime, zone: tzinfo) -> list[Day]:
    """Each day of a period that ends today, oldest first."""
    today = now.astimezone(zone).date()
    came = Counter(one.at.astimezone(zone).date() for one in opened)
    went = Counter(one.at.astimezone(zone).date() for one in closed)
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    return [Day(one, came[one], went[one], one == today) for one in dates]


def response_times(opened: Iterable[Opened]) -> list[timedelta]:
    """How long customers waited for their first answer, where they have one; ours to them are no answers."""
    return sorted(one.first_reply_at - one.at for one in opened if one.first_reply_at and one.first_reply_at > one.at)


def unanswered(opened: Iterable[Opened]) -> int:
    """How many have no answer yet."""
    return sum(one.first_reply_at is None for one in opened)


def resolution_times(closed: Iterable[Closed]) -> list[timedelta]:
    """How long tickets took from opening to closing."""
    return sorted(one.at - one.opened_at for one in closed)


def times(found: Sequence[timedelta], steps: Sequence[tuple[str, timedelta]]) -> Times:
    """What to say of durations, given in order."""
    counts, rest = [], list(found)
    for name, limit in steps:
        counts.append((f"≤ {name}", sum(one <= limit for one in rest)))
        rest = [one for one in rest if one > limit]
    counts.append(("longer", len(rest)))
    return Times(len(found), percentile(found, 0.5), percentile(found, 0.9), counts)


def percentile(found: Sequence[timedelta], part: float) -> timedelta | None:
    """The smallest of the durations, given in order, that `part` of them do not exceed; None for none."""
    return found[max(0, math.ceil(part * len(found)) - 1)] if found else None


def duration(value: timedelta | None) -> str:
    """A duration in words: "under 1 min", "12 min", "3 h 20 min", "2 d 4 h"; an en dash for none."""
    if value is None:
        return "–"
    minutes = int(value.total_seconds() // 60)
    if minutes < 1:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def share(part: int, whole: int) -> str:
    """A share in percent: "63 %"; an en dash of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def lines(agents: Sequence[Agent], replies: Sequence[Replies], closed: Iterable[Closed]) -> list[AgentLine]:
    """A line for each agent who did or has something; what those who are gone did is one line at the end."""
    wrote: Mapping[int | None, Replies] = {one.user_id: one for one in replies}
    went = Counter(one.assignee_id for one in closed)
    known = {one.id for one in agents}
    found = []
    for agent in agents:
        mine = wrote.get(agent.id, Replies(agent.id, 0, 0, 0))
        found.append(AgentLine(agent.id, agent.name, agent.open, mine.sent, went[agent.id], mine.tracked, mine.read))
    gone = [one for one in replies if one.user_id not in known]
    nobody = sum(count for user_id, count in went.items() if user_id not in known)
    found.append(
        AgentLine(
            None,
            "Nobody, or somebody who left",
            0,
            sum(one.sent for one in gone),
            nobody,
            sum(one.tracked for one in gone),
            sum(one.read for one in gone),
        )
    )
    return [one for one in found if one.open or one.sent or one.closed]
