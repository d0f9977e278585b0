"""The SQL of recording: statements with many rows, because single ones cost ten times as much a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from app.database import Connection, utcnow
from app.sql import derived, in_list, literal
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.copies import TrackedCopy

if TYPE_CHECKING:
    from plugins.plausible.recording.writing import Sum


async def tracked_copies(conn: Connection, tracking_ids: Sequence[str]) -> dict[str, TrackedCopy]:
    """The tracked copies with these ids (at least one).

    A copy that has not gone out yet counts: what plugins put into it is written down when it goes.
    """
    ids, parameters = in_list("id", tracking_ids)
    # One row of JSON: reading five hundred of them would cost more than finding them.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(r.tracking_id, r.id, e.reply_id, t.ticket_id))
          FROM email_recipients AS r
          JOIN outgoing_emails AS e ON e.id = r.email_id
          JOIN ticket_replies AS t ON t.id = e.reply_id
         WHERE r.tracking_id IN {ids} AND e.enable_tracking
           AND NOT (r.state IN ('sent', 'unknown', 'failed') AND r.reports = '')
        """,  # noqa: S608
        parameters,
    )
    return {tracking_id: TrackedCopy(*places) for tracking_id, *places in json.loads(found or "[]")}


async def present(conn: Connection, events: Sequence[TrackingEvent]) -> list[bytes]:
    """The keys of those events (at least one) that are already stored."""
    keys, parameters = in_list("key", [event.key for event in events])
    times = [event.occurred_at for event in events]
    # The times say in which months to look.
    rows = await conn.fetch_all(
        f"""
        SELECT event_key FROM email_tracking_events
         WHERE event_key IN {keys} AND occurred_at BETWEEN %(first)s AND %(last)s
        """,  # noqa: S608
        {**parameters, "first": min(times), "last": max(times)},
    )
    return [row["event_key"] for row in rows]


def insert_events(placed: Iterable[tuple[TrackingEvent, int, str]]) -> str:
    """Add events with the ids of their recipients, and their times as `app.sql.moment` writes them."""
    rows = ",".join(
        f"(x'{event.key.hex()}',{literal(event.tracking_id)},{recipient_id},'{event.kind}',{literal(event.url)},"
        f"{literal(event.user_agent)},{literal(event.ip_address)},{literal(event.referrer)},"
        f"'{at}',{event.repeats})"
        for event, recipient_id, at in placed
    )
    return (
        "INSERT INTO email_tracking_events (event_key, tracking_id, recipient_id, event_type, event_url, user_agent, "  # noqa: S608
        f"ip_address, referrer, occurred_at, repeats) VALUES {rows}"
    )


def add_to_recipients(sums: Mapping[int, Sum]) -> str:
    """Add to the recipients' sums, by recipient id."""
    rows = ",".join(_sum_row(recipient_id, sums[recipient_id]) for recipient_id in sorted(sums))
    return (
        "INSERT INTO email_tracking_recipients (recipient_id, open_count, first_opened_at, last_opened_at, "  # noqa: S608
        f"click_count, first_clicked_at, last_clicked_at) VALUES {rows} ON DUPLICATE KEY UPDATE "
        "open_count = open_count + VALUES(open_count), click_count = click_count + VALUES(click_count), "
        + ", ".join(
            f"{column} = COALESCE({function}({column}, VALUES({column})), {column}, VALUES({column}))"
            for function, column in (
                ("LEAST", "first_opened_at"),
                ("GREATEST", "last_opened_at"),
                ("LEAST", "first_clicked_at"),
                ("GREATEST", "last_clicked_at"),
            )
        )
    )


def _sum_row(recipient_id: int, found: Sum) -> str:
    opens = "0,NULL,NULL"
    clicks = "0,NULL,NULL"
    if found.opens:
        opens = f"{found.opens},'{found.first_open}','{found.last_open}'"
    if found.clicks:
        clicks = f"{found.clicks},'{found.first_click}','{found.last_click}'"
    return f"({recipient_id},{opens},{clicks})"


def add_to_replies(sums: Mapping[int, Sum]) -> str:
    """Add to the opens of replies, whoever of their recipients it was, by reply id; only replies with opens."""
    rows = ((str(number), str(sums[number].opens), f"TIMESTAMP'{sums[number].first_open}'") for number in sorted(sums))
    return (
        f"UPDATE {derived(('id', 'opens', 'first_open'), rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN ticket_replies AS r ON r.id = news.id "
        "SET r.email_open_count = r.email_open_count + news.opens, "
        "r.email_opened_at = LEAST(COALESCE(r.email_opened_at, news.first_open), news.first_open)"
    )


def add_to_days(days: Mapping[tuple[str, str], int], *, shard: int) -> str:
    """Add to the daily summary: events by day (2026-11-20) and kind."""
    rows = ",".join(f"('{day}','{kind}',{shard},{count})" for (day, kind), count in sorted(days.items()))
    return (
        f"INSERT INTO email_tracking_daily (day, event_type, shard, events) VALUES {rows} "  # noqa: S608
        "ON DUPLICATE KEY UPDATE events = events + VALUES(events)"
    )


async def quarantine(conn: Connection, record: bytes, error: str) -> bool:
    """Set one event aside, as the record that the spool would hold, with what the database said of it.

    Whether it was not set aside before: a replay that was cut short brings it again.
    """
    count = await conn.execute(
        """
        INSERT INTO email_tracking_quarantine (record_hash, record, error, quarantined_at)
        VALUES (%(hash)s, %(record)s, %(error)s, %(now)s)
        ON DUPLICATE KEY UPDATE error = VALUES(error), quarantined_at = VALUES(quarantined_at)
        """,
        {
            "hash": hashlib.blake2b(record, digest_size=16).digest(),
            "record": record,
            "error": error[:500],
            "now": utcnow(),
        },
    )
    return count == 1


async def quarantined(conn: Connection) -> int:
    """How many events are set aside."""
    return int(await conn.fetch_value("SELECT COUNT(*) FROM email_tracking_quarantine"))
