"""Once a night: let the modules delete what is past its time, piece by piece, with pauses, by one worker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from app.database import Row, utcnow
from app.plugin_privacy import PluginFailed
from app.privacy import repository
from app.runtime import Runtime, current

log = structlog.get_logger(__name__)

INTERVAL = 300.0
"""Seconds between two looks at the clock."""
LEASE_NAME = "nightly purge"
LEASE = timedelta(minutes=2)
PAUSE = 0.1
"""Seconds between two pieces: others want the database too."""
LONGEST = timedelta(hours=4)
"""Time that one night's run takes at most; the next night goes on."""


class Busy(Exception):
    """Another process is at it."""


def last_due(now: datetime, hour: int) -> datetime:
    """When the latest night began, at this hour in UTC."""
    night = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)


async def run_if_due(runtime: Runtime, *, now: datetime | None = None) -> bool:
    """Run what has not run this night; whether anything did. A portal that is new waits for its first night."""
    now = now or utcnow()
    due = last_due(now, runtime.settings.night_hour)
    slugs = runtime.plugins.answering("purge_old")
    async with runtime.database.connection() as conn:
        known = await repository.runs(conn)
    for slug in (slug for slug in slugs if slug not in known):
        async with runtime.database.transaction() as conn:
            await repository.set_run(conn, slug, started_at=now, finished_at=None, counts={}, problem="")
    late = [slug for slug in slugs if slug in known and known[slug]["started_at"] < due]
    if not late:
        return False
    try:
        await purge(runtime, late)
    except Busy:
        return False
    return True


async def purge(runtime: Runtime, slugs: list[str] | None = None) -> dict[str, Row]:
    """Delete what is past its time now; what each module's run came to, by slug. Raises Busy."""
    owner = secrets.token_hex(8)
    await _hold(runtime, owner)
    try:
        for slug in runtime.plugins.answering("purge_old") if slugs is None else slugs:
            await _purge(runtime, slug, owner)
    finally:
        async with runtime.database.transaction() as conn:
            await repository.let_go(conn, LEASE_NAME, owner)
    return await runs()


async def runs() -> dict[str, Row]:
    """The last run of each module, by slug."""
    async with current().database.connection() as conn:
        return await repository.runs(conn)


async def apply(runtime: Runtime, slug: str) -> Mapping[str, int]:
    """Bring all that a module stored down to its settings. Raises PluginFailed."""
    counts: dict[str, int] = {}
    while True:
        work = await runtime.plugins.apply_privacy(slug)
        counts = repository.added(counts, work.counts)
        if work.done:
            return counts
        await asyncio.sleep(PAUSE / 10)


async def _purge(runtime: Runtime, slug: str, owner: str) -> None:
    started = utcnow()
    counts: dict[str, int] = {}
    problem, done = "", False
    while not done:
        try:
            work = await runtime.plugins.purge_old(slug)
        except PluginFailed as error:
            problem = str(error)
            break
        counts, done = repository.added(counts, work.counts), work.done
        if not done and utcnow() - started > LONGEST:
            problem = "there was more than one night could take; the next one goes on"
            break
        await _note(runtime, slug, started=started, ended=False, counts=counts, problem="")
        await _hold(runtime, owner)
        await asyncio.sleep(PAUSE)
    await _note(runtime, slug, started=started, ended=True, counts=counts, problem=problem)
    if counts or problem:
        log.info("nightly purge", plugin=slug, problem=problem, rows=sum(counts.values()))


async def _note(
    runtime: Runtime, slug: str, *, started: datetime, ended: bool, counts: Mapping[str, int], problem: str
) -> None:
    async with runtime.database.transaction() as conn:
        await repository.set_run(
            conn, slug, started_at=started, finished_at=utcnow() if ended else None, counts=counts, problem=problem
        )


async def _hold(runtime: Runtime, owner: str) -> None:
    async with runtime.database.transaction() as conn:
        if not await repository.hold(conn, LEASE_NAME, owner, LEASE):
            raise Busy("another process deletes old data at this moment; try again in a few minutes")
