"""Whatever store and spool do, each event that was answered is in one of them, or counted as lost."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from math import inf

import pytest
import structlog

from app.database import DatabaseUnavailable
from app.spool import SpoolUnavailable
from plugins.plausible.events import CLICK, OPEN, Kind
from plugins.plausible.recording import metrics
from plugins.plausible.recording import recorder as module
from plugins.plausible.recording.recorder import LANES, MOST, Recorder
from tests.plausible.recording import event, recorded
from tests.plausible.recording.fakes import PATIENCE, ScriptedSpool, ScriptedStore

GONE = DatabaseUnavailable("no connection")
FULL = SpoolUnavailable("the disk is full")
PATIENT: dict[Kind, float] = {CLICK: inf, OPEN: inf}
HASTY: dict[Kind, float] = {CLICK: 0.0, OPEN: 0.0}


@pytest.fixture
async def patient(store: ScriptedStore, spool: ScriptedSpool) -> AsyncIterator[Recorder]:
    """A recorder whose events wait for the database as long as it takes."""
    recorder = Recorder(store, spool, bounds=PATIENT)
    yield recorder
    store.open.set()
    spool.open.set()
    await recorder.close()


@pytest.fixture
async def hasty(store: ScriptedStore, spool: ScriptedSpool) -> AsyncIterator[Recorder]:
    """A recorder whose events go to the spool at the first look."""
    recorder = Recorder(store, spool, bounds=HASTY)
    yield recorder
    store.open.set()
    spool.open.set()
    await recorder.close()


async def lost() -> float:
    [found] = [one for metric in metrics.LOST.collect() for one in metric.samples if one.name.endswith("_total")]
    return found.value


def recording(recorder: Recorder, *names: str, kind: Kind = OPEN, fold: bool = False) -> list[asyncio.Task[str]]:
    return [asyncio.ensure_future(recorded(recorder, event(name, kind), fold=fold)) for name in names]


async def in_the_queue(recorder: Recorder, store: ScriptedStore, name: str) -> asyncio.Task[str]:
    """With all lanes held: one more event that no transaction has yet."""
    for lane in range(LANES):
        recording(recorder, f"lane {lane}")
        await store.reached(lane + 1)
    [task] = recording(recorder, name)
    await asyncio.sleep(0)
    return task


async def test_events_that_come_together_share_few_transactions(patient: Recorder, store: ScriptedStore) -> None:
    store.open.clear()
    tasks = recording(patient, *(str(number) for number in range(3 * MOST)))
    await store.reached(LANES)
    store.open.set()
    assert set(await asyncio.gather(*tasks)) == {"committed"}
    assert [len(batch) for batch in store.batches] == [MOST] * 3
    in_order = [one.tracking_id for batch in store.batches for one in batch]
    assert in_order == [str(number) for number in range(3 * MOST)]


async def test_an_answer_waits_for_the_commit(patient: Recorder, store: ScriptedStore) -> None:
    store.open.clear()
    [task] = recording(patient, "a")
    await store.reached(1)
    await asyncio.sleep(3 * module.TICK)
    assert not task.done()
    store.open.set()
    assert await task == "committed"


async def test_clicks_wait_for_the_database_for_a_tenth_of_a_second_and_opens_for_half_a_one() -> None:
    assert module.BOUNDS == {CLICK: 0.1, OPEN: 0.5}


async def test_each_kind_has_its_own_bound(store: ScriptedStore, spool: ScriptedSpool) -> None:
    recorder = Recorder(store, spool, bounds={CLICK: 0.01, OPEN: inf})
    store.open.clear()
    [opened], [clicked] = recording(recorder, "opened"), recording(recorder, "clicked", kind=CLICK)
    assert await clicked == "spooled"
    assert not opened.done()
    store.open.set()
    assert await opened == "committed"
    # The transaction that hung held it too: its key shows that it is one event.
    assert await spool.requests() == Counter(clicked=1)
    assert store.requests() == Counter(opened=1, clicked=1)
    await recorder.close()


async def test_what_the_spool_has_is_not_written_once_more_out_of_the_queue(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.open.clear()
    assert await (await in_the_queue(hasty, store, "queued")) == "spooled"
    store.open.set()
    assert (await spool.requests())["queued"] == 1
    await hasty.close()
    assert "queued" not in store.requests()


async def test_while_a_transaction_hangs_others_go_to_the_spool_at_once(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STUCK", 0.0)
    store.open.clear()
    [first] = recording(patient, "first")
    await store.reached(1)
    assert patient.is_away
    assert await recorded(patient, event("second")) == "spooled"
    store.open.set()
    assert await first == "committed"
    assert not patient.is_away
    assert await recorded(patient, event("third")) == "committed"
    assert await spool.requests() == Counter(second=1)


async def test_once_the_database_is_gone_it_is_not_asked_until_it_came_back(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    woken = []
    patient.on_away = lambda: woken.append(spool.state().records)
    store.error = GONE
    assert await recorded(patient, event("a")) == "spooled"
    assert patient.is_away
    assert woken == [1]
    assert await recorded(patient, event("b", CLICK)) == "spooled"
    assert len(store.batches) == 1
    store.error = None
    patient.came_back()
    assert await recorded(patient, event("c")) == "committed"
    assert await spool.requests() == Counter(a=1, b=1)


@pytest.mark.parametrize("fault", [KeyError("x"), RuntimeError("x")])
async def test_a_fault_of_ours_in_the_store_costs_no_event(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool, fault: Exception
) -> None:
    store.error = fault
    assert await recorded(patient, event("a")) == "spooled"
    store.error = None
    patient.came_back()
    assert not patient.is_away
    assert not patient.is_busy
    assert await recorded(patient, event("b")) == "committed"


async def test_an_event_that_the_store_forgets_is_spooled(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_args: object, **_values: object) -> dict[bytes, str]:
        return {}

    monkeypatch.setattr(store, "put", nothing)
    assert await recorded(patient, event("a")) == "spooled"
    assert not patient.is_busy


async def test_events_of_which_it_is_not_known_whether_they_are_wanted_go_to_the_spool(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    assert await recorded(patient, event("a"), unsure=True) == "spooled"
    assert [unsure for _, unsure in await spool.events()] == [True]
    assert not store.batches


async def test_more_than_may_wait_goes_to_the_spool(
    patient: Recorder, store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    store.open.clear()
    waiting = await in_the_queue(patient, store, "waiting")
    assert await recorded(patient, event("one more")) == "spooled"
    assert not waiting.done()


# --- folded events ---------------------------------------------------------------------------------------------------


async def test_folded_events_of_one_copy_are_one_row_that_counts_them(patient: Recorder, store: ScriptedStore) -> None:
    tasks = recording(patient, *["a"] * 40, *["b"] * 2, fold=True) + recording(patient, "a", kind=CLICK, fold=True)
    assert set(await asyncio.gather(*tasks)) == {"committed"}
    assert sorted((one.tracking_id, one.kind, one.repeats) for one in store.stored) == [
        ("a", CLICK, 1),
        ("a", OPEN, 40),
        ("b", OPEN, 2),
    ]


async def test_nothing_is_counted_into_an_event_that_is_being_written(patient: Recorder, store: ScriptedStore) -> None:
    store.open.clear()
    first = recording(patient, "a", "a", fold=True)
    await store.reached(1)
    second = recording(patient, "a", "a", "a", fold=True)
    await store.reached(2)
    assert [[one.repeats for one in batch] for batch in store.batches] == [[2], [3]]
    store.open.set()
    assert set(await asyncio.gather(*first, *second)) == {"committed"}
    assert store.requests() == Counter(a=5)


async def test_folded_events_are_folded_in_the_spool_too(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.error = GONE
    await recorded(patient, event("b"))
    assert set(await asyncio.gather(*recording(patient, *["a"] * 40, fold=True))) == {"spooled"}
    assert [(one.tracking_id, one.repeats) for one, _ in await spool.events()] == [("b", 1), ("a", 40)]


async def test_of_folded_events_one_that_is_unsure_makes_all_unsure(patient: Recorder, spool: ScriptedSpool) -> None:
    await asyncio.gather(
        recorded(patient, event("a"), fold=True), recorded(patient, event("a"), fold=True, unsure=True)
    )
    assert [(one.repeats, unsure) for one, unsure in await spool.events()] == [(2, True)]


async def test_folded_events_are_all_counted_at_any_pace(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    tasks: list[asyncio.Task[str]] = []
    for wave in range(30):
        tasks += recording(hasty, "a", "a", fold=True)
        if wave % 10 == 5:
            store.open.clear()
        elif wave % 10 == 9:
            store.open.set()
        await asyncio.sleep(module.FOLD_FOR / 3)
    assert set(await asyncio.gather(*tasks)) <= {"committed", "spooled"}
    await hasty.close()
    by_key = {one.key: one.repeats for one in [*store.stored, *(one for one, _ in await spool.events())]}
    assert sum(by_key.values()) == len(tasks)


# --- both gone -------------------------------------------------------------------------------------------------------


async def test_with_spool_and_database_gone_the_loss_is_counted_and_said_once(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.error, spool.error = GONE, FULL
    before = await lost()
    with structlog.testing.capture_logs() as logs:
        outcomes = [await recorded(patient, event(f"canary{number}", CLICK)) for number in range(20)]
    assert outcomes == ["lost"] * 20
    assert await lost() - before == 20
    said = [line for line in logs if line["event"].startswith("events lost")]
    assert [(line["events"], line["error"]) for line in said] == [(1, "the disk is full")]
    assert "canary" not in repr(logs)
    assert "example.org" not in repr(logs)


async def test_with_a_disk_that_hangs_and_no_database_answers_leave_and_the_loss_is_counted(
    patient: Recorder, store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, fsync = threading.Event(), os.fsync

    def hang(fd: int) -> None:
        go.wait(PATIENCE)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", hang)
    monkeypatch.setattr("app.spool.spool.HANGS", 0.2)
    store.error = GONE
    before, threads = await lost(), threading.active_count()
    async with asyncio.timeout(PATIENCE / 2):
        outcomes = await asyncio.gather(*recording(patient, *(f"copy{number}" for number in range(50))))
        outcomes += await asyncio.gather(*recording(patient, *(f"later{number}" for number in range(50))))
    assert outcomes == ["lost"] * 100
    assert await lost() - before == 100
    assert threading.active_count() <= threads + 1
    go.set()


async def test_what_is_lost_counts_every_request_of_a_folded_event(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.error, spool.error = GONE, FULL
    before = await lost()
    assert set(await asyncio.gather(*recording(patient, *["a"] * 7, fold=True))) == {"lost"}
    assert await lost() - before == 7


@pytest.mark.parametrize("fault", [ValueError("too long"), RuntimeError("no thread"), OSError("x")])
async def test_whatever_the_spool_raises_the_answer_leaves_and_the_next_event_is_recorded(
    patient: Recorder, store: ScriptedStore, spool: ScriptedSpool, fault: Exception
) -> None:
    store.error, spool.error = GONE, fault
    assert await recorded(patient, event("a")) == "lost"
    assert await recorded(patient, event("b")) == "lost"
    store.error = None
    patient.came_back()
    assert not patient.is_away
    assert await recorded(patient, event("c")) == "committed"


async def test_with_a_slow_database_and_no_spool_the_answer_leaves_and_the_event_waits(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    spool.error = FULL
    store.open.clear()
    before = await lost()
    assert await (await in_the_queue(hasty, store, "queued")) == "waiting"
    store.open.set()
    await store.reached(LANES + 1)
    await hasty.close()
    assert store.requests() == Counter({"lane 0": 1, "lane 1": 1, "queued": 1})
    assert await lost() == before


async def test_a_transaction_that_begins_while_the_spool_fails_still_has_the_event(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.open.clear()
    spool.open.clear()
    queued = await in_the_queue(hasty, store, "queued")
    await spool.asked.wait()
    spool.error = FULL
    store.open.set()
    await store.reached(LANES + 1)
    spool.open.set()
    assert await queued in {"committed", "waiting"}
    await hasty.close()
    assert store.requests()["queued"] == 1


async def test_a_transaction_that_fails_while_the_spool_fails_counts_what_it_loses(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    before = await lost()
    store.open.clear()
    spool.open.clear()
    [task] = recording(hasty, "a")
    await spool.asked.wait()
    store.error, spool.error = GONE, FULL
    store.open.set()
    spool.open.set()
    assert await task in {"waiting", "lost"}
    await hasty.close()
    assert await lost() - before == 1


# --- hanging up, ending ----------------------------------------------------------------------------------------------


async def test_an_event_counts_although_its_client_hung_up(patient: Recorder, store: ScriptedStore) -> None:
    store.open.clear()
    queued = await in_the_queue(patient, store, "queued")
    queued.cancel()
    await asyncio.gather(queued, return_exceptions=True)
    store.open.set()
    await patient.close()
    assert store.requests()["queued"] == 1


async def test_one_of_several_folded_clients_hangs_up(patient: Recorder, store: ScriptedStore) -> None:
    tasks = recording(patient, *["a"] * 3, fold=True)
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert [str(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == ["", "committed", "committed"]
    assert store.requests() == Counter(a=3)


async def test_a_client_that_hangs_up_on_a_late_event_does_not_keep_it_from_the_spool(
    hasty: Recorder, store: ScriptedStore, spool: ScriptedSpool
) -> None:
    store.open.clear()
    spool.open.clear()
    [task] = recording(hasty, "a")
    await spool.asked.wait()
    task.cancel()
    store.error = GONE
    store.open.set()
    spool.open.set()
    await hasty.close()
    assert await spool.requests() == Counter(a=1)


async def test_closing_commits_what_waits(patient: Recorder, store: ScriptedStore, spool: ScriptedSpool) -> None:
    tasks = recording(patient, "a", "b") + recording(patient, "c", "c", fold=True)
    await asyncio.sleep(0)
    await patient.close()
    assert set(await asyncio.gather(*tasks)) == {"committed"}
    assert store.requests() == Counter(a=1, b=1, c=2)
    assert await spool.requests() == Counter()


@pytest.mark.parametrize("bounds", [PATIENT, HASTY])
async def test_closing_spools_what_the_database_does_not_take(
    store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch, bounds: dict[Kind, float]
) -> None:
    monkeypatch.setattr(module, "LAST_WAIT", 0.05)
    recorder = Recorder(store, spool, bounds=bounds)
    store.open.clear()
    queued = await in_the_queue(recorder, store, "queued")
    folded = recording(recorder, "folded", "folded", fold=True)
    await asyncio.sleep(0)
    await recorder.close()
    assert {await queued, *await asyncio.gather(*folded)} == {"spooled"}
    assert await recorded(recorder, event("later")) == "spooled"
    assert await recorded(recorder, event("later"), fold=True) == "spooled"
    assert await spool.requests() == Counter({"lane 0": 1, "lane 1": 1, "queued": 1, "folded": 2, "later": 2})


async def test_a_recorder_that_is_closed_leaves_no_task_behind(patient: Recorder, store: ScriptedStore) -> None:
    before = asyncio.all_tasks()
    for number in range(50):
        await recorded(patient, event(str(number)))
    # A watcher for each writer would pile up under load.
    assert len(asyncio.all_tasks() - before) <= 1 + LANES
    await patient.close()
    assert asyncio.all_tasks() <= before


async def test_many_in_a_short_time_are_a_rush_although_they_come_one_by_one(
    store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY", 5)
    monkeypatch.setattr(module, "CALM", 60.0)
    recorder = Recorder(store, spool, bounds=PATIENT)
    for number in range(8):
        assert await recorded(recorder, event(str(number))) == "committed"
    assert store.deferred == [False] * 4 + [True] * 4
    assert not recorder.is_calm
    await recorder.close()
