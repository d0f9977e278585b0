"""The account of the sync: how many events came to what, from sums that are kept, without counting events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.database import Connection, Database, Row
from app.sql import literal
from plugins.plausible.sync.outbox import RETURNED
from plugins.plausible.sync.outcome import LONGEST_WORDS, Outcome

DAYS = 30
_MINUTES = "TIMESTAMPDIFF(MINUTE, minute, UTC_TIMESTAMP())"
_PACE = f"CASE {_MINUTES} WHEN 0 THEN pace WHEN 1 THEN minute_events ELSE 0 END"
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds that an instance which fails is left alone: at first, and at most."""


@dataclass(frozen=True)
class DayLine:
    """How many events of one name came to one outcome on a day (of the site's time zone)."""

    day: date
    name: str
    """As it was sent; '' where nothing was."""
    outcome: Outcome
    events: int
    words: str
    last_at: datetime


@dataclass(frozen=True)
class Account:
    """Every event that was put into the outbox, by what became of it."""

    totals: dict[Outcome, int]
    """Of all time; WAITING now, those on their way counted in."""
    machines_waiting: int
    """Of those that wait: a machine's, as it is judged now. Unless they are sent too, they leave as NO_PERSON."""
    days: Sequence[DayLine]
    """Of the last days, newest first."""
    oldest_waiting: datetime | None
    pace: int
    """Events that were finished in the last whole minute."""
    last_accepted_at: datetime | None
    paused_until: datetime | None
    """None while nothing keeps us."""
    problem: str
    """What went wrong with the instance, until it works again."""
    problem_at: datetime | None
    """Since when."""


async def account(conn: Connection, *, now: datetime) -> Account:
    """Read it. Cheap with a backlog of a million: one index is counted."""
    totals: Counter[Outcome] = Counter(dict.fromkeys(Outcome, 0))
    for row in await conn.fetch_all(
        "SELECT outcome, CAST(SUM(events) AS SIGNED) AS events FROM email_tracking_sync_days GROUP BY outcome"
    ):
        if row["outcome"] == RETURNED:
            totals[Outcome.NO_PERSON] -= row["events"]
        else:
            totals[Outcome(row["outcome"])] += row["events"]
    waiting = {
        row["is_person"]: row["events"]
        for row in await conn.fetch_all(
            "SELECT is_person, COUNT(*) AS events FROM email_tracking_outbox GROUP BY is_person"
        )
    }
    totals[Outcome.WAITING] = sum(waiting.values())
    oldest = await conn.fetch_value(
        """
        SELECT MIN(oldest) FROM (
            SELECT MIN(occurred_at) AS oldest FROM email_tracking_outbox WHERE state = 'waiting'
            UNION ALL SELECT MIN(occurred_at) FROM email_tracking_outbox WHERE state = 'sending'
        ) AS both_states
        """
    )
    rows = await conn.fetch_all(
        """
        SELECT day, name, outcome, events, words, last_at FROM email_tracking_sync_days
         WHERE day > %(since)s ORDER BY day DESC, name, outcome
        """,
        {"since": (now - timedelta(days=DAYS)).date()},
    )
    state = await conn.fetch_one(
        f"""
        SELECT IF(paused_until > UTC_TIMESTAMP(6), paused_until, NULL) AS paused_until, problem, problem_at,
               last_accepted_at,
               {_PACE} AS pace
          FROM email_tracking_sync_state WHERE id = 1
        """  # noqa: S608
    )
    state = state or dict.fromkeys(("paused_until", "problem_at", "last_accepted_at", "pace"), None)
    return Account(
        totals=dict(totals),
        days=_lines(rows),
        machines_waiting=waiting.get(0, 0),
        oldest_waiting=oldest,
        pace=int(state["pace"] or 0),
        last_accepted_at=state["last_accepted_at"],
        paused_until=state["paused_until"],
        problem=state.get("problem") or "",
        problem_at=state["problem_at"],
    )


def _lines(rows: Sequence[Row]) -> list[DayLine]:
    """The days' lines; what waits again on a day is taken from those that left on it as no person's."""
    returned = {row["day"]: row["events"] for row in rows if row["outcome"] == RETURNED}
    found = []
    for row in rows:
        if row["outcome"] == RETURNED:
            continue
        events = row["events"]
        if row["outcome"] == Outcome.NO_PERSON:
            events = max(0, events - returned.get(row["day"], 0))
        if events:
            found.append(DayLine(**{**row, "outcome": Outcome(row["outcome"]), "events": events}))
    return found


async def look(database: Database) -> tuple[bool, int]:
    """Whether the instance is left alone now, and how often it failed in a row."""
    async with database.connection() as conn:
        row = await conn.fetch_one(
            "SELECT COALESCE(paused_until > UTC_TIMESTAMP(6), 0) AS paused, failures FROM email_tracking_sync_state "
            "WHERE id = 1"
        )
    return (bool(row["paused"]), int(row["failures"])) if row else (False, 0)


def note(conn: Connection, *, done: int, accepted: bool, works: bool) -> None:
    """Keep that events were finished, whether one was accepted, and whether the instance works."""
    # The row is there from the first answer on.
    conn.later("INSERT INTO email_tracking_sync_state (id) VALUES (1) ON DUPLICATE KEY UPDATE id = VALUES(id)")
    conn.later(
        "UPDATE email_tracking_sync_state SET "  # noqa: S608
        f"pace = {_PACE}, minute_events = IF({_MINUTES} = 0, minute_events, 0) + {int(done)}, "
        "minute = UTC_TIMESTAMP() - INTERVAL SECOND(UTC_TIMESTAMP()) SECOND"
        + (", last_accepted_at = UTC_TIMESTAMP(6)" if accepted else "")
        + (
            f", problem = {_unless_paused('problem', literal(''))}, failures = {_unless_paused('failures', '0')}"
            if works
            else ""
        )
        + " WHERE id = 1"
    )


def _unless_paused(column: str, value: str) -> str:
    """What others sent before the instance asked for quiet does not end the quiet."""
    return f"IF(paused_until > UTC_TIMESTAMP(6), {column}, {value})"


async def pause(conn: Connection, words: str, *, seconds: float) -> None:
    """Leave the instance alone for a while, and keep why. A longer pause that somebody else found stays."""
    await conn.execute(
        """
        UPDATE email_tracking_sync_state
           SET failures = failures + 1, problem_at = IF(problem = '', UTC_TIMESTAMP(6), problem_at),
               problem = %(words)s,
               paused_until = GREATEST(COALESCE(paused_until, UTC_TIMESTAMP(6)),
                                       UTC_TIMESTAMP(6) + INTERVAL %(microseconds)s MICROSECOND)
         WHERE id = 1
        """,
        {"words": words[:LONGEST_WORDS], "microseconds": int(seconds * 1_000_000)},
    )


async def resume(conn: Connection) -> bool:
    """End the pause, if there is one; whether there was."""
    return bool(
        await conn.execute(
            "UPDATE email_tracking_sync_state SET paused_until = NULL WHERE paused_until > UTC_TIMESTAMP(6)"
        )
    )
