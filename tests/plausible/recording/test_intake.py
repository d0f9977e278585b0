"""Which requests become events, and which cost nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from math import inf

import pytest
import structlog

from app.database import Database, DatabaseUnavailable
from app.email.copy_ids import CopyIds
from app.runtime import Runtime
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent, read_address
from plugins.plausible.recording import intake as module
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.intake import Intake
from plugins.plausible.recording.lookup import Lookup
from plugins.plausible.recording.reading import LOOKUP
from plugins.plausible.recording.recorder import Recorder
from tests.conftest import SECRET_KEY
from tests.plausible.recording import event
from tests.plausible.recording.fakes import ScriptedSpool, ScriptedStore
from tests.receipts.builders import MailedReply, mailed_reply

ADDRESS = "203.0.113.77"
OURS = CopyIds([SECRET_KEY])


class World:
    """An intake over a scripted store and a real database, and what became of requests."""

    def __init__(self, store: ScriptedStore, spool: ScriptedSpool, database: Database) -> None:
        self.wanted: bool | None = True
        self.recorder = Recorder(store, spool, bounds={CLICK: inf, OPEN: inf})
        self.known = KnownCopies()
        self.lookup = Lookup(database, self.known)
        self.intake = Intake(self.recorder, self.lookup, self.known, OURS, wanted=lambda _kind: self.wanted)
        self.made = 0

    async def hit(self, tracking_id: str, *, kind: Kind = OPEN, address: str = ADDRESS) -> str:
        def make() -> TrackingEvent:
            self.made += 1
            return event(tracking_id, kind)

        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.intake.take(kind, tracking_id, read_address(address), make, outcome.set_result)
        return await outcome


@pytest.fixture
def world_of(store: ScriptedStore, spool: ScriptedSpool, portal: Runtime) -> Callable[[], World]:
    """Makes one, once a test has set the limits."""
    return lambda: World(store, spool, portal.database)


@pytest.fixture
async def intake(world_of: Callable[[], World]) -> AsyncIterator[World]:
    world = world_of()
    yield world
    await world.lookup.close()
    await world.recorder.close()


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


@pytest.fixture
def connections(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows by one for each use of the world's database; the recording of a running portal has a pool of its own."""
    used: list[None] = []
    lend = Database._lend

    def counted(self: Database) -> object:
        if self is portal.database:
            used.append(None)
        return lend(self)

    monkeypatch.setattr(Database, "_lend", counted)
    return used


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many ids each question of the lookup held."""
    sizes: list[int] = []
    ask = Lookup._resolve

    async def counted(self: Lookup, group: list[str]) -> object:
        sizes.append(len(group))
        return await ask(self, group)

    monkeypatch.setattr(Lookup, "_resolve", counted)
    return sizes


async def test_with_the_module_off_nothing_is_even_looked_at(
    intake: World, store: ScriptedStore, connections: list[None]
) -> None:
    intake.wanted = False
    assert {await intake.hit(one) for one in (OURS.new(), "t" * 43, "x")} == {"off"}
    assert (intake.made, store.batches, connections) == (0, [], [])


async def test_an_id_with_our_mark_is_recorded_without_a_question(
    intake: World, store: ScriptedStore, connections: list[None]
) -> None:
    tracking_id = OURS.new()
    assert await intake.hit(tracking_id) == "committed"
    assert store.requests() == Counter({tracking_id: 1})
    assert connections == []


@pytest.mark.parametrize("name", ["", "x", "é" * 43, "a b" * 20, "t" * 65, "../" * 10, "\ud800" * 20, "t" * 43 + "\n"])
async def test_what_can_be_no_id_costs_nothing(
    intake: World, store: ScriptedStore, connections: list[None], name: str
) -> None:
    assert await intake.hit(name) == "unknown"
    assert (intake.made, store.batches, connections) == (0, [], [])


async def test_forged_ids_are_refused_without_a_question(
    intake: World, store: ScriptedStore, connections: list[None]
) -> None:
    forged = [secrets.token_urlsafe(40) for _ in range(500)]
    assert {await intake.hit(one) for one in forged} == {"unknown"}
    assert (connections, store.batches, intake.made) == ([], [], 0)


async def test_a_flood_of_ids_without_a_mark_is_a_bounded_number_of_questions(
    intake: World, store: ScriptedStore, questions: list[int]
) -> None:
    forged = [secrets.token_urlsafe(32) for _ in range(1500)]
    outcomes = await asyncio.gather(*(intake.hit(one) for one in forged))
    assert set(outcomes) == {"unknown"}
    assert 0 < len(questions) <= 1 + module.MOST_STRANGE // LOOKUP
    assert store.batches == []
    # Ids that are marked do not wait behind them.
    assert await intake.hit(OURS.new()) == "committed"


async def test_an_id_from_before_the_mark_is_recorded_once_the_database_knows_it(
    portal: Runtime, intake: World, reply: MailedReply, store: ScriptedStore
) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET tracking_id = %(id)s", {"id": "o" * 43})
    assert [await intake.hit("o" * 43) for _ in range(2)] == ["committed", "committed"]
    assert await intake.hit("p" * 43) == "unknown"
    assert store.requests() == Counter({"o" * 43: 2})


async def test_more_of_one_copy_than_its_limit_is_folded(
    world_of: Callable[[], World], store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PER_COPY", 3)
    world, busy, quiet = world_of(), OURS.new(), OURS.new()
    outcomes = Counter(await asyncio.gather(*(world.hit(busy) for _ in range(40))))
    assert outcomes == Counter(committed=3, folded=37)
    assert await world.hit(quiet) == "committed"
    assert store.requests() == Counter({busy: 40, quiet: 1})
    assert sorted(one.repeats for one in store.stored if one.tracking_id == busy) == [1, 1, 1, 37]


async def test_more_of_one_address_than_its_limit_is_folded_per_copy(
    world_of: Callable[[], World], store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PER_ADDRESS", 3)
    world, one, other = world_of(), OURS.new(), OURS.new()
    assert [await world.hit(one) for _ in range(4)] == ["committed"] * 3 + ["folded"]
    assert await world.hit(other) == "folded"
    assert await world.hit(other, address="203.0.113.78") == "committed"
    assert store.requests() == Counter({one: 4, other: 2})


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.9.9.9", ""])
async def test_a_proxy_on_this_machine_stands_for_everybody_and_is_not_limited(
    world_of: Callable[[], World], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(module, "MOST_PER_ADDRESS", 1)
    monkeypatch.setattr(module, "MOST_STRANGE", 0)
    world = world_of()
    assert [await world.hit(OURS.new(), address=address) for _ in range(4)] == ["committed"] * 4


async def test_a_limit_of_one_stranger_holds_nobody_else(
    portal: Runtime, world_of: Callable[[], World], reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_STRANGE", 2)
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET tracking_id = %(id)s", {"id": "o" * 43})
    world = world_of()
    assert [await world.hit(f"{one:043d}") for one in range(4)] == ["unknown"] * 4
    assert await world.hit("o" * 43) == "unknown"
    assert await world.hit("o" * 43, address="203.0.113.78") == "committed"
    # Known by now.
    assert await world.hit("o" * 43) == "committed"
    await world.lookup.close()


async def test_while_the_database_is_away_a_bounded_number_of_unmarked_ids_is_spooled_to_be_asked_for_later(
    world_of: Callable[[], World],
    store: ScriptedStore,
    spool: ScriptedSpool,
    connections: list[None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_UNPROVEN", 5)
    world = world_of()
    store.error = DatabaseUnavailable("gone")
    marked = OURS.new()
    assert await world.hit(marked) == "spooled"
    outcomes = Counter([await world.hit(f"{one:043d}", address=f"203.0.113.{one}") for one in range(20)])
    assert outcomes == Counter(spooled=5, unknown=15)
    assert await world.hit(marked) == "spooled"
    assert [unsure for _, unsure in await spool.events()] == [False] + [True] * 5 + [False]
    assert connections == []


async def test_while_it_is_not_known_whether_the_module_is_on_events_are_kept_to_ask_later(
    intake: World, spool: ScriptedSpool
) -> None:
    intake.wanted = None
    assert await intake.hit(OURS.new()) == "spooled"
    assert [unsure for _, unsure in await spool.events()] == [True]


async def test_a_flood_on_one_copy_while_the_database_is_away_leaves_a_small_spool(
    world_of: Callable[[], World], store: ScriptedStore, spool: ScriptedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PER_COPY", 3)
    world, busy = world_of(), OURS.new()
    store.error = DatabaseUnavailable("gone")
    outcomes = [await world.hit(busy)] + await asyncio.gather(*(world.hit(busy) for _ in range(2000)))
    assert set(outcomes) == {"spooled"}
    found = await spool.events()
    assert sum(one.repeats for one, _ in found) == 2001
    assert len(found) == 4


async def test_a_fault_of_ours_is_no_reason_not_to_answer(intake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(intake.recorder, "take", fails)
    with structlog.testing.capture_logs() as logs:
        assert await intake.hit(OURS.new()) == "lost"
    assert [(line["event"], line["error"]) for line in logs] == [("an event was lost", "RuntimeError")]
    assert "canary" not in repr(logs)
