"""Real worker processes: killed in the middle, two at once, ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.database import Database
from app.email import delivery
from app.runtime import Runtime
from app.settings import Settings
from tests.email.outbox import end_leases, queue, rows, states
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
async def registered(runtime: Runtime) -> None:
    """The rows of the real modules, which a real process wants to read."""
    full = Runtime.build(runtime.settings)
    await full.register_modules()
    await full.close()


@pytest.fixture
def start(settings: Settings, smtp: ScriptedSmtp, registered: None, tmp_path: Path) -> Iterator[Start]:
    """Starts `myportal worker` processes; all are gone afterwards."""
    processes: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "PORTAL_URL": settings.portal_url or "",
        "SECRET_KEY": settings.key,
        "SMTP_HOST": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "VAR_DIR": str(tmp_path / "var"),
    }

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / f"worker{len(processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


async def all_in(database: Database, *wanted: str) -> bool:
    return set((await states(database)).values()) == set(wanted)


async def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, start: Start
) -> None:
    gate = asyncio.Event()
    smtp.gates["dot"] = gate
    everybody = sorted(f"b{n:02}@x.org" for n in range(20))
    await queue(runtime, ", ".join(everybody))
    first = start()
    await until(lambda: smtp.waiting == delivery.LANES)
    in_flight = {email for email, row in (await rows(db)).items() if row["state"] == "sending"}
    assert len(in_flight) == delivery.LANES

    first.kill()
    await asyncio.to_thread(first.wait)
    gate.set()
    # The mail server has the four mails that were on their way; nobody but it knows.
    await until(lambda: len(smtp.accepted) == delivery.LANES)
    second = start()
    await end_leases(db)
    await until(lambda: all_in(db, "sent", "unknown"), seconds=60)
    second.terminate()

    assert await asyncio.to_thread(second.wait) == 0
    assert smtp.recipients() == everybody, "each has the mail once, also those of whom we do not know it"
    assert {email for email, state in (await states(db)).items() if state == "unknown"} == in_flight


async def test_two_worker_processes_at_once_send_each_mail_once(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, start: Start
) -> None:
    everybody = sorted(f"b{n:03}@x.org" for n in range(120))
    processes = [start(), start()]
    for n in range(0, 120, 6):
        await queue(runtime, ", ".join(everybody[n : n + 6]))

    await until(lambda: all_in(db, "sent"), seconds=60)

    assert smtp.recipients() == everybody
    for process in processes:
        process.terminate()
        assert await asyncio.to_thread(process.wait) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_asked_to_end_finishes_its_mails_first(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, start: Start, number: signal.Signals
) -> None:
    gate = asyncio.Event()
    smtp.gates["dot"] = gate
    await queue(runtime, ", ".join(f"b{n:02}@x.org" for n in range(20)))
    process = start()
    await until(lambda: smtp.waiting == delivery.LANES)

    process.send_signal(number)
    await asyncio.sleep(0.5)
    assert process.poll() is None
    gate.set()

    assert await asyncio.to_thread(process.wait) == 0
    found = list((await states(db)).values())
    assert (found.count("sent"), found.count("queued")) == (4, 16)
    assert len(smtp.accepted) == 4
