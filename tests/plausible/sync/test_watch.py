"""How the sync stands, for monitoring and in a shell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result
from prometheus_client import REGISTRY

from app.database import Database
from plugins.plausible.commands_sync import sync_command
from plugins.plausible.sync.watch import sync_watch
from tests.plausible.recording import SCANNER
from tests.plausible.sync.conftest import World

pytestmark = pytest.mark.usefixtures("at_noon")

T = TypeVar("T")


def value(name: str, **labels: str) -> float | None:
    """What a scrape would find."""
    return REGISTRY.get_sample_value(f"myportal_plausible_{name}", labels)


async def test_the_figures_are_those_of_the_account(world: World) -> None:
    watch = sync_watch(world.portal.database, lambda: True)
    await world.read(3)
    await world.run()
    await world.read(2)
    await watch.look()
    assert value("events", outcome="accepted") == 3
    assert value("waiting_events") == 2
    assert (value("oldest_waiting_seconds") or 0) >= 0
    assert value("failing") == 0
    world.plausible.down()
    await world.run()
    await watch.look()
    assert value("failing") == 1
    await sync_watch(world.portal.database, lambda: False).look()
    assert value("failing") == 1, "a module that is off reads nothing"


async def test_a_database_that_is_away_does_not_end_the_watch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = sync_watch(world.portal.database, lambda: True)
    await watch.look()
    broken = world.portal.database.connection

    def away() -> object:
        raise RuntimeError("gone")

    monkeypatch.setattr(world.portal.database, "connection", away)
    watch.start()
    await asyncio.sleep(0)
    monkeypatch.setattr(world.portal.database, "connection", broken)
    await watch.look()
    await watch.close()
    assert value("failing") == 0


async def shell(world: World, *words: str) -> Result:
    """Run a command on the world's database, from a thread as a shell is from elsewhere."""
    loop = asyncio.get_running_loop()

    def run(work: Callable[[Database], Awaitable[T]]) -> T:
        async def inside() -> T:
            return await work(world.portal.database)

        return asyncio.run_coroutine_threadsafe(inside(), loop).result(10)

    return await asyncio.to_thread(CliRunner().invoke, sync_command(run), list(words))


async def test_a_shell_shows_the_account_and_its_exit_code_the_failure(world: World) -> None:
    assert (await shell(world, "status")).output == "No event was given to the sync yet.\n"
    await world.read(2)
    await world.read(1, user_agent=SCANNER)
    world.plausible.down()
    await world.run()
    found = await shell(world, "status")
    assert found.exit_code == 1
    assert "3  waiting, 1 of them machines'" in found.output
    assert "could not be reached" in found.output
    assert "plausible-sync resume" in found.output
    world.plausible.up()
    assert "at once" in (await shell(world, "resume")).output
    assert "nothing to do" in (await shell(world, "resume")).output
    await world.run(times=2)
    found = await shell(world, "status", "--json")
    assert found.exit_code == 0
    told = json.loads(found.output)
    assert (told["totals"]["accepted"], told["totals"]["no_person"], told["problem"]) == (2, 1, None)
