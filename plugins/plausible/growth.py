"""Keeps the events in monthly partitions, and drops those that are old: the counts on replies and recipients stay.

Source: MariaDB and MySQL, "RANGE COLUMNS partitioning"; both know the statements used here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pymysql
import structlog

from app.database import Connection, Database, utcnow

log = structlog.get_logger(__name__)

TABLE = "email_tracking_events"
REST = "p_rest"
"""Takes what no month takes: events after the last of them."""
AHEAD = 3
"""Months for which a partition is there before they begin."""
INTERVAL = 6 * 3600.0
"""Seconds between two looks."""
PATIENCE = 2
"""Seconds to wait for the table: recording waits as long, and goes to the spool meanwhile."""
LONGEST = 4 * 3600.0
"""Seconds that moving events into their months may take: where no worker ran for months it copies all of them. Others
read the table meanwhile, recording writes to the spool.
"""
ACQUIRE = 5.0
BUSY = frozenset({1205, 1213, 3572})


def name_of(month: date) -> str:
    """The partition of a month: 'p202611'."""
    return f"p{month:%Y%m}"


def later(month: date, count: int) -> date:
    """The first day of the month `count` months after; negative for before."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def missing(present: Sequence[str], today: date) -> list[date]:
    """The months that need a partition: this one and those ahead, after the last one there is. In order."""
    months = [later(today, count) for count in range(AHEAD + 1)]
    last = max((name for name in present if name != REST), default="")
    return [month for month in months if name_of(month) > last]


def outdated(present: Sequence[str], today: date, keep: int) -> list[str]:
    """The partitions in which nothing is younger than `keep` days."""
    oldest = name_of(today - timedelta(days=keep))
    return sorted(name for name in present if name != REST and name < oldest)


async def partitions(conn: Connection) -> list[str]:
    """The names of the partitions there are, in order."""
    rows = await conn.fetch_all(
        """
        SELECT partition_name AS name FROM information_schema.partitions
         WHERE table_schema = DATABASE() AND table_name = %(table)s AND partition_name IS NOT NULL
         ORDER BY partition_ordinal_position
        """,
        {"table": TABLE},
    )
    return [row["name"] for row in rows]


async def tend(database: Database, *, keep: Callable[[], int], now: Callable[[], datetime] = utcnow) -> None:
    """Make the partitions of the months ahead, drop those in which all is older than `keep()` days; 0
    keeps all.

    Any number of workers may do it at once. Where the table is busy, the next run does it.
    """
    today = now().astimezone(UTC).date()
    async with database.connection() as conn:
        present = await partitions(conn)
    months, old = missing(present, today), outdated(present, today, keep()) if keep() else []
    if not months and not old:
        return
    # Every statement has an end that others set for it; that of the portal is seconds, this one may need hours.
    patient = database.sibling(size=1, deadline=LONGEST, acquire=ACQUIRE)
    try:
        async with patient.connection() as conn:
            await conn.execute(f"SET SESSION lock_wait_timeout = {PATIENCE}")
            if months:
                await _make(conn, months)
            if old:
                await conn.execute(f"ALTER TABLE {TABLE} DROP PARTITION {', '.join(old)}")
                log.info("old events dropped", months=len(old))
    except pymysql.err.OperationalError as error:
        if error.args[0] not in BUSY:
            raise
        log.info("the table of events is busy; its months are tended later")
    finally:
        await patient.close()


async def _make(conn: Connection, months: Sequence[date]) -> None:
    began = time.monotonic()
    made = [f"PARTITION {name_of(month)} VALUES LESS THAN ('{later(month, 1):%Y-%m-%d}')" for month in months]
    await conn.execute(
        f"ALTER TABLE {TABLE} REORGANIZE PARTITION {REST} INTO "
        f"({', '.join(made)}, PARTITION {REST} VALUES LESS THAN (MAXVALUE))"
    )
    log.info("months made in the table of events", months=len(months), seconds=round(time.monotonic() - began, 1))
