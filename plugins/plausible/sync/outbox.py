"""SQL of the outbox: events that are to be sent, who sends them, and what became of them.

Times that decide about leases and pauses are the database's own: the clocks of the workers may differ, or jump.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.database import Connection, Row
from app.sql import derived, literal
from plugins.plausible.classify import Class, Judgement
from plugins.plausible.classify.model import PERSONS
from plugins.plausible.events import TrackingEvent
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.sync.outcome import Outcome
from plugins.plausible.sync.payload import Told

HOLD = timedelta(seconds=60)
"""How long an event waits at least: a scanner that follows every link shows itself within this time."""
LONGEST_HOLD = timedelta(minutes=5)
"""How long it waits at most for its copy's verdict."""
LAST_CALL = timedelta(seconds=15)
"""How long before the site's midnight an event is sent at the latest, if it has waited HOLD by then."""
NO_PERSON = "a machine or one of us"
TOO_OLD = "waited until another day"
LOST = "the worker ended between sending and writing down the answer; the event may count"
RETURNED = "returned"
"""Counted beside the outcomes: events that had left as no person's, and wait again."""
LEASE = 120
"""Seconds after which an event that is still being sent is ambiguous: longer than any answer may take."""
SWEEP = 500
"""Events that are taken out at once without being sent."""
COLUMNS = "(event_key, occurred_at, recipient_id, next_attempt_at, is_person)"
_PERSONS = ",".join(literal(kind.value) for kind in sorted(PERSONS))
DUE = "state = 'waiting' AND next_attempt_at <= UTC_TIMESTAMP(6)"


@dataclass(frozen=True)
class Claimed:
    """An event that this worker is about to send."""

    id: int
    event_key: bytes
    occurred_at: datetime
    attempts: int
    """This one counted."""
    told: Told | None
    """None where the event itself is gone."""


@dataclass(frozen=True)
class Finished:
    """What became of a claimed event. name: as it was sent; '' where it was not."""

    claimed: Claimed
    outcome: Outcome
    name: str = ""
    words: str = ""
    wait: float = 0.0
    """Of one that waits again: seconds."""


def add(
    events: Iterable[tuple[TrackingEvent, int, Judgement]],
    *,
    now: datetime,
    until: Mapping[int, datetime],
    midnight: datetime,
) -> str:
    """Add events (at least one), with their recipients.

    until: when a copy's verdict is expected, by recipient. midnight: when the site's day ends.
    """
    rows = ",".join(
        f"({literal(event.key)},{literal(event.occurred_at)},{one},{literal(due(now, until.get(one), midnight))},"
        f"{int(judgement.kind in PERSONS)})"
        for event, one, judgement in events
    )
    return f"INSERT INTO email_tracking_outbox {COLUMNS} VALUES {rows}"  # noqa: S608


def due(now: datetime, until: datetime | None, midnight: datetime) -> datetime:
    """When an event that came now is sent: once its reader is known, but not on another day for that alone."""
    known = min(max(now + HOLD, until or now), now + LONGEST_HOLD)
    return min(known, max(now + HOLD, midnight - LAST_CALL))


def judge_again(conn: Connection, recipient_ids: Iterable[int], *, now: datetime, days: SiteDays) -> None:
    """Keep up with what copies (at least one) are judged to be now: what waits is told apart, and what was taken out
    because a machine had made it waits again where it is a person's after all, as far as it is of the last day.
    """
    numbers = ",".join(map(str, sorted(set(recipient_ids))))
    conn.later(
        "UPDATE email_tracking_outbox AS o JOIN email_tracking_events AS e ON e.event_key = o.event_key "  # noqa: S608
        "AND e.occurred_at = o.occurred_at "
        f"SET o.is_person = e.class IN ({_PERSONS}) WHERE o.recipient_id IN ({numbers})"
    )
    returned = (
        f"FROM email_tracking_events AS e WHERE e.recipient_id IN ({numbers}) AND e.plausible_outcome = 'no_person' "
        f"AND e.class IN ({_PERSONS}) AND e.occurred_at >= {literal(now - timedelta(days=1))}"
    )
    conn.later(
        "INSERT INTO email_tracking_sync_days (day, name, outcome, events, last_at) "
        f"SELECT {literal(days.day(now).isoformat())}, '', '{RETURNED}', COUNT(*) AS found, {literal(now)} {returned} "
        "HAVING found > 0 ON DUPLICATE KEY UPDATE events = events + VALUES(events), last_at = VALUES(last_at)"
    )
    conn.later(
        f"INSERT INTO email_tracking_outbox {COLUMNS} SELECT e.event_key, e.occurred_at, e.recipient_id, "
        f"{literal(due(now, None, days.end(now)))}, 1 {returned}"
    )
    conn.later(f"UPDATE email_tracking_events AS e SET e.plausible_outcome = NULL {returned.partition(' AS e ')[2]}")  # noqa: S608


async def is_due(conn: Connection) -> bool:
    """Whether there is anything to send now."""
    return await conn.fetch_one(f"SELECT 1 AS found FROM email_tracking_outbox WHERE {DUE} LIMIT 1") is not None  # noqa: S608


async def claim(conn: Connection, *, owner: str, limit: int) -> list[Claimed]:
    """Take at most `limit` events that are due, oldest first; from the commit on they count as being sent."""
    rows = await conn.fetch_all(
        f"""
        SELECT id, event_key, occurred_at, recipient_id, attempts FROM email_tracking_outbox
         WHERE {DUE} ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        {"limit": limit},
    )
    if not rows:
        return []
    ids = ",".join(str(row["id"]) for row in rows)
    conn.later(
        "UPDATE email_tracking_outbox SET state = 'sending', attempts = attempts + 1, "  # noqa: S608
        f"lease_owner = {literal(owner)}, lease_until = UTC_TIMESTAMP(6) + INTERVAL {LEASE} SECOND WHERE id IN ({ids})"
    )
    told = await _told(conn, rows)
    return [
        Claimed(row["id"], row["event_key"], row["occurred_at"], row["attempts"] + 1, told.get(row["event_key"]))
        for row in rows
    ]


async def _told(conn: Connection, rows: Sequence[Row]) -> dict[object, Told]:
    listed = [(literal(row["event_key"]), literal(row["occurred_at"])) for row in rows]
    times = [row["occurred_at"] for row in rows]
    found = await conn.fetch_all(
        f"""
        SELECT e.event_key, e.event_type, e.occurred_at, e.class, e.user_agent, e.ip_address, e.event_url, r.email,
               r.erased_at IS NOT NULL OR COALESCE(c.tracking, '') = 'refused' AS refused,
               COALESCE(d.name, '') AS department,
               COALESCE((SELECT GROUP_CONCAT(g.name ORDER BY g.name SEPARATOR ', ') FROM ticket_tags AS x
                           JOIN tags AS g ON g.id = x.tag_id WHERE x.ticket_id = t.id), '') AS tags
          FROM {derived(("event_key", "occurred_at"), listed)} AS wanted
          STRAIGHT_JOIN email_tracking_events AS e FORCE INDEX (email_tracking_events_key)
               ON e.event_key = wanted.event_key
               AND e.occurred_at = wanted.occurred_at
               AND e.occurred_at BETWEEN {literal(min(times))} AND {literal(max(times))}
          JOIN email_recipients AS r ON r.id = e.recipient_id
          LEFT JOIN contact_addresses AS a ON a.email = r.email
          LEFT JOIN contacts AS c ON c.id = a.contact_id
          LEFT JOIN outgoing_emails AS m ON m.id = r.email_id
          LEFT JOIN ticket_replies AS p ON p.id = m.reply_id
          LEFT JOIN tickets AS t ON t.id = p.ticket_id
          LEFT JOIN departments AS d ON d.id = t.department_id
        """  # noqa: S608
    )
    classes = frozenset(Class)
    return {
        row["event_key"]: Told(
            kind=row["event_type"],
            occurred_at=row["occurred_at"],
            # A class that a newer release wrote is nobody that this one could tell of.
            kind_of_reader=Class(row["class"]) if row["class"] in classes else Class.SELF,
            user_agent=row["user_agent"],
            ip_address=row["ip_address"],
            url=row["event_url"],
            recipient=row["email"],
            department=row["department"],
            tags=row["tags"],
            refused=bool(row["refused"]),
        )
        for row in found
    }


async def finish(conn: Connection, finished: Sequence[Finished], *, owner: str, day: date, now: datetime) -> int:
    """Write down what became of claimed events, of those that are still ours; how many of them have an outcome.

    One whose lease ran out was made ambiguous by somebody else meanwhile, and stays so.
    """
    ids = ",".join(str(one.claimed.id) for one in finished)
    rows = await conn.fetch_all(
        f"SELECT id FROM email_tracking_outbox WHERE id IN ({ids}) AND state = 'sending' "  # noqa: S608
        f"AND lease_owner = {literal(owner)} ORDER BY id FOR UPDATE"
    )
    ours = {row["id"] for row in rows}
    kept = [one for one in finished if one.claimed.id in ours]
    done = [one for one in kept if one.outcome is not Outcome.WAITING]
    for one in kept:
        if one.outcome is Outcome.WAITING:
            conn.later(
                "UPDATE email_tracking_outbox SET state = 'waiting', lease_owner = '', lease_until = NULL, "  # noqa: S608
                f"next_attempt_at = UTC_TIMESTAMP(6) + INTERVAL {int(one.wait * 1_000_000)} MICROSECOND "
                f"WHERE id = {one.claimed.id}"
            )
    _leave(conn, done, day=day, now=now)
    return len(done)


async def take_out_old(conn: Connection, *, before: datetime, machines: bool, day: date, now: datetime) -> int:
    """Take events out that happened before a moment and would be dated wrongly; how many, at most SWEEP.

    machines: whether those of machines were to be sent too; otherwise they leave as what they are.
    """
    rows = await conn.fetch_all(
        f"""
        SELECT id, event_key, occurred_at, attempts, is_person FROM email_tracking_outbox
         WHERE state = 'waiting' AND occurred_at < %(before)s ORDER BY occurred_at LIMIT {SWEEP} FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        {"before": before},
    )
    others = [row for row in rows if not row["is_person"] and not machines]
    take_out(conn, others, Outcome.NO_PERSON, NO_PERSON, day=day, now=now)
    take_out(conn, [row for row in rows if row["is_person"] or machines], Outcome.TOO_OLD, TOO_OLD, day=day, now=now)
    return len(rows)


async def take_out_lost(conn: Connection, *, day: date, now: datetime) -> int:
    """Make ambiguous whatever somebody began to send and never told the end of; how many, at most SWEEP."""
    rows = await conn.fetch_all(
        f"""
        SELECT id, event_key, occurred_at, attempts FROM email_tracking_outbox
         WHERE state = 'sending' AND lease_until < UTC_TIMESTAMP(6) ORDER BY id LIMIT {SWEEP} FOR UPDATE SKIP LOCKED
        """  # noqa: S608
    )
    return take_out(conn, rows, Outcome.AMBIGUOUS, LOST, day=day, now=now)


def take_out(conn: Connection, rows: Sequence[Row], outcome: Outcome, words: str, *, day: date, now: datetime) -> int:
    """Let locked rows (`id`, `event_key`, `occurred_at`, `attempts`) leave with an outcome; how many."""
    found = [
        Finished(Claimed(row["id"], row["event_key"], row["occurred_at"], row["attempts"], None), outcome, "", words)
        for row in rows
    ]
    _leave(conn, found, day=day, now=now)
    return len(found)


def _leave(conn: Connection, done: Sequence[Finished], *, day: date, now: datetime) -> None:
    """Keep the outcome with each event, count it, and take it out of the outbox."""
    if not done:
        return
    rows = [
        (
            literal(one.claimed.event_key),
            literal(one.claimed.occurred_at),
            literal(one.outcome.value),
            str(min(one.claimed.attempts, 65535)),
            "1" if one.outcome is Outcome.ACCEPTED else "0",
        )
        for one in sorted(done, key=lambda one: one.claimed.event_key)
    ]
    times = [one.claimed.occurred_at for one in done]
    conn.later(
        f"UPDATE {derived(('event_key', 'occurred_at', 'outcome', 'attempts', 'sent'), rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN email_tracking_events AS e FORCE INDEX (email_tracking_events_key) "
        "ON e.event_key = news.event_key AND e.occurred_at = news.occurred_at "
        f"AND e.occurred_at BETWEEN {literal(min(times))} AND {literal(max(times))} "
        "SET e.plausible_outcome = CONVERT(news.outcome USING ascii), e.plausible_attempts = news.attempts, "
        f"e.plausible_sent = news.sent, e.plausible_sent_at = IF(news.sent, {literal(now)}, NULL)"
    )
    conn.later(
        "DELETE FROM email_tracking_outbox WHERE id IN "  # noqa: S608
        f"({','.join(str(one.claimed.id) for one in sorted(done, key=lambda one: one.claimed.id))})"
    )
    counts = Counter((one.name, one.outcome) for one in done)
    words = {(one.name, one.outcome): one.words for one in done}
    listed = ",".join(
        f"({literal(day.isoformat())},{literal(name)},'{outcome.value}',{count},{literal(words[name, outcome][:300])},"
        f"{literal(now)})"
        for (name, outcome), count in sorted(counts.items())
    )
    conn.later(
        f"INSERT INTO email_tracking_sync_days (day, name, outcome, events, words, last_at) VALUES {listed} "  # noqa: S608
        "ON DUPLICATE KEY UPDATE events = events + VALUES(events), words = VALUES(words), last_at = VALUES(last_at)"
    )
