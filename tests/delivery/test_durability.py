"""The database goes away: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Connection, Database, DatabaseUnavailable
from app.localdb import LocalDatabase
from app.spool import SpoolUnavailable
from plugins.delivery import consequences, intake, repository, store
from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.model import Matched
from plugins.delivery.module import DeliveryEvents
from tests.delivery.senders import SENDERS, post
from tests.delivery.sending import bounce, events, fate, send
from tests.receipts.builders import MailedReply


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Matched]:
    """All that consequences were told, also by transactions that were taken back."""
    told: list[Matched] = []
    apply = consequences.apply

    async def noted(conn: Connection, matched: Sequence[Matched], rules: FollowSettings | None = None) -> None:
        told.extend(matched)
        await apply(conn, matched, rules)

    monkeypatch.setattr(consequences, "apply", noted)
    return told


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LOOK", 0.05)


def members(reply: MailedReply, count: int) -> list[Any]:
    copy = reply.recipients[0]
    return [SENDERS[0].bounce(copy.tracking_id, copy.email, f"n{number}")[0] for number in range(count)]


async def stored(database: Database, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await events(database)) < count:
            await asyncio.sleep(0.05)


async def emptied(plugin: DeliveryEvents) -> None:
    async with asyncio.timeout(20):
        while plugin._handles().intake.spool.state().records:
            await asyncio.sleep(0.05)


async def test_a_batch_whose_transaction_breaks_in_the_middle_is_spooled_and_replayed_once(
    world: Client,
    database: Database,
    reply: MailedReply,
    plugin: DeliveryEvents,
    followed: list[Matched],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert, fails = repository.insert_events, [True]

    async def breaks(conn: Connection, rows: Any) -> None:
        await insert(conn, rows[: len(rows) // 2])
        if fails.pop() if fails else False:
            raise DatabaseUnavailable("the connection was lost")
        await insert(conn, rows[len(rows) // 2 :])

    monkeypatch.setattr(repository, "insert_events", breaks)
    given = SENDERS[0].sign(post(members(reply, 20)), False)
    assert (await send(world, "sendgrid", given))[0] == 200
    await stored(database, 20)
    await emptied(plugin)
    assert len(await events(database)) == 20
    assert len(followed) == 20
    assert await fate(database, reply) == "bounced"


async def test_a_commit_without_an_answer_counts_once(
    world: Client,
    database: Database,
    reply: MailedReply,
    plugin: DeliveryEvents,
    followed: list[Matched],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, fails = Database.run, [True]

    async def loses(self: Database, work: Callable[[Connection], Awaitable[Any]]) -> Any:
        found = await run(self, work)
        if fails and isinstance(found, store.Taken):
            fails.pop()
            raise DatabaseUnavailable("the answer was lost")
        return found

    monkeypatch.setattr(Database, "run", loses)
    given = SENDERS[0].sign(post(members(reply, 5)), False)
    assert (await send(world, "sendgrid", given))[0] == 200
    assert not fails
    await emptied(plugin)
    assert len(await events(database)) == 5
    assert len(followed) == 5


@pytest.mark.parametrize("sender", SENDERS, ids=lambda one: one.slug)
async def test_without_database_and_spool_the_provider_is_told_to_come_again(
    world: Client,
    database: Database,
    reply: MailedReply,
    plugin: DeliveryEvents,
    sender: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(records: Any) -> None:
        raise SpoolUnavailable("the disk is full")

    async def away(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("the database is away")

    given = bounce(sender, reply)
    with monkeypatch.context() as patched:
        patched.setattr(plugin._handles().intake.spool, "append_all", full)
        patched.setattr(store, "put", away)
        status, answer = await send(world, sender.slug, given)
    assert status == (429 if sender.slug == "brevo" else 503)
    assert answer["status"] == "error"
    plugin._handles().intake._away_until = 0
    assert (await send(world, sender.slug, given))[0] == 200
    assert len(await events(database)) == 1


async def test_a_silent_database_does_not_keep_providers_waiting(
    world: Client,
    database: Database,
    reply: MailedReply,
    plugin: DeliveryEvents,
    database_server: LocalDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database_server.pause()
    try:
        given = bounce(SENDERS[-1], reply)
        async with asyncio.timeout(9):
            assert (await send(world, "generic", given))[0] == 200
        async with asyncio.timeout(1):
            assert (await send(world, "generic", bounce(SENDERS[-1], reply)))[0] == 200
        assert plugin._handles().intake.spool.state().records == 2
        assert "2 delivery events wait" in plugin.readiness()[0].message
    finally:
        database_server.resume()
    await stored(database, 2)
    await emptied(plugin)
    assert await fate(database, reply) == "bounced"


async def test_two_who_tell_the_same_at_once_tell_it_once(
    world: Client, database: Database, reply: MailedReply, followed: list[Matched]
) -> None:
    given = SENDERS[0].sign(post(members(reply, 50)), False)
    turned = SENDERS[0].sign(post(members(reply, 50)[::-1]), False)
    answers = await asyncio.gather(*(send(world, "sendgrid", one) for one in (given, turned, given, turned)))
    assert {status for status, _ in answers} == {200}
    assert len(await events(database)) == 50


async def test_an_event_that_the_database_refuses_does_not_hold_up_the_others(
    world: Client, database: Database, reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = repository._written
    monkeypatch.setattr(
        repository,
        "_written",
        lambda one, *rest: (
            written(one, *rest).replace("'sendgrid'", f"'{'x' * 30}'")
            if '"n3"' in one.event.raw
            else written(one, *rest)
        ),
    )
    given = SENDERS[0].sign(post(members(reply, 6)), False)
    assert (await send(world, "sendgrid", given))[0] == 200
    assert len(await events(database)) == 5
