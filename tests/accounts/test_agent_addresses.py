"""The addresses from which we work ourselves: noted as hashes, told to plugins without waiting, forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app, housekeeping
from app.accounts import admin as administration
from app.accounts import agent_addresses, agent_signs, token_repository
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database, DatabaseUnavailable, utcnow
from app.hookspecs import ModuleSettings, PluginContext
from app.runtime import Runtime
from app.services.web import AgentSigns
from app.settings import Settings
from tests.support.waiting import until
from tests.support.web import HOST, log_in

OFFICE = "192.0.2.44"


def context(settings: Settings, database: Database) -> PluginContext:
    return PluginContext(settings, database, lambda: True, ModuleSettings)


@pytest.fixture
async def signs(settings: Settings, db: Database) -> AsyncIterator[AgentSigns]:
    """What a plugin builds in its web process."""
    signs = AgentSigns(context(settings, db))
    yield signs
    await signs.close()


async def visit(client: Client, address: str, path: str = "/profile", **headers: str) -> int:
    """Open a page from an address; the status."""
    response = await client.get(path, headers={"Host": HOST, **headers}, scope_base={"client": (address, 50000)})
    return int(response.status_code)


async def stored(database: Database) -> list[bytes]:
    async with database.connection() as conn:
        return [row["address_hash"] for row in await conn.fetch_all("SELECT address_hash FROM agent_addresses")]


async def test_a_visit_of_somebody_logged_in_is_a_sign(agent_client: Client, signs: AgentSigns) -> None:
    await signs.refresh()
    assert not signs.is_agent_address(OFFICE)
    assert await visit(agent_client, OFFICE) == 200

    await signs.refresh()

    assert signs.is_agent_address(OFFICE)
    assert not signs.is_agent_address("192.0.2.45")
    assert not signs.is_agent_address("")


async def test_only_a_keyed_hash_is_stored(
    agent_client: Client, db: Database, settings: Settings, signs: AgentSigns
) -> None:
    await visit(agent_client, OFFICE)
    [digest] = await stored(db)
    assert len(digest) == 16
    other = settings.model_copy(update={"secret_key": type(settings.secret_key)("another key" * 4)})  # type: ignore[misc]
    stranger = AgentSigns(context(other, db))
    await stranger.refresh()
    assert not stranger.is_agent_address(OFFICE)
    rotated = AgentSigns(context(other.model_copy(update={"secret_key_previous": [settings.secret_key]}), db))
    await rotated.refresh()
    assert rotated.is_agent_address(OFFICE), "what was noted under an earlier key is still known"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "", "unix"])
async def test_this_machine_and_our_own_proxies_are_nobodys_address(
    settings: Settings, runtime: Runtime, agent: User, db: Database, address: str
) -> None:
    trusting = Settings.model_validate({**settings.model_dump(), "trusted_proxies": "127.0.0.0/8, 10.0.0.0/8"})
    app = create_app(trusting)
    await app.startup()
    client = await log_in(app, agent)
    assert await visit(client, address) == 200
    assert await stored(db) == []

    assert await visit(client, "10.1.2.3", **{"X-Forwarded-For": f"{OFFICE}, 10.9.9.9"}) == 200
    await app.shutdown()
    signs = AgentSigns(context(trusting, db))
    await signs.refresh()
    assert signs.is_agent_address(OFFICE)


async def test_an_address_that_becomes_a_proxys_is_no_sign_any_more(
    agent_client: Client, settings: Settings, db: Database
) -> None:
    await visit(agent_client, "10.1.2.3")
    trusting = Settings.model_validate({**settings.model_dump(), "trusted_proxies": "10.0.0.0/8"})
    signs = AgentSigns(context(trusting, db))
    await signs.refresh()
    assert not signs.is_agent_address("10.1.2.3")


async def test_strangers_and_programs_leave_no_sign(app: Quart, client: Client, agent: User, db: Database) -> None:
    token = await accounts.create_api_token(agent.email)
    assert await visit(client, OFFICE, "/login") == 200
    assert await visit(client, OFFICE, "/api/tickets", Authorization=f"Bearer {token}") == 200
    assert await stored(db) == []


async def test_an_address_is_written_once_an_hour_by_one_process(
    agent_client: Client, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visit(agent_client, OFFICE)
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM agent_addresses")
    await visit(agent_client, OFFICE)
    assert await stored(db) == []

    monkeypatch.setattr(agent_addresses, "WRITTEN_EVERY", 0.0)
    await visit(agent_client, OFFICE)
    assert len(await stored(db)) == 1


async def test_a_database_that_does_not_take_it_costs_nobody_the_page(
    agent_client: Client, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("app.accounts.agent_address_repository.note", fails)
        assert await visit(agent_client, OFFICE) == 200
    assert await stored(db) == []
    await visit(agent_client, OFFICE)
    assert len(await stored(db)) == 1, "the next request tries again"


async def test_an_address_is_forgotten_after_30_days(
    agent_client: Client, db: Database, runtime: Runtime, signs: AgentSigns
) -> None:
    await visit(agent_client, OFFICE)
    await visit(agent_client, "192.0.2.45")
    async with db.transaction() as conn:
        first = "UPDATE agent_addresses SET seen_at = %(then)s ORDER BY seen_at LIMIT 1"
        await conn.execute(first, {"then": utcnow() - timedelta(days=30, minutes=1)})

    await signs.refresh()
    assert (signs.is_agent_address(OFFICE), signs.is_agent_address("192.0.2.45")) == (False, True)
    await housekeeping.tidy(runtime)
    assert len(await stored(db)) == 1


async def test_addresses_are_read_again_beside_the_requests(
    agent_client: Client, signs: AgentSigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not signs.is_agent_address(OFFICE), "nothing is read yet"
    await visit(agent_client, OFFICE)
    monkeypatch.setattr(agent_signs, "FRESH", 0.0)
    await signs.refresh()
    await until(lambda: signs.is_agent_address(OFFICE))
    assert not signs.is_agent_address("192.0.2.45")


async def test_while_the_database_is_away_the_last_answer_holds(
    settings: Settings, agent_client: Client, signs: AgentSigns, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise DatabaseUnavailable("gone")

    await visit(agent_client, OFFICE)
    await signs.refresh()
    monkeypatch.setattr("app.accounts.agent_address_repository.since", fails)

    await signs.refresh()
    assert signs.is_agent_address(OFFICE)
    unread = AgentSigns(context(settings, db))
    await unread.refresh()
    assert not unread.is_agent_address(OFFICE)


async def cookie_of(user: User) -> bytes:
    token = await accounts.start_session(user, address="", user_agent="")
    return f"tz=UTC; myportal={token}; x=y".encode()


async def test_a_live_session_is_a_sign_and_an_ended_or_made_up_one_is_not(
    signs: AgentSigns, agent: User, admin: User
) -> None:
    assert signs.session_cookie_names() == {"myportal"}
    assert await signs.is_agent_session(await cookie_of(agent))
    ended = await cookie_of(admin)
    await accounts.end_session(ended.split(b"=")[2].split(b";")[0].decode())
    assert not await signs.is_agent_session(ended)
    disabled = await cookie_of(agent)
    await administration.disable(by=admin, user_id=agent.id)
    assert not await signs.is_agent_session(disabled)


@pytest.mark.parametrize(
    "header", [b"", b"=;;=", b"myportal=", b"myportal=short", b"other=" + b"a" * 43, b"\xff\xfe", b"m" * 100_000]
)
async def test_what_cannot_be_a_session_is_not_looked_up(
    signs: AgentSigns, header: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AgentSigns, "_look_up", lambda *_: pytest.fail("looked up"))
    assert not await signs.is_agent_session(header)


async def test_a_session_is_looked_up_once_a_minute(
    signs: AgentSigns, agent: User, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await cookie_of(agent)
    assert await signs.is_agent_session(cookie)
    with monkeypatch.context() as patch:
        patch.setattr(db, "connection", lambda: pytest.fail("looked up again"))
        assert await signs.is_agent_session(cookie)


async def test_a_slow_lookup_keeps_nobody_waiting_and_serves_the_next_request(
    signs: AgentSigns, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    found = token_repository.user_of_session

    async def slow(*given: Any, **named: Any) -> Any:
        await gate.wait()
        return await found(*given, **named)

    monkeypatch.setattr(token_repository, "user_of_session", slow)
    cookie = await cookie_of(agent)
    assert not await signs.is_agent_session(cookie), "it is late"
    made_up = [f"myportal={number:043}".encode() for number in range(20)]
    assert not any(await asyncio.gather(*(signs.is_agent_session(one) for one in made_up)))
    assert len(signs._lookups) == agent_signs.MOST_LOOKUPS, "strangers cannot take all connections"

    gate.set()
    await until(lambda: not signs._lookups)
    assert await signs.is_agent_session(cookie)


async def test_a_lookup_that_fails_is_no_sign(settings: Settings, agent: User) -> None:
    cookie = await cookie_of(agent)
    away = Database("mysql://root@/portal?unix_socket=/nowhere/mysqld.sock")
    assert not await AgentSigns(context(settings, away)).is_agent_session(cookie)
