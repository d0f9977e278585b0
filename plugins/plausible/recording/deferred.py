"""Events that are stored and not judged yet, because in a rush storing them comes first: the SQL about them.

Nothing counts them until they are judged: their copy's sums say only how many there are (`deferred`), from which id on
(`deferred_from`), and that the copy is due. Whoever takes the copy next judges them first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.database import Connection
from app.sql import derived, literal
from plugins.plausible.classify import Class, Judgement
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.copies import TrackedCopy

DEFERRED = Judgement("", Class.BOT, 0.0, "not judged yet")
"""What a stored event was judged to be that is still to be judged."""
IS_DEFERRED = f"(rule = '' AND reason = '{DEFERRED.reason}')"
IS_COUNTED = f"NOT {IS_DEFERRED}"
"""Of a row of `email_tracking_events`."""
AT_ONCE = 1000
"""Deferred events that are judged in one transaction: a flood for a few copies must not make it long."""


def defer(events: Iterable[tuple[TrackingEvent, TrackedCopy]], *, now: datetime) -> str:
    """Note events that were stored by the statement before, and let their copies be due."""
    copies: dict[int, TrackedCopy] = {}
    counts: Counter[int] = Counter()
    for _, copy in events:
        copies[copy.recipient_id] = copy
        counts[copy.recipient_id] += 1
    at = literal(now)
    rows = ",".join(
        f"({number},{copies[number].reply_id},{at},1,{counts[number]},LAST_INSERT_ID())" for number in sorted(copies)
    )
    # Who stored first may come here last, so the lowest id counts. It is taken before the count that says whether there
    # was one: assignments go from left to right.
    return (
        "INSERT INTO email_tracking_recipients (recipient_id, reply_id, pending_until, version, deferred, "  # noqa: S608
        f"deferred_from) VALUES {rows} ON DUPLICATE KEY UPDATE version = version + 1, "
        "pending_until = LEAST(COALESCE(pending_until, VALUES(pending_until)), VALUES(pending_until)), "
        "deferred_from = IF(deferred > 0, LEAST(deferred_from, VALUES(deferred_from)), VALUES(deferred_from)), "
        "deferred = deferred + VALUES(deferred)"
    )


async def read(conn: Connection, places: Mapping[int, int]) -> tuple[dict[int, list[TrackingEvent]], int | None]:
    """The deferred events of copies (at least one: recipient id and the lowest id they may have), oldest first.

    AT_ONCE at most, in the order of recipients: the second value says of which one there may be more; of those after it
    nothing was read.
    """
    # Not by the row ids alone: the index on copies finds them, however long their histories are.
    numbers = ",".join(map(str, sorted(places)))
    rows = await conn.fetch_all(
        f"""
        SELECT id, event_key, tracking_id, recipient_id, event_type, event_url, user_agent, ip_address, referrer,
               occurred_at, repeats, evidence
          FROM email_tracking_events
         WHERE recipient_id IN ({numbers}) AND id >= {min(places.values())} AND {IS_DEFERRED}
         ORDER BY recipient_id, id LIMIT {AT_ONCE}
        """  # noqa: S608
    )
    found: defaultdict[int, list[TrackingEvent]] = defaultdict(list)
    for row in rows:
        found[row["recipient_id"]].append(
            TrackingEvent(
                row["event_type"],
                row["tracking_id"],
                row["occurred_at"],
                row["event_url"],
                row["user_agent"],
                row["ip_address"],
                row["referrer"],
                row["event_key"],
                row["repeats"],
                row["evidence"],
                row["id"],
            )
        )
    return found, rows[-1]["recipient_id"] if len(rows) == AT_ONCE else None


def settle(events: Iterable[tuple[TrackingEvent, Judgement]]) -> str:
    """Give deferred events (at least one) what they were judged to be."""
    columns = ("id", "occurred_at", "class", "rule", "confidence", "reason")
    rows = [
        (
            str(event.row_id),
            literal(event.occurred_at),
            literal(judgement.kind.value),
            literal(judgement.rule),
            str(judgement.confidence),
            literal(judgement.reason[:200]),
        )
        for event, judgement in events
    ]
    return (
        f"UPDATE {derived(columns, rows)} AS news STRAIGHT_JOIN email_tracking_events AS e "  # noqa: S608
        "ON e.id = news.id AND e.occurred_at = news.occurred_at "
        "SET e.class = news.class, e.rule = news.rule, e.confidence = news.confidence, e.reason = news.reason"
    )


async def forget(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Delete what came for copies (at least one, their sums locked) of people who were erased: it is not kept."""
    numbers = ",".join(map(str, sorted(recipient_ids)))
    await conn.execute(f"DELETE FROM email_tracking_events WHERE recipient_id IN ({numbers}) AND {IS_DEFERRED}")  # noqa: S608
    conn.later(
        "UPDATE email_tracking_recipients SET deferred = 0, pending_until = NULL "  # noqa: S608
        f"WHERE recipient_id IN ({numbers})"
    )
