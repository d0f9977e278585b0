"""The worker inside one process: several at once, faults beside it, and a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from app import worker
from app.accounts.models import User
from app.database import Database, utcnow
from app.email import delivery
from app.hookspecs import Job, ModuleInfo, hookimpl
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.runtime import Runtime
from app.settings import Settings
from tests.email.outbox import end_leases, queue, rows, states
from tests.receipts.builders import set_copy
from tests.support.scripted_smtp import Fault, ScriptedSmtp
from tests.support.waiting import until


@asynccontextmanager
async def working(*runtimes: Runtime) -> AsyncIterator[asyncio.Event]:
    """One worker per runtime while the block runs; stopped in order at its end, or earlier by the event."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(runtime, stop=stop)) for runtime in runtimes]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def all_in(database: Database, *wanted: str) -> bool:
    return set((await states(database)).values()) == set(wanted)


async def test_what_is_queued_goes_out(runtime: Runtime, db: Database, smtp: ScriptedSmtp) -> None:
    async with working(runtime):
        await queue(runtime, "bob@x.org, ann@x.org")
        await until(lambda: all_in(db, "sent"))

    assert smtp.recipients() == ["ann@x.org", "bob@x.org"]


async def test_two_workers_at_once_send_each_mail_once_over_few_connections(
    settings: Settings, runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    everybody = [f"m{mail}b{n}@x.org" for mail in range(12) for n in range(5)]
    for mail in range(12):
        await queue(runtime, ", ".join(everybody[mail * 5 : mail * 5 + 5]))
    other = Runtime.build(settings, plugins={})

    async with working(runtime, other):
        await until(lambda: all_in(db, "sent"))
    await other.close()

    assert smtp.recipients() == sorted(everybody)
    assert smtp.connections <= 16
    assert {row["attempts"] for row in (await rows(db)).values()} == {1}


async def test_a_worker_and_a_sender_in_the_web_process_share_a_mail_without_doubles(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    everybody = sorted(f"b{n}@x.org" for n in range(30))
    mail = await queue(runtime, ", ".join(everybody))

    async with working(runtime):
        await delivery.deliver_now(mail.id)
        assert await all_in(db, "sent"), "it waits for what the worker took"

    assert smtp.recipients() == everybody


async def test_leases_that_ran_out_are_looked_after(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "REAP", 0.1)
    await queue(runtime, "claimed@x.org, sending@x.org")
    copies = {copy.email: copy for copy in await delivery.claim(runtime, owner="dead", limit=5)}
    await set_copy(db, copies["sending@x.org"].id, state="sending")
    await end_leases(db)

    async with working(runtime):
        await until(lambda: all_in(db, "sent", "unknown"))

    assert smtp.recipients() == ["claimed@x.org"]
    assert (await states(db))["sending@x.org"] == "unknown"


async def test_at_its_end_a_worker_finishes_what_it_sends_and_gives_back_the_rest(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    gate = asyncio.Event()
    smtp.gates["dot"] = gate
    await queue(runtime, ", ".join(f"b{n:02}@x.org" for n in range(20)))

    async with working(runtime) as stop:
        await until(lambda: smtp.waiting == delivery.LANES)
        stop.set()
        gate.set()

    found = await rows(db)
    assert len(smtp.accepted) == delivery.LANES
    assert sorted(row["state"] for row in found.values()) == ["queued"] * 16 + ["sent"] * 4
    assert {row["attempts"] for row in found.values() if row["state"] == "queued"} == {0}
    assert {row["lease_owner"] for row in found.values()} == {""}


async def test_a_lane_that_loses_its_server_does_not_stop_the_others(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    smtp.faults += [
        Fault("mail", do="drop", times=3),
        Fault("dot", do="close", times=2),
        Fault("rset", do="drop", times=2),
    ]
    everybody = sorted(f"b{n:02}@x.org" for n in range(30))
    await queue(runtime, ", ".join(everybody))

    async with working(runtime):
        await until(lambda: all_in(db, "sent", "retry", "unknown"))

    found = await states(db)
    assert smtp.recipients() == sorted(email for email, state in found.items() if state == "sent")
    assert list(found.values()).count("unknown") == 2


async def test_a_mail_that_keeps_the_server_thinking_does_not_hold_up_the_others(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    gate = asyncio.Event()
    smtp.faults.append(Fault("dot", do="hang", recipient="slow@x.org", until=gate))
    await queue(runtime, "slow@x.org")
    async with working(runtime):
        await until(lambda: "DATA" in smtp.commands)
        everybody = sorted(f"b{n:02}@x.org" for n in range(20))
        await queue(runtime, ", ".join(everybody))
        await until(lambda: smtp.recipients() == everybody)
        gate.set()
        await until(lambda: all_in(db, "sent"))

    assert smtp.recipients() == [*everybody, "slow@x.org"]


class Jobs:
    """A plugin with one job that works and one that does not."""

    def __init__(self) -> None:
        self.done = self.failed = 0

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("jobs", "Jobs", "Has jobs.", "🧪")

    @hookimpl
    def jobs(self) -> list[Job]:
        return [Job("bad", 0.05, self._bad), Job("good", 0.05, self._good)]

    async def _bad(self) -> None:
        self.failed += 1
        raise RuntimeError("a bad job")

    async def _good(self) -> None:
        self.done += 1


async def test_a_modules_jobs_run_while_it_is_enabled_and_a_bad_one_stops_nothing(
    settings: Settings, empty_database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, enabled = Jobs(), True
    runtime = Runtime.build(settings, plugins={"jobs": jobs})
    monkeypatch.setattr(runtime.modules, "is_enabled", lambda slug: enabled)
    with runtime.entered():
        async with working(runtime):
            await until(lambda: jobs.done > 5 and jobs.failed > 0)
            await queue(runtime, "bob@x.org")
            await until(lambda: all_in(runtime.database, "sent"))
            enabled = False
            await asyncio.sleep(0.2)
            done = jobs.done
            await asyncio.sleep(0.3)
            assert jobs.done == done
    await runtime.close()


async def test_what_is_past_its_time_is_thrown_away(runtime: Runtime, db: Database, agent: User) -> None:
    async with db.transaction() as conn:
        for name, age in (("old", 3), ("new", 1)):
            await conn.execute(
                """
                INSERT INTO attachments (filename, content_type, size, content, created_at)
                VALUES (%(name)s, 'text/plain', 1, 'x', %(then)s)
                """,
                {"name": name, "then": utcnow() - timedelta(days=age)},
            )
            await conn.execute(
                "INSERT INTO live_events (changes, created_at) VALUES (%(name)s, %(then)s)",
                {"name": name, "then": utcnow() - timedelta(minutes=9 * age)},
            )

    async with working(runtime):
        await until(lambda: _only_new(db))


async def _only_new(database: Database) -> bool:
    async with database.connection() as conn:
        files = await conn.fetch_all("SELECT filename FROM attachments")
        events = await conn.fetch_all("SELECT changes FROM live_events")
    return [row["filename"] for row in files] == ["new"] and [row["changes"] for row in events] == ["new"]


@pytest.fixture
async def fragile(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[LocalDatabase, Runtime]]:
    """A database server of its own, to be paused and killed, and a runtime on it with the deadlines of every day."""
    server = LocalDatabase(tmp_path / "db", name="portal_fragile")
    await asyncio.to_thread(server.start)
    runtime = Runtime.build(settings.model_copy(update={"database_url": server.url}), plugins={})
    await migrate(runtime.database, all_migrations())
    with runtime.entered():
        yield server, runtime
    server.resume()
    await runtime.database.close()
    await runtime.close()
    await asyncio.to_thread(server.stop)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("how", "seconds"), [("paused", 30), ("killed", 8)])
async def test_a_database_that_is_gone_while_mails_wait_costs_no_mail_and_doubles_none(
    fragile: tuple[LocalDatabase, Runtime], smtp: ScriptedSmtp, how: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, runtime = fragile
    monkeypatch.setattr(worker, "REAP", 0.5)
    gate = asyncio.Event()
    smtp.gates["dot"] = gate
    everybody = sorted(f"b{n:02}@x.org" for n in range(40))
    await queue(runtime, ", ".join(everybody))

    async with working(runtime):
        # Four mails are between DATA and the answer when the database goes away, the others wait.
        await until(lambda: smtp.waiting == delivery.LANES)
        if how == "paused":
            server.pause()
        else:
            await asyncio.to_thread(server.kill)
        gate.set()
        await asyncio.sleep(seconds)
        if how == "paused":
            server.resume()
        else:
            await asyncio.to_thread(server.start)
        await until(lambda: all_in(runtime.database, "sent"), seconds=60)

    assert smtp.recipients() == everybody
