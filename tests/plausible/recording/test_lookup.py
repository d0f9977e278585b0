"""Ids without our mark are asked for in groups, a bounded number of times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from math import inf

import pytest

from app.database import Connection, Database
from app.runtime import Runtime
from plugins.plausible.recording import lookup as module
from plugins.plausible.recording import reading
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy
from plugins.plausible.recording.lookup import Lookup, resolve
from tests.receipts.builders import MailedReply, mailed_reply


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database, "bob@example.org", "ann@example.org", "cid@example.org")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many ids each question to the database held."""
    sizes: list[int] = []
    ask = reading.tracked_copies

    async def counted(conn: Connection, tracking_ids: Sequence[str]) -> dict[str, TrackedCopy]:
        sizes.append(len(tracking_ids))
        return await ask(conn, tracking_ids)

    monkeypatch.setattr(module, "tracked_copies", counted)
    return sizes


@pytest.fixture
async def lookup(portal: Runtime) -> AsyncIterator[Lookup]:
    lookup = Lookup(portal.database, KnownCopies())
    yield lookup
    await lookup.close()


def made_up(number: int) -> list[str]:
    return [f"{one:043d}" for one in range(number)]


async def test_ids_that_come_together_are_one_question(lookup: Lookup, reply: MailedReply, asked: list[int]) -> None:
    ours = [one.tracking_id for one in reply.recipients]
    answers = await asyncio.gather(*(lookup.ask(one, within=inf) for one in [*ours, *made_up(300), *ours]))
    assert answers == [True] * 3 + [False] * 300 + [True] * 3
    assert asked == [303]


async def test_what_was_asked_is_not_asked_again(lookup: Lookup, reply: MailedReply, asked: list[int]) -> None:
    ours, strange = reply.recipients[0].tracking_id, "x" * 43
    for _ in range(3):
        assert await lookup.ask(ours, within=inf) is True
        assert await lookup.ask(strange, within=inf) is False
    assert asked == [1, 1]


async def test_unknown_ids_are_forgotten_after_a_while(
    lookup: Lookup, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW", 0.0)
    for name in ("a" * 43, "b" * 43, "a" * 43):
        assert await lookup.ask(name, within=inf) is False
    assert asked == [1, 1, 1]


async def test_unknown_ids_are_remembered_in_bounded_memory(
    lookup: Lookup, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNKNOWN", 10)
    for name in made_up(40):
        assert await lookup.ask(name, within=inf) is False
        assert len(lookup._unknown) <= 10


async def test_a_copy_that_the_memory_has_no_room_for_is_known_all_the_same(
    portal: Runtime, reply: MailedReply
) -> None:
    lookup = Lookup(portal.database, KnownCopies(most=1))
    answers = await asyncio.gather(*(lookup.ask(one.tracking_id, within=inf) for one in reply.recipients))
    assert answers == [True] * 3
    await lookup.close()


async def test_more_than_may_wait_are_not_told(lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    answers = await asyncio.gather(*(lookup.ask(one, within=inf) for one in made_up(8)))
    assert answers == [False] * 5 + [None] * 3


async def test_where_the_database_is_away_nobody_is_told_and_the_next_may_ask(
    portal: Runtime, reply: MailedReply
) -> None:
    ours = reply.recipients[0].tracking_id
    lookup = Lookup(Database("mysql://nobody@localhost/x?unix_socket=/nowhere/at.all"), KnownCopies())
    assert await lookup.ask(ours, within=inf) is None
    lookup._database = portal.database
    assert await lookup.ask(ours, within=inf) is True
    await lookup.close()


async def test_who_cannot_wait_is_not_told_and_the_question_goes_on(lookup: Lookup, reply: MailedReply) -> None:
    ours = reply.recipients[0].tracking_id
    assert await lookup.ask(ours, within=0) is None
    assert await lookup.ask(ours) is True


async def test_a_question_that_fails_for_a_fault_of_ours_keeps_nobody_waiting(
    lookup: Lookup, reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> Mapping[str, TrackedCopy]:
        raise RuntimeError("x")

    ours = reply.recipients[0].tracking_id
    with monkeypatch.context() as patch:
        patch.setattr(module, "resolve", fails)
        assert await lookup.ask(ours, within=inf) is None
    assert await lookup.ask(ours, within=inf) is True


async def test_who_can_wait_no_longer_is_not_told_and_the_others_are(
    lookup: Lookup, reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def held(conn: Connection, tracking_ids: Sequence[str], known: KnownCopies) -> dict[str, TrackedCopy]:
        await go_on.wait()
        return await resolve(conn, tracking_ids, known)

    monkeypatch.setattr(module, "resolve", held)
    monkeypatch.setattr(module, "DEADLINE", 60.0)
    ours = reply.recipients[0].tracking_id
    patient = asyncio.ensure_future(lookup.ask(ours, within=inf))
    assert await lookup.ask(ours, within=0.01) is None
    go_on.set()
    assert await patient is True


async def test_closing_lets_everybody_go(lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = asyncio.Event()

    async def hangs(*_: object) -> Mapping[str, TrackedCopy]:
        reached.set()
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(module, "resolve", hangs)
    tasks = [asyncio.ensure_future(lookup.ask(one, within=inf)) for one in made_up(3)]
    await reached.wait()
    await lookup.close()
    assert await asyncio.gather(*tasks) == [None] * 3


async def test_one_who_hangs_up_does_not_take_the_answer_from_the_others(lookup: Lookup, reply: MailedReply) -> None:
    ours = reply.recipients[0].tracking_id
    first, second = (
        asyncio.ensure_future(lookup.ask(ours, within=inf)),
        asyncio.ensure_future(lookup.ask(ours, within=inf)),
    )
    await asyncio.sleep(0)
    first.cancel()
    assert await second is True
