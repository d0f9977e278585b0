"""`myportal worker`: delivers mail, runs the modules' jobs, tidies up. Any number may run at once, on any host."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

from app import housekeeping
from app.database import DatabaseUnavailable
from app.email import delivery, repository
from app.email.models import DueCopy, StoredMail
from app.email.smtp import SmtpTransport
from app.hookspecs import Job
from app.runtime import Runtime

log = structlog.get_logger(__name__)

POLL = 0.3
"""Seconds between looks for due mail while there is none."""
BATCH = 20
"""Copies claimed at once."""
REAP = 15.0
TIDY = 300.0
SLOWEST_RETRY = 10.0


async def run(runtime: Runtime, *, stop: asyncio.Event) -> None:
    """Work until `stop` is set; then finish what is in flight and give back the rest."""
    jobs: list[Awaitable[None]] = [
        _repeat("mail", POLL, stop, MailJob(runtime, stop).run),
        _repeat("overdue copies", REAP, stop, lambda: _nothing(delivery.reap(runtime))),
        _repeat("tidying", TIDY, stop, lambda: _nothing(housekeeping.tidy(runtime))),
    ]
    jobs += [
        _repeat(f"{slug}: {job.name}", job.interval, stop, _of_module(runtime, slug, job))
        for slug, job in runtime.plugins.jobs()
    ]
    log.info("worker started", jobs=len(jobs))
    await asyncio.gather(*jobs)
    log.info("worker ended")


async def run_until_signal(runtime: Runtime) -> None:
    """`run` until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    watching = [asyncio.create_task(runtime.modules.watch()), asyncio.create_task(runtime.health.watch())]
    try:
        await run(runtime, stop=stop)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


async def _repeat(name: str, interval: float, stop: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` again and again; a fault is logged once, and waited out with growing pauses."""
    pause, said = interval, False
    while not stop.is_set():
        try:
            await work()
            if said:
                log.info("a job works again", job=name)
            pause, said = interval, False
        except Exception as error:
            if not said:
                known = isinstance(error, DatabaseUnavailable)
                log.error("a job failed and is tried again", job=name, error=str(error), exc_info=not known)
            said, pause = True, max(interval, min(max(pause, 0.5) * 2, SLOWEST_RETRY))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()


async def _nothing(work: Awaitable[object]) -> None:
    await work


def _of_module(runtime: Runtime, slug: str, job: Job) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        if not runtime.modules.is_enabled(slug):
            return
        try:
            await job.run()
        except Exception as error:
            runtime.health.note(slug, f"job {job.name}", f"{type(error).__name__}: {error}")
            raise

    return work


class MailJob:
    """Claims due copies and delivers them over a few connections that stay open while there is work."""

    def __init__(self, runtime: Runtime, stop: asyncio.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._owner = delivery.new_owner()
        self._untried: list[DueCopy] = []
        """Claimed by us and certainly not sent; given back as soon as the database answers."""

    async def run(self) -> None:
        """Deliver until nothing is due; then close the connections."""
        await self._give_back()
        copies = await self._claim()
        if not copies:
            return
        async with AsyncExitStack() as stack:
            lanes = [
                await stack.enter_async_context(delivery.open_transport(self._runtime))
                for _ in range(min(delivery.LANES, len(copies)))
            ]
            while copies:
                await self._deliver(lanes, copies)
                copies = [] if self._stop.is_set() else await self._claim()

    async def _claim(self) -> list[DueCopy]:
        return await delivery.claim(self._runtime, owner=self._owner, limit=BATCH)

    async def _deliver(self, lanes: list[SmtpTransport | None], copies: list[DueCopy]) -> None:
        """Share the copies among the lanes; a lane that fails does not cut off another in the middle of a mail."""
        self._untried = copies[::-1]
        mails: dict[int, StoredMail] = {}
        ends = await asyncio.gather(*(self._lane(lane, mails) for lane in lanes), return_exceptions=True)
        await self._give_back()
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _lane(self, transport: SmtpTransport | None, mails: dict[int, StoredMail]) -> None:
        while self._untried and not self._stop.is_set():
            copy = self._untried.pop()
            try:
                if copy.mail_id not in mails:
                    mails[copy.mail_id] = await delivery.load(self._runtime, copy.mail_id)
                await delivery.deliver(self._runtime, transport, mails[copy.mail_id], copy, self._owner)
            except DatabaseUnavailable:
                self._untried.append(copy)
                raise

    async def _give_back(self) -> None:
        """Let others take at once what we claimed and did not try."""
        while self._untried:
            async with self._runtime.database.transaction() as conn:
                await repository.put_back(conn, copy_id=self._untried[-1].id, owner=self._owner)
            self._untried.pop()
