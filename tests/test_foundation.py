"""The ground that everything stands on: database, migrations, guards."""

from __future__ import annotations

import asyncio

import pymysql
import pytest
from quart.typing import TestClientProtocol as Client

from app import database
from app.database import Connection, Database, DatabaseUnavailable, utcnow
from app.localdb import LocalDatabase
from app.runtime import Runtime
from tests.support.web import get


async def test_a_transaction_that_raises_leaves_nothing(db: Database) -> None:
    with pytest.raises(LookupError):
        async with db.transaction() as conn:
            await conn.execute("INSERT INTO leases VALUES ('a', 'me', %(now)s)", {"now": utcnow()})
            raise LookupError
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM leases") == 0


@pytest.fixture(params=["in one", "one by one"])
async def either(request: pytest.FixtureRequest, db: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Sends what is queued as MariaDB takes it, and as MySQL does."""
    # The connections are there already: only how they are spoken to changes.
    async with db.connection() as one, db.connection() as other:
        assert [await conn.fetch_value("SELECT 1") for conn in (one, other)] == [1, 1]
    monkeypatch.setattr(database, "_is_mariadb", lambda raw: request.param == "in one")
    return db


async def test_what_is_queued_runs_in_order_and_is_committed_whole(either: Database) -> None:
    async with either.transaction() as conn:
        conn.later("INSERT INTO live_events (changes, created_at) VALUES ('a; b', NOW(6)), ('it''s', NOW(6))")
        conn.later("INSERT INTO leases SELECT CONCAT('n', LAST_INSERT_ID()), 'me', NOW(6)")
        conn.later("UPDATE leases SET owner = 'you' WHERE owner = 'me'")
    async with either.connection() as conn:
        [lease] = await conn.fetch_all("SELECT name, owner FROM leases")
        events = await conn.fetch_all("SELECT id, changes FROM live_events ORDER BY id")
    assert [event["changes"] for event in events] == ["a; b", "it's"]
    assert lease == {"name": f"n{events[0]['id']}", "owner": "you"}


async def test_mariadb_gets_what_is_queued_as_one_statement(db: Database) -> None:
    async def compound() -> int:
        async with db.connection() as conn:
            row = await conn.fetch_one("SHOW GLOBAL STATUS LIKE 'Com_compound_sql'")
        return int(row["Value"]) if row else 0

    before = await compound()
    async with db.transaction() as conn:
        conn.later("INSERT INTO leases VALUES ('a', 'me', NOW(6))")
        conn.later("INSERT INTO leases VALUES ('b', 'me', NOW(6))")
    assert await compound() == before + 1


async def test_of_what_is_queued_the_first_that_fails_ends_it_and_nothing_is_left(either: Database) -> None:
    with pytest.raises(pymysql.err.IntegrityError) as raised:
        async with either.transaction() as conn:
            conn.later("INSERT INTO leases VALUES ('a', 'me', NOW(6))")
            conn.later("INSERT INTO leases VALUES ('a', 'you', NOW(6))")
            conn.later("INSERT INTO leases VALUES ('b', 'me', NOW(6))")
    assert raised.value.args[0] == database.DUPLICATE
    async with either.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM leases") == 0
    # Nothing of it is left open, and the connection is good for more.
    async with either.transaction() as conn:
        conn.later("INSERT INTO leases VALUES ('a', 'me', NOW(6))")
    async with either.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM leases") == 1


async def test_what_is_queued_may_deadlock_and_is_done_again(either: Database) -> None:
    async with either.transaction() as conn:
        conn.later("INSERT INTO leases VALUES ('a', 'x', NOW(6)), ('b', 'x', NOW(6))")
    met = asyncio.Barrier(2)
    runs: list[str] = []

    async def cross(first: str, second: str) -> None:
        async def work(conn: Connection) -> None:
            runs.append(first)
            await conn.execute(f"UPDATE leases SET owner = CONCAT(owner, '{first}') WHERE name = '{first}'")  # noqa: S608
            if len(runs) <= 2:
                await met.wait()
            conn.later(f"UPDATE leases SET owner = CONCAT(owner, '{first}') WHERE name = '{second}'")  # noqa: S608

        await either.run(work)

    await asyncio.gather(cross("a", "b"), cross("b", "a"))
    async with either.connection() as conn:
        rows = await conn.fetch_all("SELECT name, owner FROM leases ORDER BY name")
    assert [sorted(row["owner"]) for row in rows] == [["a", "b", "x"], ["a", "b", "x"]]
    assert len(runs) == 3


async def test_a_cancelled_statement_leaves_the_pool_usable(db: Database) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), db.transaction() as conn:
            await conn.fetch_all("SELECT SLEEP(5)")
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT 7") == 7


async def test_a_pool_closes_those_made_from_it(database_server: LocalDatabase) -> None:
    database = Database(database_server.url)
    sibling = database.sibling(size=1, deadline=5, acquire=5)
    async with sibling.connection() as conn:
        number = await conn.fetch_value("SELECT CONNECTION_ID()")
    await database.close()
    other = Database(database_server.url)
    async with other.connection() as conn:
        there = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %(id)s"
        assert await conn.fetch_value(there, {"id": number}) == 0
    await other.close()


async def test_a_silent_server_is_reported_within_the_deadline(database_server: LocalDatabase) -> None:
    database = Database(database_server.url, deadline=0.3, acquire=0.5)
    async with database.connection() as conn:
        await conn.fetch_value("SELECT 1")
    database_server.pause()
    try:
        with pytest.raises(DatabaseUnavailable):
            async with database.connection() as conn:
                await conn.fetch_value("SELECT 1")
    finally:
        database_server.resume()
    async with database.connection() as conn:
        assert await conn.fetch_value("SELECT 1") == 1
    await database.close()


async def test_a_page_asks_a_stranger_to_log_in(client: Client) -> None:
    response = await get(client, "/api/nothing")
    assert response.status_code == 401


async def test_another_host_is_refused(client: Client, runtime: Runtime) -> None:
    response = await get(client, "/api/nothing", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "http://portal.test" in await response.get_data(as_text=True)
