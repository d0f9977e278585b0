"""What the spool holds gets into the database: in order, once, and without pushing live events aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from math import inf
from typing import Any

import pytest

from app.database import Database, DatabaseUnavailable
from app.runtime import Runtime
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.recording import replay as module
from plugins.plausible.recording.codec import decode, encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.judging import Judge
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.replay import ALONE, BESIDE, Replayer
from plugins.plausible.recording.settling import Settler
from plugins.plausible.recording.store import Store
from tests.plausible.recording import count, event, recorded, rows
from tests.plausible.recording.fakes import PATIENCE, ScriptedSpool, ScriptedStore
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.waiting import until

Wanted = Callable[[Kind], bool | None]


def yes(_kind: Kind) -> bool:
    return True


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


@pytest.fixture
async def recorder(store: ScriptedStore, spool: ScriptedSpool) -> AsyncIterator[Recorder]:
    """Of live events; its store takes whatever comes."""
    recorder = Recorder(store, spool, bounds={CLICK: inf, OPEN: inf})
    yield recorder
    store.open.set()
    await recorder.close()


@pytest.fixture
def real(portal: Runtime) -> Store:
    return Store(portal.database, KnownCopies())


async def spooled(spool: ScriptedSpool, tracking_id: str, number: int) -> list[TrackingEvent]:
    events = [event(tracking_id, user_agent=str(one)) for one in range(number)]
    await spool.append_all([encode(one) for one in events])
    return events


async def judged(portal: Runtime) -> None:
    """Let all that was put back become events."""
    while await Judge(portal.database, KnownCopies()).some():
        pass


async def agents(database: Database) -> list[str]:
    return [
        row["user_agent"] for row in await rows(database, "SELECT user_agent FROM email_tracking_events ORDER BY id")
    ]


async def test_the_replay_keeps_the_order(
    portal: Runtime, recorder: Recorder, real: Store, spool: ScriptedSpool, reply: MailedReply
) -> None:
    events = await spooled(spool, reply.recipients[0].tracking_id, ALONE + 500)
    assert await Replayer(recorder, real, spool, portal.database, wanted=yes).once() == len(events)
    await judged(portal)
    assert await agents(portal.database) == [str(number) for number in range(len(events))]
    assert spool.state().records == 0


async def test_nothing_is_judged_while_the_spool_is_replayed(
    portal: Runtime,
    recorder: Recorder,
    real: Store,
    spool: ScriptedSpool,
    reply: MailedReply,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALONE", 10)
    await spooled(spool, reply.recipients[0].tracking_id, 40)
    settler = Settler(recorder, Judge(portal.database, KnownCopies()))
    settler.start()
    await Replayer(recorder, real, spool, portal.database, wanted=yes).once()
    assert not recorder.is_calm
    assert await count(portal.database, "email_tracking_events") == 0
    async with asyncio.timeout(PATIENCE):
        while await count(portal.database, "email_tracking_events") < 40:
            await asyncio.sleep(0.02)
    await settler.close()


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_replay_that_was_killed_in_between_stores_each_event_once(
    portal: Runtime,
    recorder: Recorder,
    real: Store,
    spool: ScriptedSpool,
    reply: MailedReply,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    monkeypatch.setattr(module, "ALONE", 10)
    await spooled(spool, reply.recipients[0].tracking_id, 35)
    put, calls = real.put, 0

    async def dies(events: Sequence[TrackingEvent], *, check_keys: bool = False, **how: Any) -> dict[bytes, str]:
        nonlocal calls
        calls += 1
        if calls == 3 and when == "before":
            raise Killed
        outcome = await put(events, check_keys=check_keys, **how)
        if calls == 3:
            raise Killed
        return outcome

    monkeypatch.setattr(real, "put", dies)
    replayer = Replayer(recorder, real, spool, portal.database, wanted=yes)
    with pytest.raises(Killed):
        await replayer.once()
    await replayer.once()
    await judged(portal)
    assert await agents(portal.database) == [str(number) for number in range(35)]
    [sums] = await rows(portal.database, "SELECT open_count FROM email_tracking_recipients")
    assert sums["open_count"] == 35


async def test_an_event_that_was_committed_although_nobody_was_told_counts_once(
    portal: Runtime, recorder: Recorder, real: Store, spool: ScriptedSpool, reply: MailedReply
) -> None:
    events = await spooled(spool, reply.recipients[0].tracking_id, 5)
    await spool.append_all([encode(events[1])])
    await Store(portal.database, KnownCopies()).put(events[2:4])
    await Replayer(recorder, real, spool, portal.database, wanted=yes).once()
    await judged(portal)
    assert await count(portal.database, "email_tracking_events") == 5


async def test_after_a_replay_that_failed_in_the_middle_each_event_is_stored_once(
    portal: Runtime,
    recorder: Recorder,
    real: Store,
    spool: ScriptedSpool,
    reply: MailedReply,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALONE", 10)
    await spooled(spool, reply.recipients[0].tracking_id, 30)
    put, calls = real.put, 0

    async def fails(events: Sequence[TrackingEvent], **how: Any) -> dict[bytes, str]:
        nonlocal calls
        calls += 1
        outcome = await put(events, **how)
        if calls == 2:
            raise DatabaseUnavailable("gone before its answer")
        return outcome

    monkeypatch.setattr(real, "put", fails)
    replayer = Replayer(recorder, real, spool, portal.database, wanted=yes)
    with pytest.raises(DatabaseUnavailable):
        await replayer.once()
    assert await replayer.once() >= 20
    await judged(portal)
    assert await agents(portal.database) == [str(number) for number in range(30)]


async def test_bad_records_are_set_aside_once_and_hold_nothing_up(
    portal: Runtime,
    recorder: Recorder,
    real: Store,
    spool: ScriptedSpool,
    reply: MailedReply,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [good, *_] = await spooled(spool, reply.recipients[0].tracking_id, 3)
    await spool.append_all([b"garbage \xff", b'{"kind": "smell"}', encode(good).replace(b"open", b"pour")])
    replayer = Replayer(recorder, real, spool, portal.database, wanted=yes)
    with monkeypatch.context() as patch:
        patch.setattr(recorder, "came_back", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await replayer.once()
    assert await replayer.once() == 6
    kept = await rows(portal.database, "SELECT record, error FROM email_tracking_quarantine ORDER BY id")
    assert [row["error"] for row in kept] == ["BadRecord"] * 3
    assert kept[0]["record"] == b"garbage \xff"
    await judged(portal)
    assert await count(portal.database, "email_tracking_events") == 3


@pytest.mark.parametrize(("wanted", "kept"), [(True, 2), (False, 1)])
async def test_of_events_that_came_unsure_the_module_is_asked_later(
    portal: Runtime, recorder: Recorder, real: Store, spool: ScriptedSpool, reply: MailedReply, wanted: bool, kept: int
) -> None:
    [sure] = await spooled(spool, reply.recipients[0].tracking_id, 1)
    await spool.append_all([b"garbage", encode(event(sure.tracking_id, CLICK), unsure=True)])
    answer: bool | None = None
    asked: list[Kind] = []

    def ask(kind: Kind) -> bool | None:
        asked.append(kind)
        return answer

    replayer = Replayer(recorder, real, spool, portal.database, wanted=ask)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await replayer.once()
    assert await count(portal.database, "email_tracking_quarantine") == 0
    answer = wanted
    await replayer.once()
    await judged(portal)
    assert await count(portal.database, "email_tracking_events") == kept
    assert set(asked) == {CLICK}


async def test_beside_live_events_the_replay_takes_small_steps(
    portal: Runtime, recorder: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    slow = ScriptedStore()
    replayer = Replayer(recorder, slow, spool, portal.database, wanted=yes)
    await spooled(spool, "a", 2 * BESIDE + 10)
    store.open.clear()
    live = asyncio.ensure_future(recorded(recorder, event("live")))
    await store.reached(1)
    await replayer.once()
    assert [len(batch) for batch in slow.batches] == [BESIDE, BESIDE, 10]
    store.open.set()
    await live
    await spooled(spool, "a", 2 * BESIDE + 10)
    await replayer.once()
    assert [len(batch) for batch in slow.batches[3:]] == [2 * BESIDE + 10]


async def test_live_events_are_committed_while_a_replay_goes_on(
    portal: Runtime, recorder: Recorder, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALONE", 1)
    slow = ScriptedStore()
    slow.open.clear()
    await spooled(spool, "a", 3)
    replay = asyncio.ensure_future(Replayer(recorder, slow, spool, portal.database, wanted=yes).once())
    await slow.reached(1)
    assert await recorded(recorder, event("live")) == "committed"
    slow.open.set()
    assert await replay == 3


async def test_the_database_counts_as_back_once_it_took_something(
    portal: Runtime, recorder: Recorder, store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    replayer = Replayer(recorder, store, spool, portal.database, wanted=yes)
    replayer.start()
    try:
        # It answers, but takes nothing: read-only, perhaps.
        store.error = DatabaseUnavailable("read-only")
        assert await recorded(recorder, event("a")) == "spooled"
        await store.reached(5)
        assert recorder.is_away
        # A fault of ours ends no replay either.
        store.error = RuntimeError("x")
        await store.reached(len(store.batches) + 3)
        assert recorder.is_away
        store.error = None
        await until(lambda: not recorder.is_away)
        await until(lambda: spool.state().records == 0)
        assert store.requests() == {"a": 1}
        assert await recorded(recorder, event("b")) == "committed"
    finally:
        await replayer.close()


async def test_with_no_spool_the_database_is_tried_again_once_it_answers(
    portal: Runtime, recorder: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.error, spool.error = DatabaseUnavailable("gone"), OSError("full")
    assert await recorded(recorder, event("a")) == "lost"
    assert await Replayer(recorder, store, spool, portal.database, wanted=yes).once() == 0
    assert not recorder.is_away


async def test_while_the_database_does_not_answer_nothing_is_taken_out_of_the_spool(
    recorder: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    nowhere = Database("mysql://nobody@localhost/x?unix_socket=/nowhere/at.all")
    records = [encode(one) for one in await spooled(spool, "a", 3)]
    with pytest.raises(DatabaseUnavailable):
        await Replayer(recorder, store, spool, nowhere, wanted=yes).once()
    assert [encode(one) for one, _ in await spool.events()] == records
    assert decode(records[0])[0].tracking_id == "a"
