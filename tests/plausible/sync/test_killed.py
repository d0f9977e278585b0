"""Workers killed between sending and writing down: no event counts twice unless it is marked ambiguous."""

from __future__ import annotations

import asyncio
import os
import random
import sys

from bench.syncing.world import noon
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.sync.conftest import World
from tests.support.waiting import until

LOOPS = int(os.environ.get("MYPORTAL_FAULT_LOOPS", "3"))


async def test_workers_that_are_killed_lose_nothing_and_send_nothing_twice(world: World) -> None:
    draws = random.Random(11)  # noqa: S311
    world.plausible.faults.slow(0.03)
    await world.set(site_timezone=noon())
    settings = world.portal.settings
    environment = os.environ | {
        "DATABASE_URL": settings.database_url or "",
        "PORTAL_URL": settings.portal_url or "",
        "SECRET_KEY": settings.key,
        "OUTBOUND_ALLOWED": "127.0.0.1",
    }
    for _ in range(LOOPS):
        await world.read(40)
        await world.hurry()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.plausible.sync.child", env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
        # Not before it has begun to send, however slow this machine is.
        before = len(world.plausible.requests)
        await until(lambda before=before: len(world.plausible.requests) > before)  # type: ignore[misc]
        await asyncio.sleep(draws.uniform(0.0, 0.2))
        child.kill()
        await child.wait()
    world.plausible.faults.clear()
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_outbox SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    worker = world.worker()
    await worker.sweep()
    await world.run(worker, times=10)
    found = await world.check()
    accepted, ambiguous = found.totals[Outcome.ACCEPTED], found.totals[Outcome.AMBIGUOUS]
    assert accepted + ambiguous == 40 * LOOPS
    assert 0 < ambiguous <= 24 * LOOPS
    # Each recipient opened one mail: of two events with one visitor's address one was sent twice. 16 million
    # addresses make it next to certain that no two recipients share one.
    sent = [event.client_ip for event in world.plausible.events]
    assert accepted <= len(sent) <= accepted + ambiguous
    assert len(set(sent)) == len(sent)
