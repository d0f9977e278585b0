"""Real worker processes, killed in the middle: nobody is missed, nobody has it twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.accounts.models import User
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.announcements import flow
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from tests.announcements.builders import draft, people
from tests.email.outbox import end_leases
from tests.support.scripted_smtp import ScriptedSmtp

ROOT = Path(__file__).parents[2]
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(portal_settings: Settings, runtime: Runtime, tmp_path: Path) -> Iterator[Start]:
    """Starts `myportal worker` processes; all are gone afterwards."""
    processes: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "DATABASE_URL": portal_settings.database_url or "",
        "PORTAL_URL": portal_settings.portal_url or "",
        "SECRET_KEY": portal_settings.key,
        "SMTP_HOST": str(portal_settings.smtp_host),
        "SMTP_PORT": str(portal_settings.smtp_port),
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


async def test_workers_that_are_killed_while_they_hand_over_and_send_miss_nobody_and_double_nobody(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp, start: Start
) -> None:
    everybody = sorted(f"p{n:03}@x.org" for n in range(150))
    await people(runtime, *everybody)
    await modules.save("announcements", {"mails_per_minute": 6000}, user=None)
    await runtime.modules.refresh()
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada)
    victims = [start(), start()]
    async with asyncio.timeout(60):
        while len(smtp.accepted) < 30:
            await asyncio.sleep(0.005)
    for victim in victims:
        victim.send_signal(signal.SIGKILL)
    for victim in victims:
        await asyncio.to_thread(victim.wait)
    assert len(smtp.accepted) < len(everybody), "killed in the middle"
    await end_leases(runtime.database)
    survivor = start()
    async with asyncio.timeout(90):
        while True:
            now = await flow.progress(handles, await announcement(handles, number))
            if now.state == "sent" and not now.in_outbox:
                break
            await asyncio.sleep(0.1)
    survivor.terminate()
    assert await asyncio.to_thread(survivor.wait) == 0
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all("SELECT email, state FROM email_recipients ORDER BY email")
    assert [row["email"] for row in rows] == everybody
    taken = smtp.recipients()
    assert len(taken) == len(set(taken))
    assert now.sent + now.unknown == len(everybody)
    missing = set(everybody) - set(taken)
    assert missing <= {row["email"] for row in rows if row["state"] == "unknown"}
