"""The SQL of recording: statements with many rows, because single ones cost ten times as much a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from app.database import Connection, utcnow
from app.sql import derived, in_list, literal, moment
from plugins.plausible.classify import Judgement
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.history import CopyRecord, Told

LONGEST_REMEMBERED = 400
"""Characters of a text that is remembered as SQL: strangers choose how long it is."""
_remembered = lru_cache(maxsize=4096)(literal)


async def present(conn: Connection, events: Sequence[TrackingEvent]) -> list[bytes]:
    """The keys of those events (at least one) that are already stored."""
    keys, parameters = in_list("key", [event.key for event in events])
    times = [event.occurred_at for event in events]
    # The times say in which months to look.
    rows = await conn.fetch_all(
        f"""
        SELECT event_key FROM email_tracking_events FORCE INDEX (email_tracking_events_key)
         WHERE event_key IN {keys} AND occurred_at BETWEEN %(first)s AND %(last)s
        """,  # noqa: S608
        {**parameters, "first": min(times), "last": max(times)},
    )
    return [row["event_key"] for row in rows]


def insert_events(placed: Iterable[tuple[TrackingEvent, int, Judgement]]) -> str:
    """Add events with the ids of their recipients and what they were judged to be."""
    rows = []
    for event, recipient_id, judgement in placed:
        rows.append(
            f"(x'{event.key.hex()}',{literal(event.tracking_id)},{recipient_id},'{event.kind}',{_text(event.url)},"
            f"{_text(event.user_agent)},{_text(event.ip_address)},{_text(event.referrer)},"
            f"'{moment(event.occurred_at)}',{event.repeats},{_verdict(judgement)},{_text(event.evidence)})"
        )
    return (
        "INSERT INTO email_tracking_events (event_key, tracking_id, recipient_id, event_type, event_url, user_agent, "  # noqa: S608
        "ip_address, referrer, occurred_at, repeats, class, rule, confidence, reason, evidence) VALUES "
        + ",".join(rows)
    )


def _verdict(judgement: Judgement) -> str:
    kind = judgement.kind.value if judgement.rule else ""
    return f"'{kind}','{judgement.rule}',{judgement.confidence},{_text(judgement.reason[:200])}"


def _text(value: str | None) -> str:
    """A text as SQL writes it. Most come again and again: names of programs, evidence, reasons, networks."""
    if value is None:
        return "NULL"
    return _remembered(value) if len(value) <= LONGEST_REMEMBERED else literal(value)


def change_events(changed: Sequence[tuple[int, Told, Judgement]]) -> str:
    """Give stored events another judgement (at least one: recipient id, as they were told, what they are now).

    They are found by copy, kind, program, time and what they were judged to be.
    """
    columns = (
        "recipient_id", "event_type", "user_agent", "old_rule", "first_at", "last_at", "class", "rule", "confidence",
        "reason",
    )  # fmt: skip
    rows = [
        (
            str(recipient_id),
            literal(told.request.kind),
            # As bytes, because texts of two character sets are not compared.
            literal(agent.encode()) if (agent := told.request.user_agent) is not None else "CAST(NULL AS BINARY)",
            literal(told.judgement.rule.encode()),
            literal(told.request.at),
            literal(told.last_at),
            literal(judgement.kind.value),
            literal(judgement.rule),
            str(judgement.confidence),
            literal(judgement.reason[:200]),
        )
        for recipient_id, told, judgement in sorted(changed, key=lambda one: one[0])
    ]
    # The times of all say in which months to look.
    first, last = min(told.request.at for _, told, _ in changed), max(told.last_at for _, told, _ in changed)
    return (
        f"UPDATE {derived(columns, rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN email_tracking_events AS e FORCE INDEX (email_tracking_events_recipient) "
        "ON e.recipient_id = news.recipient_id "
        f"AND e.occurred_at BETWEEN {literal(first)} AND {literal(last)} "
        "AND e.occurred_at BETWEEN news.first_at AND news.last_at AND e.event_type = news.event_type "
        "AND e.rule = news.old_rule AND e.user_agent <=> news.user_agent "
        "SET e.class = news.class, e.rule = news.rule, e.confidence = news.confidence, e.reason = news.reason"
    )


SUM_COLUMNS = (
    "open_count", "first_opened_at", "last_opened_at", "click_count", "first_clicked_at", "last_clicked_at",
    "event_count", "person_opens", "machine_opens", "person_clicks", "machine_clicks", "first_read_at", "last_read_at",
    "state", "words", "pending_until", "version",
)  # fmt: skip
"""Of `email_tracking_recipients`: all that new events may change."""
_INSERT_SUMS = f"INSERT INTO email_tracking_recipients (recipient_id, reply_id, {', '.join(SUM_COLUMNS)}) VALUES "  # noqa: S608
_REPLACE_SUMS = " ON DUPLICATE KEY UPDATE " + ", ".join(f"{column} = VALUES({column})" for column in SUM_COLUMNS)


def set_sums(records: Iterable[CopyRecord]) -> str:
    """Put the sums of copies (at least one) in place of what stands there; their rows are locked."""
    rows = ",".join(map(_sums_row, sorted(records, key=lambda record: record.copy.recipient_id)))
    return _INSERT_SUMS + rows + _REPLACE_SUMS


def _sums_row(record: CopyRecord) -> str:
    sums, tally = record.sums, record.sums.tally
    return (
        f"({record.copy.recipient_id},{record.copy.reply_id},{sums.open_count},{_time(sums.first_opened_at)},"
        f"{_time(sums.last_opened_at)},{sums.click_count},{_time(sums.first_clicked_at)},{_time(sums.last_clicked_at)},"
        f"{sums.event_count},{tally.person_opens},{tally.machine_opens},{tally.person_clicks},{tally.machine_clicks},"
        f"{_time(sums.first_read_at)},{_time(sums.last_read_at)},'{sums.state.value}',{literal(sums.words)},"
        f"{_time(sums.pending_until)},{sums.version})"
    )


def _time(value: datetime | None) -> str:
    return "NULL" if value is None else f"'{moment(value)}'"


def add_to_replies(opens: Mapping[int, int], first_reads: Mapping[int, datetime]) -> str:
    """Add opens of whatever kind to replies (at least one), and move the first reading back where it was earlier."""
    rows = (
        (str(number), str(opens.get(number, 0)), f"CAST({literal(first_reads.get(number))} AS DATETIME(6))")
        for number in sorted({*opens, *first_reads})
    )
    return (
        f"UPDATE {derived(('id', 'opens', 'first_read'), rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN ticket_replies AS r FORCE INDEX (PRIMARY) ON r.id = news.id "
        "SET r.email_open_count = r.email_open_count + news.opens, "
        "r.email_opened_at = COALESCE(LEAST(r.email_opened_at, news.first_read), r.email_opened_at, news.first_read)"
    )


async def recount_first_reads(conn: Connection, reply_ids: Iterable[int]) -> None:
    """Say anew when replies (at least one) were first read: a reading that was counted was none.

    Their rows are locked before the copies are looked at, which happens without locks.
    """
    numbers = ",".join(map(str, sorted(reply_ids)))
    rows = await conn.fetch_all(
        "SELECT reply_id, MIN(first_read_at) AS first_read FROM email_tracking_recipients "  # noqa: S608
        "FORCE INDEX (email_tracking_recipients_reply) "
        f"WHERE reply_id IN ({numbers}) GROUP BY reply_id ORDER BY reply_id"
    )
    for row in rows:
        conn.later(
            f"UPDATE ticket_replies SET email_opened_at = {literal(row['first_read'])} WHERE id = {row['reply_id']}"  # noqa: S608
        )


def add_to_days(days: Mapping[tuple[str, str, str, str], int], *, shard: int) -> str:
    """Add to the daily summary: events by day (2026-11-20), kind, class and rule; less than none takes away."""
    rows = ",".join(
        f"('{day}','{kind}','{name}','{rule}',{shard},{count})"
        for (day, kind, name, rule), count in sorted(days.items())
    )
    return (
        f"INSERT INTO email_tracking_daily (day, event_type, class, rule, shard, events) VALUES {rows} "  # noqa: S608
        "ON DUPLICATE KEY UPDATE events = events + VALUES(events)"
    )


def record_hash(record: bytes) -> bytes:
    """What an event that is set aside is known by, so that a second time it takes the same row."""
    return hashlib.blake2b(record, digest_size=16).digest()


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
            "hash": record_hash(record),
            "record": record,
            "error": error[:500],
            "now": utcnow(),
        },
    )
    return count == 1


async def quarantined(conn: Connection) -> int:
    """How many events are set aside."""
    return int(await conn.fetch_value("SELECT COUNT(*) FROM email_tracking_quarantine"))
