"""Each night one worker lets every module delete what is old, and what fails is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.database import utcnow
from app.hookspecs import ModuleInfo, WorkDone, hookimpl
from app.plugin_host import PluginHost
from app.privacy import nightly, repository
from app.runtime import Runtime

NIGHT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Sweeper:
    """Has three pieces of work, or none, or fails."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("sweeper", "Sweeper", "Sweeps.", "🧹")

    @hookimpl
    async def purge_old(self) -> WorkDone:
        self.calls += 1
        if self.fails:
            raise RuntimeError("its disk is away")
        return WorkDone({"crumbs": 10}, done=self.calls % 3 == 0)


@pytest.fixture
def sweeper(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> Sweeper:
    plugin = Sweeper()
    monkeypatch.setattr(portal, "plugins", PluginHost({"sweeper": plugin}))
    monkeypatch.setattr(nightly, "PAUSE", 0)
    return plugin


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 20, 1, 59, tzinfo=UTC), datetime(2026, 11, 19, 2, tzinfo=UTC)),
        (datetime(2026, 11, 20, 2, 0, tzinfo=UTC), datetime(2026, 11, 20, 2, tzinfo=UTC)),
        (datetime(2026, 11, 20, 23, 0, tzinfo=UTC), datetime(2026, 11, 20, 2, tzinfo=UTC)),
    ],
)
def test_a_night_begins_at_its_hour(now: datetime, due: datetime) -> None:
    assert nightly.last_due(now, 2) == due


async def _set_started(portal: Runtime, at: datetime) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE privacy_runs SET started_at = %(at)s", {"at": at})


async def test_it_runs_once_a_night_and_not_on_the_first_day(portal: Runtime, sweeper: Sweeper) -> None:
    assert not await nightly.run_if_due(portal, now=NIGHT)
    assert not await nightly.run_if_due(portal, now=NIGHT + timedelta(hours=22))
    assert sweeper.calls == 0
    assert await nightly.run_if_due(portal, now=NIGHT + timedelta(days=1))
    assert sweeper.calls == 3, "until it is done"
    await _set_started(portal, NIGHT + timedelta(days=1))
    assert not await nightly.run_if_due(portal, now=NIGHT + timedelta(days=1, hours=5))
    [run] = (await nightly.runs()).values()
    assert (run["counts"], run["problem"]) == ({"crumbs": 30}, "")
    assert run["finished_at"] is not None


async def test_two_workers_do_not_do_it_twice(portal: Runtime, sweeper: Sweeper) -> None:
    await nightly.run_if_due(portal, now=NIGHT)
    async with portal.database.transaction() as conn:
        assert await repository.hold(conn, nightly.LEASE_NAME, "another", timedelta(minutes=1))
        assert not await repository.hold(conn, nightly.LEASE_NAME, "third", timedelta(minutes=1))
    assert not await nightly.run_if_due(portal, now=NIGHT + timedelta(days=1))
    with pytest.raises(nightly.Busy):
        await nightly.purge(portal)
    assert sweeper.calls == 0
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE leases SET expires_at = %(past)s", {"past": utcnow() - timedelta(seconds=1)})
    await nightly.purge(portal)
    assert sweeper.calls == 3, "whoever held it is gone"


async def test_what_fails_is_written_down_and_tried_the_next_night(portal: Runtime, sweeper: Sweeper) -> None:
    sweeper.fails = True
    found = await nightly.purge(portal)
    assert found["sweeper"]["problem"] == "RuntimeError: its disk is away"
    assert sweeper.calls == 1
    sweeper.fails = False
    assert (await nightly.purge(portal))["sweeper"]["problem"] == ""


async def test_a_night_ends(portal: Runtime, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "LONGEST", timedelta(0))
    assert "the next one goes on" in (await nightly.purge(portal))["sweeper"]["problem"]
