"""Events of a rush that are stored and not judged yet: by the batch, one row each. The SQL about them.

To store a batch takes one statement that waits for nobody: no copy is looked up and no sums are locked, whoever judges
at the same time. Nothing counts these events, and nothing shows them, until they are judged: see `judging.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import accumulate

from app.database import Connection, utcnow
from app.sql import derived, in_parts, moment
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.codec import encode_all

IN_A_ROW = 50
"""Events of one row at most."""
ROWS = 2000
MOST = 30_000
"""Rows, and events in them, that one process judges together: the more, the more of one copy are among them. Some
10 MB.
"""
READ = 50
"""Rows whose records are in memory at the same time."""


def add(events: Sequence[TrackingEvent]) -> str:
    """Store events (at least one), to be judged later."""
    at = moment(utcnow())
    rows = ",".join(_row(part, at) for part in in_parts(events, IN_A_ROW))
    return f"INSERT INTO email_tracking_arrivals (arrived_at, events, record) VALUES {rows}"  # noqa: S608


def _row(events: Sequence[TrackingEvent], at: str) -> str:
    # JSON has no control characters, so that only these two mean something to SQL; to look for all that may takes as
    # long as to write the JSON.
    record = encode_all(events).replace("\\", "\\\\").replace("'", "\\'")
    return f"('{at}',{sum([event.repeats for event in events])},'{record}')"


async def claim(conn: Connection) -> list[int]:
    """The ids of the oldest rows that nobody else is at, locked."""
    rows = await conn.fetch_all(
        f"""
        SELECT id, events FROM email_tracking_arrivals FORCE INDEX (PRIMARY)
         ORDER BY id LIMIT {ROWS} FOR UPDATE SKIP LOCKED
        """  # noqa: S608
    )
    sizes = accumulate(row["events"] for row in rows)
    return [row["id"] for place, (row, size) in enumerate(zip(rows, sizes, strict=True)) if not place or size <= MOST]


async def records(conn: Connection, ids: Sequence[int]) -> AsyncIterator[str]:
    """The records of rows, one after the other."""
    for some in in_parts(ids, READ):
        rows = await conn.fetch_all(
            "SELECT record FROM email_tracking_arrivals FORCE INDEX (PRIMARY) "  # noqa: S608
            f"WHERE id IN ({','.join(map(str, some))}) ORDER BY id"
        )
        for row in rows:
            yield row["record"]


def remove(ids: Iterable[int]) -> str:
    """Take rows (at least one) away, because their events are judged.

    One by one and not by `IN`: for that the server may look at each row, and wait for those that others hold.
    """
    gone = derived(("id",), ((str(number),) for number in ids))
    return (
        f"DELETE a FROM {gone} AS gone "
        "STRAIGHT_JOIN email_tracking_arrivals AS a FORCE INDEX (PRIMARY) ON a.id = gone.id"
    )
