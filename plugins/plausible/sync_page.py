"""What the page of the sync says of its account: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.services.web import ago
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import Account
from plugins.plausible.sync.outbox import LONGEST_HOLD
from plugins.plausible.sync.outcome import Outcome

PERIODS = (1, 7, 30)
"""Days that the account is summed up for; 1 is today."""
STALLED = LONGEST_HOLD + timedelta(minutes=5)
"""How old what waits may be while nothing is finished, before something is wrong."""
MOST_REASONS = 4
PART = (Outcome.ACCEPTED, Outcome.DROPPED, Outcome.REJECTED, Outcome.AMBIGUOUS, Outcome.TOO_OLD)
"""The account of what was to be sent, beside what waits."""
WORDS = {
    Outcome.ACCEPTED: ("Accepted", "Plausible took it."),
    Outcome.DROPPED: ("Dropped", "Plausible answered as if it took it, and threw it away."),
    Outcome.REJECTED: ("Rejected", "Plausible refused it, and would again."),
    Outcome.AMBIGUOUS: (
        "Without an answer",
        "It may count or not. Never sent again, because then it might count twice.",
    ),
    Outcome.TOO_OLD: (
        "Too old",
        "It waited until another day. Plausible dates an event when it comes, so it was not sent.",
    ),
    Outcome.NO_PERSON: ("Machines and ourselves", "Not meant to be sent."),
    Outcome.REFUSED: ("Recipients who refused", "They said so between the event and its turn."),
    Outcome.ERASED: ("Erased", "The recipient's data was erased meanwhile."),
}


@dataclass(frozen=True)
class Glance:
    """How it goes. state: of the macro `health`."""

    state: str
    words: str


@dataclass(frozen=True)
class Reason:
    """Why, in Plausible's words or ours, and when last."""

    words: str
    last_at: datetime


@dataclass(frozen=True)
class Row:
    """One outcome. counts: by the days of PERIODS."""

    outcome: Outcome
    label: str
    help: str
    counts: Sequence[int]
    reasons: Sequence[Reason]
    is_sent: bool
    """Whether it is part of what was to be sent."""


@dataclass(frozen=True)
class Pace:
    """How fast what waits goes."""

    per_second: float
    """Events finished, over the last whole minute."""
    left: timedelta | None
    """Until all that waits is through; None where nothing moves."""

    @property
    def words(self) -> str:
        """The pace in words."""
        if not self.per_second:
            return "Nothing was finished in the last minute"
        shown = f"{self.per_second:,.0f}" if self.per_second >= 10 else f"{self.per_second:.2g}"
        return f"{shown} {'event' if shown == '1' else 'events'} a second in the last minute"


def glance(found: Account, settings: PlausibleSettings, *, enabled: bool, today: date, now: datetime) -> Glance:
    """The one line on top."""
    waiting = found.totals[Outcome.WAITING]
    waits = f"{waiting:,} {'waits' if waiting == 1 else 'wait'}"
    if not enabled or not settings.send_to_plausible:
        why = "The module is off" if not enabled else "Send to Plausible is off in the settings"
        rest = f" {waits}; what is not sent by tonight becomes too old." if waiting else ""
        return Glance("off", f"Off. {why}, so nothing is sent.{rest}")
    if found.problem:
        return Glance("failing", f"Failing: Plausible {found.problem}. {waits}.")
    of_today = _sums(found, today, 1)
    if of_today[Outcome.DROPPED] and not of_today[Outcome.ACCEPTED]:
        return Glance("failing", f"Failing: Plausible drops all of today's {of_today[Outcome.DROPPED]:,}, see below.")
    is_stuck = found.oldest_waiting is not None and now - found.oldest_waiting > STALLED and not found.pace
    if is_stuck and waiting > found.machines_waiting:
        return Glance("warning", f"Waiting: {waits} and nobody sends. Does `myportal worker` run?")
    last = f"last accepted {ago(found.last_accepted_at, now)}" if found.last_accepted_at else "nothing accepted yet"
    if waiting:
        state = "working" if found.last_accepted_at or found.pace else "idle"
        return Glance(state, f"{'Working' if state == 'working' else 'Waiting'}: {last}, {waits}.")
    if found.last_accepted_at is None:
        return Glance("idle", "Nothing to send yet: open a tracked reply, or follow a link in one.")
    return Glance("working", f"Working: {last}, nothing waits.")


def pace_of(found: Account) -> Pace:
    """How fast, and how long that takes."""
    per_second, waiting = found.pace / 60, found.totals[Outcome.WAITING]
    return Pace(per_second, timedelta(seconds=waiting / per_second) if per_second and waiting else None)


def rows(found: Account, today: date) -> list[Row]:
    """The account by outcome, those that came up and those that belong to it."""
    sums = [_sums(found, today, days) for days in PERIODS]
    outcomes = [one for one in Outcome if one is not Outcome.WAITING and (one in PART or sums[-1][one])]
    shown = []
    for one in sorted(outcomes, key=lambda outcome: outcome not in PART):
        label, explained = WORDS.get(one, (one.value.replace("_", " ").capitalize(), ""))
        shown.append(Row(one, label, explained, [of[one] for of in sums], _reasons(found, one, today), one in PART))
    return shown


def _sums(found: Account, today: date, days: int) -> Counter[Outcome]:
    sums: Counter[Outcome] = Counter()
    for line in found.days:
        if today - timedelta(days=days) < line.day:
            sums[line.outcome] += line.events
    return sums


def _reasons(found: Account, outcome: Outcome, today: date) -> list[Reason]:
    latest: dict[str, datetime] = {}
    for line in found.days:
        if line.outcome is outcome and line.words and today - timedelta(days=PERIODS[-1]) < line.day:
            latest[line.words] = max(line.last_at, latest.get(line.words, line.last_at))
    newest = sorted(latest.items(), key=lambda one: one[1], reverse=True)
    return [Reason(words, last_at) for words, last_at in newest[:MOST_REASONS]]


def span(length: timedelta) -> str:
    """A time to go: "under a minute", "about 5 min", "about 3 h", "about 2 days"."""
    minutes = length.total_seconds() / 60
    if minutes < 1:
        return "under a minute"
    if minutes < 90:
        return f"about {minutes:.0f} min"
    return f"about {minutes / 60:.0f} h" if minutes < 48 * 60 else f"about {minutes / 1440:.0f} days"
