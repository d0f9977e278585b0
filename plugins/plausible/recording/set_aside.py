"""What the operator does with events that were set aside: look at them, put them back, let them go."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection, Database
from app.sql import in_list
from plugins.plausible.events import Kind, TrackingEvent
from plugins.plausible.recording import statements
from plugins.plausible.recording.codec import BadRecord, decode, encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store

BATCH = 200
"""Events that are put back by one transaction."""
UNKNOWN = "no tracked copy has this id"
"""The new reason of an event whose copy is not there."""


@dataclass(frozen=True)
class SetAside:
    """One event that was set aside. number: of its row, to name it by. kind: None where the record is no event."""

    number: int
    at: datetime
    kind: Kind | None
    error: str


@dataclass(frozen=True)
class _Row:
    number: int
    record: bytes
    at: datetime
    error: str


async def listed(database: Database, *, most: int) -> Sequence[SetAside]:
    """The oldest ones, at most so many; nothing of them that tells of people."""
    found: list[SetAside] = []
    async with database.connection() as conn:
        for row in await _rows(conn, None, after=0, most=most):
            event = _event(row)
            found.append(SetAside(row.number, row.at, event.kind if event else None, row.error))
    return found


async def count(database: Database) -> int:
    """How many there are."""
    async with database.connection() as conn:
        return await statements.quarantined(conn)


async def retry(database: Database, numbers: Sequence[int] | None = None) -> Counter[str]:
    """Put events back, all or those named, in the way in which every event comes; each counts once, however often.

    How many by what became of them: 'stored', 'duplicate' (it was there already), 'unknown' (no such copy),
    'quarantined' (refused once more). The last two stay set aside, with their new reason. Raises DatabaseUnavailable
    where the database takes nothing now; what was done until then is done.
    """
    store = Store(database, KnownCopies())
    outcomes: Counter[str] = Counter()
    async for rows in _batches(database, numbers):
        events = {row.number: event for row in rows if (event := _event(row)) is not None}
        found = await store.put(list(events.values()), check_keys=True) if events else {}
        done: list[int] = []
        for row in rows:
            event = events.get(row.number)
            outcome = found[event.key] if event is not None else "quarantined"
            outcomes[outcome] += 1
            # Refused once more, it is set aside as it would be written today: that may be another row.
            is_elsewhere = event is not None and outcome == "quarantined" and _hash(encode(event)) != _hash(row.record)
            if outcome in {"stored", "duplicate"} or is_elsewhere:
                done.append(row.number)
            elif outcome == "unknown":
                await _give_reason(database, row.number, UNKNOWN)
            elif event is None:
                await _give_reason(database, row.number, BadRecord.__name__)
        await _delete(database, done)
    return outcomes


async def drop(database: Database, numbers: Sequence[int] | None = None) -> int:
    """Let events go for good, all or those named; how many."""
    dropped = 0
    async for rows in _batches(database, numbers):
        dropped += await _delete(database, [row.number for row in rows])
    return dropped


async def _batches(database: Database, numbers: Sequence[int] | None) -> AsyncIterator[Sequence[_Row]]:
    """Those that are there now, from the oldest on; what is set aside meanwhile is not among them."""
    async with database.connection() as conn:
        last = int(await conn.fetch_value("SELECT COALESCE(MAX(id), 0) FROM email_tracking_quarantine"))
    after = 0
    while True:
        async with database.connection() as conn:
            rows = [row for row in await _rows(conn, numbers, after=after, most=BATCH) if row.number <= last]
        if not rows:
            return
        yield rows
        after = rows[-1].number


async def _rows(conn: Connection, numbers: Sequence[int] | None, *, after: int, most: int) -> Sequence[_Row]:
    if numbers is not None and not numbers:
        return []
    named, parameters = in_list("id", numbers) if numbers else ("", {})
    condition = f"AND id IN {named}" if named else ""
    rows = await conn.fetch_all(
        f"""
        SELECT id, record, quarantined_at, error FROM email_tracking_quarantine
         WHERE id > %(after)s {condition} ORDER BY id LIMIT %(most)s
        """,  # noqa: S608
        {**parameters, "after": after, "most": most},
    )
    return [_Row(row["id"], row["record"], row["quarantined_at"], row["error"]) for row in rows]


async def _delete(database: Database, numbers: Sequence[int]) -> int:
    if not numbers:
        return 0
    named, parameters = in_list("id", numbers)
    async with database.transaction() as conn:
        return await conn.execute(f"DELETE FROM email_tracking_quarantine WHERE id IN {named}", parameters)  # noqa: S608


async def _give_reason(database: Database, number: int, error: str) -> None:
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_quarantine SET error = %(error)s WHERE id = %(number)s",
            {"number": number, "error": error},
        )


def _event(row: _Row) -> TrackingEvent | None:
    try:
        return decode(row.record)[0]
    except BadRecord:
        return None


def _hash(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=16).digest()
