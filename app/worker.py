"""`myportal worker`: delivers mail, runs the modules' jobs, tidies up. Any number may run at once, on any host."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

import structlog

from app import housekeeping
from app.database import DatabaseUnavailable
from app.email import building, delivery
from app.email import queue_repository as queue
from app.email.models import DueCopy, StoredMail
from app.email.smtp import SmtpTransport
from app.hookspecs import Job
from app.inbound import polling
from app.inbound import processing as inbound
from app.inbound.polling import Poller
from app.notifications import mailing
from app.privacy import erasure, nightly
from app.reports import rebuild as reports
from app.runtime import Runtime
from app.tickets import dues, waking

log = structlog.get_logger(__name__)

POLL = 0.3
"""Seconds between looks for due mail while there is none; the lanes take turns."""
BATCH = 5
"""Copies that a lane claims at once."""
REAP = 15.0
NOTIFY = 5.0
TIDY = 300.0
SLOWEST_RETRY = 10.0


async def run(runtime: Runtime, *, stop: asyncio.Event) -> None:
    """Work until `stop` is set; then finish what is in flight and give back the rest."""
    poller = Poller(runtime)
    jobs: list[Awaitable[None]] = [
        _repeat("mailboxes", polling.INTERVAL, stop, poller.look),
        _repeat("overdue copies", REAP, stop, lambda: _nothing(delivery.reap(runtime))),
        _repeat("inbound mail", inbound.INTERVAL, stop, lambda: _nothing(inbound.run_due(runtime, stop=stop))),
        _repeat("notification mails", NOTIFY, stop, lambda: _nothing(mailing.mail_due(runtime))),
        _repeat("snoozes that are over", waking.INTERVAL, stop, lambda: _nothing(waking.wake_due(runtime))),
        _repeat("due dates", dues.INTERVAL, stop, lambda: _nothing(dues.tell_due(runtime))),
        _repeat("erasures", erasure.INTERVAL, stop, lambda: _nothing(erasure.run_due(runtime))),
        _repeat("nightly purge", nightly.INTERVAL, stop, lambda: _nothing(nightly.run_if_due(runtime))),
        _repeat("reports", reports.INTERVAL, stop, lambda: reports.tend(runtime.database, runtime.plugins)),
        _repeat("tidying", TIDY, stop, lambda: _nothing(housekeeping.tidy(runtime))),
    ]
    lanes = runtime.settings.smtp_connections
    jobs += [
        _repeat(f"mail {lane}", POLL * lanes, stop, MailLane(runtime, stop).run, first=POLL * lane)
        for lane in range(lanes)
    ]
    jobs += [
        _repeat(f"{slug}: {job.name}", job.interval, stop, _of_module(runtime, slug, job))
        for slug, job in runtime.plugins.jobs()
    ]
    log.info("worker started", jobs=len(jobs))
    try:
        await asyncio.gather(*jobs)
    finally:
        await poller.close()
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


async def _repeat(
    name: str, interval: float, stop: asyncio.Event, work: Callable[[], Awaitable[None]], *, first: float = 0
) -> None:
    """Run `work` again and again; a fault is logged once, and waited out with growing pauses.

    first: seconds before the first run.
    """
    pause, said = interval, False
    await _wait(stop, first)
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
        await _wait(stop, pause)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
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


class MailLane:
    """Claims a few due copies and delivers them, one after the other, over one connection while there is work.

    Lanes do not wait for each other: a mail that keeps the mail server thinking for minutes holds up one of them.
    """

    def __init__(self, runtime: Runtime, stop: asyncio.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._owner = delivery.new_owner()
        self._untried: list[DueCopy] = []
        """Claimed by us and certainly not sent; given back as soon as the database answers."""

    async def run(self) -> None:
        """Deliver until nothing is due; then close the connection."""
        await self._give_back()
        if not await self._claim():
            return
        async with delivery.open_transport(self._runtime) as transport:
            while self._untried:
                try:
                    await self._deliver(transport)
                finally:
                    await self._give_back()
                if not self._stop.is_set():
                    await self._claim()

    async def _claim(self) -> bool:
        copies = await delivery.claim(self._runtime, owner=self._owner, limit=BATCH)
        self._untried = copies[::-1]
        return bool(copies)

    async def _deliver(self, transport: SmtpTransport | None) -> None:
        mail: StoredMail | None = None
        while self._untried and not self._stop.is_set():
            copy = self._untried.pop()
            try:
                if mail is None or mail.id != copy.mail_id:
                    mail = await building.load(self._runtime, copy.mail_id)
                await delivery.deliver(self._runtime, transport, mail, copy, self._owner)
            except DatabaseUnavailable:
                self._untried.append(copy)
                raise

    async def _give_back(self) -> None:
        """Let others take at once what we claimed and did not try."""
        while self._untried:
            async with self._runtime.database.transaction() as conn:
                await queue.put_back(conn, copy_id=self._untried[-1].id, owner=self._owner)
            self._untried.pop()
