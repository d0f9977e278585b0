"""The ground that everything stands on: database, migrations, guards."""

from __future__ import annotations

import asyncio

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database, DatabaseUnavailable, utcnow
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
