"""Classify copies again without a new event: clicks that were pending, floods, and all history on demand."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection, Database, Row, utcnow
from app.services import receipts
from plugins.plausible.recording.history import Outcome, judge
from plugins.plausible.recording.reading import WHOLE, Surroundings, load
from plugins.plausible.recording.taking import lock_versions
from plugins.plausible.recording.writing import AT_ONCE, SHARDS, save

DUE = 50
DUE_EVENTS = 1000
"""Copies that the job takes in one transaction, and events that they may have together."""
INTERVAL = 2.0
"""Seconds between two runs of the job."""
LONGEST_LOCK = 0.02
"""Seconds for which a batch of `reclassify` aims to hold its locks; a fifth of what is promised."""
SINCE = "(last_opened_at >= %(since)s OR last_clicked_at >= %(since)s)"
SMALLEST, LARGEST = 1, 400
"""Copies in one batch of `reclassify`."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    copies: int
    events: int
    badges: int
    """Copies that show another state than before."""
    done: bool
    resumed: bool
    longest: float
    """Seconds for which one batch held its locks, at most."""


async def settle_due(database: Database, around: Surroundings, *, now: Callable[[], datetime] = utcnow) -> int:
    """Classify the copies whose time has come, until there are none; how many. Any number of processes may do it."""
    total = 0
    while True:

        async def work(conn: Connection) -> int:
            moment = now()
            ids = await _claim(conn, moment)
            await _settle(conn, ids, around, moment)
            return len(ids)

        count = await database.run(work)
        total += count
        if not count:
            return total


async def _claim(conn: Connection, now: datetime) -> list[int]:
    """Lock the sums of some copies that are due and that nobody else is at."""
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, event_count FROM email_tracking_recipients
         FORCE INDEX (email_tracking_recipients_pending)
         WHERE pending_until <= %(now)s ORDER BY pending_until LIMIT {DUE}
        """,  # noqa: S608
        {"now": now},
    )
    events = 0
    ids: list[int] = []
    for row in rows:
        events += row["event_count"]
        if ids and events > DUE_EVENTS:
            break
        ids.append(row["recipient_id"])
    if not ids:
        return []
    numbers = ",".join(map(str, sorted(ids)))
    locked = await conn.fetch_all(
        f"""
        SELECT recipient_id FROM email_tracking_recipients FORCE INDEX (PRIMARY)
         WHERE recipient_id IN ({numbers}) AND pending_until <= %(now)s FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        {"now": now},
    )
    return sorted(row["recipient_id"] for row in locked)


async def mark_due(conn: Connection, recipient_id: int, *, now: datetime) -> None:
    """Let the job classify a copy, and every process forget what it remembers of it: its delivery became known."""
    await conn.execute(
        """
        UPDATE email_tracking_recipients SET version = version + 1, pending_until = %(now)s
         WHERE recipient_id = %(id)s
        """,
        {"id": recipient_id, "now": now},
    )


async def mark_flagged(database: Database, *, now: Callable[[], datetime] = utcnow) -> int:
    """Let the job classify the copies of which a mail provider said something new; how many."""

    async def work(conn: Connection) -> int:
        ids = await receipts.take_new_machine_opens(conn)
        for recipient_id in ids:
            await mark_due(conn, recipient_id, now=now())
        return len(ids)

    return await database.run(work)


async def reclassify(
    database: Database, around: Surroundings, *, since: datetime | None = None, afresh: bool = False
) -> AsyncIterator[Progress]:
    """Classify all copies again, in batches by ascending id; says after each how far it is.

    since: only copies that were asked for since then. A run that was cut short goes on where it was, if it had the
    same `since`; afresh: it begins anew. Batches are made as large as the time for which they may hold locks allows.
    """
    async with database.transaction() as conn:
        row = await _begin(conn, since, afresh)
    resumed, size, longest = row["after_recipient_id"] > 0, 50, 0.0
    copies, events, badges, after = row["copies"], row["events"], row["badges"], row["after_recipient_id"]
    ids = await _next(database, after, since, size)
    ahead = asyncio.create_task(_look_at(database, ids, around))
    try:
        while True:
            judged = await ahead
            if not ids:
                async with database.transaction() as conn:
                    await conn.execute("DELETE FROM email_tracking_reclassify WHERE id = 1")
                yield Progress(copies, events, badges, True, resumed, longest)
                return
            # The next ones are read and classified while the database writes these.
            following = await _next(database, ids[-1], since, size)
            ahead = asyncio.create_task(_look_at(database, following, around))
            found = await _write(database, judged, around)
            copies, events, badges = copies + found.copies, events + found.events, badges + found.badges
            after, longest, ids = ids[-1], max(longest, found.held), following
            async with database.transaction() as conn:
                await conn.execute(
                    """
                    UPDATE email_tracking_reclassify
                       SET after_recipient_id = %(after)s, copies = %(copies)s, events = %(events)s, badges = %(badges)s
                     WHERE id = 1
                    """,
                    {"after": after, "copies": copies, "events": events, "badges": badges},
                )
            faster = LONGEST_LOCK / max(found.held, 0.001)
            size = min(LARGEST, max(SMALLEST, int(size * min(2.0, faster))))
            yield Progress(copies, events, badges, False, resumed, longest)
    finally:
        ahead.cancel()


@dataclass(frozen=True)
class _Batch:
    copies: int
    events: int
    badges: int
    held: float


async def _look_at(database: Database, ids: Sequence[int], around: Surroundings) -> list[Outcome]:
    """Classify a batch without locks."""
    async with database.connection() as conn:
        return await _judged(conn, ids, around, utcnow())


async def _write(database: Database, judged: Sequence[Outcome], around: Surroundings) -> _Batch:
    """Write what is different of those copies to which nobody added meanwhile; the others are taken with their locks,
    as the job takes them.
    """
    now = utcnow()
    different = {one.after.copy.recipient_id: one for one in judged if _differs(one)}
    held = 0.0
    if different:

        async def work(conn: Connection) -> tuple[list[Outcome], float]:
            versions = await lock_versions(conn, sorted(different))
            started = time.perf_counter()
            same = {number: one for number, one in different.items() if versions.get(number) == one.before.sums.version}
            others = [number for number in different if number in versions and number not in same]
            found = [*same.values(), *await _judged(conn, others, around, now)]
            await save(conn, found, around, shard=os.getpid() % SHARDS)
            return found, started

        written, started = await database.run(work)
        held = time.perf_counter() - started
        different = {one.after.copy.recipient_id: one for one in written}
    return _Batch(
        copies=len(judged),
        events=sum(one.after.sums.event_count for one in judged),
        badges=sum(one.badge_changed for one in different.values()),
        held=held,
    )


async def _begin(conn: Connection, since: datetime | None, afresh: bool) -> Row:
    row = await conn.fetch_one("SELECT * FROM email_tracking_reclassify WHERE id = 1 FOR UPDATE")
    if row is not None and not afresh and row["since"] == since:
        return row
    await conn.execute("DELETE FROM email_tracking_reclassify WHERE id = 1")
    await conn.execute(
        "INSERT INTO email_tracking_reclassify (id, since, started_at) VALUES (1, %(since)s, %(now)s)",
        {"since": since, "now": utcnow()},
    )
    return {"after_recipient_id": 0, "copies": 0, "events": 0, "badges": 0}


async def _next(database: Database, after: int, since: datetime | None, size: int) -> list[int]:
    condition = f"AND {SINCE}" if since else ""
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"""
            SELECT recipient_id FROM email_tracking_recipients
             WHERE recipient_id > %(after)s AND event_count > 0 {condition}
             ORDER BY recipient_id LIMIT %(size)s
            """,  # noqa: S608
            {"after": after, "size": size, **({"since": since} if since else {})},
        )
    return [row["recipient_id"] for row in rows]


async def _judged(conn: Connection, ids: Sequence[int], around: Surroundings, now: datetime) -> list[Outcome]:
    if not ids:
        return []
    records = await load(conn, ids, around, most=WHOLE)
    judged = []
    for number, record in enumerate(records[one] for one in ids if one in records):
        judged.append(judge(record, (), now=now, whole=True))
        if number % AT_ONCE == 0:
            # Somebody's locks may wait for this process.
            await asyncio.sleep(0)
    return judged


async def _settle(conn: Connection, ids: Sequence[int], around: Surroundings, now: datetime) -> None:
    """Classify copies whose sums are locked, and write down what is different."""
    judged = await _judged(conn, ids, around, now)
    gone = set(ids) - {one.after.copy.recipient_id for one in judged}
    if gone:
        await _forget(conn, sorted(gone))
    different = [one for one in judged if _differs(one)]
    await save(conn, different, around, shard=os.getpid() % SHARDS)


async def _forget(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Let copies of people who were erased be due no more."""
    numbers = ",".join(map(str, recipient_ids))
    await conn.execute(
        f"UPDATE email_tracking_recipients SET pending_until = NULL WHERE recipient_id IN ({numbers})"  # noqa: S608
    )


def _differs(one: Outcome) -> bool:
    before, after = one.before.sums, one.after.sums
    return (
        bool(one.changed or one.stored)
        or before.pending_until is not None
        or before.state is not after.state
        or (
            (before.words, before.tally, before.first_read_at, before.last_read_at)
            != (after.words, after.tally, after.first_read_at, after.last_read_at)
        )
    )


async def how_many(database: Database, since: datetime | None) -> int:
    """Copies that `reclassify` has to look at."""
    condition = f"AND {SINCE}" if since else ""
    async with database.connection() as conn:
        found = await conn.fetch_value(
            f"SELECT COUNT(*) FROM email_tracking_recipients WHERE event_count > 0 {condition}",  # noqa: S608
            {"since": since} if since else None,
        )
    return int(found)
