"""A database that was killed and has a wrong idea of how large its tables are.

InnoDB keeps its statistics in tables and brings them up to date in the background. After a kill it starts with old
ones: it may hold for minutes that a table is empty, and that to read all of it is the quickest way to one row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.database import Database
from app.localdb import LocalDatabase
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.judging import Judge
from plugins.plausible.recording.store import Store
from tests.plausible.recording import event
from tests.receipts.builders import mailed_reply
from tests.support.faults import copied

REPLIES, COPIES = 40, 15
ASKED = 20
"""Copies that get events."""
MOST = 800
"""Rows that may be read one after the other for them: less than all copies once more."""


@pytest.fixture
def server(template: Path, tmp_path: Path) -> Iterator[LocalDatabase]:
    server = copied(template, tmp_path, options=["--innodb-stats-auto-recalc=0"])
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def tracking_ids(server: LocalDatabase) -> list[str]:
    """Of many copies with an event each, in a server that takes all tables for empty."""
    database = Database(server.url)
    addresses = [f"reader{number}@example.org" for number in range(COPIES)]
    replies = [await mailed_reply(database, *addresses) for _ in range(REPLIES)]
    ids = [copy.tracking_id for reply in replies for copy in reply.recipients]
    await Store(database, KnownCopies()).put([event(one) for one in ids], defer=True)
    while await Judge(database, KnownCopies()).some():
        pass
    async with database.connection() as conn:
        await conn.execute(
            """
            UPDATE mysql.innodb_table_stats SET n_rows = 0, clustered_index_size = 1, sum_of_other_index_sizes = 1
             WHERE database_name = DATABASE()
            """
        )
    await database.close()
    server.kill()
    server.start()
    return ids


@pytest.fixture
async def database(server: LocalDatabase, tracking_ids: list[str]) -> AsyncIterator[Database]:
    """The way into it, once it is misled."""
    database = Database(server.url)
    yield database
    await database.close()


async def rows_read(database: Database) -> int:
    """Rows that the server has read one after the other, for all sessions."""
    async with database.connection() as conn:
        row = await conn.fetch_one("SHOW GLOBAL STATUS LIKE 'Handler_read_rnd_next'")
    assert row is not None
    return int(row["Value"])


@pytest.mark.parametrize("defer", [True, False])
async def test_recording_reads_no_table_as_a_whole(database: Database, tracking_ids: list[str], defer: bool) -> None:
    asked = tracking_ids[:: REPLIES * COPIES // ASKED]
    events = [event(one, kind) for kind in (OPEN, CLICK) for one in asked]
    before = await rows_read(database)
    outcome = await Store(database, KnownCopies()).put(events, defer=defer)
    assert list(outcome.values()) == ["stored"] * len(events)
    if defer:
        assert await Judge(database, KnownCopies()).some()
    assert await rows_read(database) - before < MOST
