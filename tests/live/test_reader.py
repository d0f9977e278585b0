"""Reading each row once, over a real database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pymysql
import pytest

from app.database import Connection, Database
from app.live import repository, service
from app.live.events import OVERLAP, Cursor
from app.live.packing import MOST, Change, expand
from app.live.reader import Reader, unheard
from tests.support.live import AllTopics, published

ALL = AllTopics()


async def publish(db: Database, *ticket_ids: int) -> None:
    async with db.transaction() as conn:
        repository.insert(conn, [Change({"kind": "ticket", "ticket_id": number}, lists=True) for number in ticket_ids])


async def read(db: Database, reader: Reader) -> list[int]:
    """Tickets whose changes come now."""
    async with db.connection() as conn:
        rows = await reader.news(conn)
    return [event.detail["ticket_id"] for row in rows for event in expand(row, ALL) if event.topic != "tickets"]


async def put(db: Database, number: int, ticket_id: int, at: datetime) -> None:
    """A row with this id and time."""
    async with db.connection() as conn:
        await conn.execute(
            "INSERT INTO live_events (id, changes, created_at) VALUES (%s, %s, %s)",
            [number, f'[[{{"kind":"ticket","ticket_id":{ticket_id}}},true]]', at],
        )


async def clock(db: Database) -> datetime:
    async with db.connection() as conn:
        return await repository.now(conn)


async def test_each_row_comes_once(db: Database) -> None:
    await publish(db, 1)
    reader = Reader()
    assert await read(db, reader) == [1]
    assert await read(db, reader) == []
    await publish(db, 2, 3)
    await publish(db, 4)
    assert await read(db, reader) == [2, 3, 4]
    assert await read(db, reader) == []


async def test_a_batch_lies_in_few_rows_and_is_read_whole(db: Database) -> None:
    many = range(1, 10 * MOST + 2)
    reader = Reader()
    await read(db, reader)
    await publish(db, *many)
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM live_events") == 11
    assert await read(db, reader) == list(many)
    assert len({event.id for event in await published(db)}) == 2 * len(many)


async def test_what_a_transaction_brings_late_is_read_once(db: Database) -> None:
    reader = Reader()
    await read(db, reader)
    async with db.transaction() as late:
        repository.insert(late, [Change({"kind": "ticket", "ticket_id": 1}, lists=True)])
        await late.flush()
        await publish(db, 2)
        assert await read(db, reader) == [2]
        await publish(db, 3)
    assert await read(db, reader) == [3, 1]
    assert await read(db, reader) == []


async def test_ids_that_never_come_are_not_waited_for(db: Database) -> None:
    reader = Reader()
    await read(db, reader)
    for number in range(1, 4):
        with pytest.raises(LookupError):
            async with db.transaction() as conn:
                repository.insert(conn, [Change({"kind": "ticket", "ticket_id": 99}, lists=True)])
                await conn.flush()
                raise LookupError
        await publish(db, number)
    assert await read(db, reader) == [1, 2, 3]


async def test_ids_of_a_cluster_that_go_down_in_time_are_all_read(db: Database) -> None:
    reader = Reader()
    await read(db, reader)
    start = await clock(db)
    await put(db, 1000, 1, start)
    assert await read(db, reader) == [1]
    await put(db, 7, 2, start)
    await put(db, 500, 3, start + timedelta(seconds=1))
    await put(db, 8, 4, start - timedelta(seconds=1))
    assert await read(db, reader) == [3, 4, 2]
    assert await read(db, reader) == []


async def test_the_last_ids_of_the_database_are_read(db: Database) -> None:
    start = await clock(db)
    reader = Reader()
    try:
        await put(db, 2**63 - 2, 1, start)
        await put(db, 2**63 - 1, 2, start)
        assert await read(db, reader) == [1, 2]
        assert await read(db, reader) == []
    finally:
        # No further id could be given; this begins again at 1.
        async with db.connection() as conn:
            await conn.execute("TRUNCATE TABLE live_events")


async def test_a_first_look_reaches_back_as_far_as_the_overlap(db: Database) -> None:
    now = await clock(db)
    await put(db, 1, 1, now - OVERLAP - timedelta(seconds=1))
    await put(db, 2, 2, now - OVERLAP / 2)
    reader = Reader()
    assert await read(db, reader) == [2]
    await put(db, 3, 3, now)
    assert await read(db, reader) == [3]


async def test_rows_that_were_thrown_away_are_not_missed(db: Database) -> None:
    reader = Reader()
    await publish(db, 1, 2)
    assert await read(db, reader) == [1, 2]
    async with db.connection() as conn:
        await conn.execute("DELETE FROM live_events")
    assert await read(db, reader) == []
    await publish(db, 3)
    assert await read(db, reader) == [3]


async def test_a_look_that_fails_halfway_is_made_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    await read(db, reader)
    await publish(db, 1)

    async def fails(conn: Connection, moment: datetime) -> int:
        raise pymysql.err.OperationalError(1105, "not now")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "count", fails)
        with pytest.raises(pymysql.err.OperationalError):
            await read(db, reader)
    assert await read(db, reader) == [1]


async def test_ids_are_looked_at_only_when_something_came_late(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(conn: Connection, moment: datetime) -> list[int]:
        raise AssertionError

    monkeypatch.setattr(repository, "ids", never)
    reader = Reader()
    for number in range(1, 5):
        await publish(db, number, number + 10)
        assert await read(db, reader) == [number, number + 10]


async def test_a_page_is_told_what_it_has_not_heard_on_its_topics(db: Database) -> None:
    start = Cursor(await clock(db))
    await publish(db, 1, 2, 12, 13)
    async with db.connection() as conn:
        [first] = await unheard(conn, {"ticket:1"}, start)
        both = await unheard(conn, {"ticket:12", "ticket:2"}, start)
        lists = await unheard(conn, {"tickets"}, start)
        after = await unheard(conn, {"ticket:1", "ticket:13"}, Cursor(first.created_at, frozenset({first.id})))
    assert first.topic == "ticket:1"
    assert [event.topic for event in both] == ["ticket:2", "ticket:12"]
    assert [event.detail["ticket_id"] for event in lists] == [1, 2, 12, 13]
    assert [event.topic for event in after] == ["ticket:13"]


async def test_the_database_leaves_out_rows_about_others(db: Database) -> None:
    start = await clock(db)
    await publish(db, 1, 12)
    async with db.transaction() as conn:
        await service.publish_receipts(conn, {5: 21, 6: 22}, changed=set())
        await service.publish_receipts(conn, {7: 2}, changed={7})
    async with db.connection() as conn:
        about_two = await repository.since(conn, start, topics={"ticket:2"})
        lists = await repository.since(conn, start, topics={"tickets"})
        every = await repository.since(conn, start)
    assert (len(about_two), len(lists), len(every)) == (1, 2, 3)
