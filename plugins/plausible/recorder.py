"""The one way in for opens and clicks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pymysql
import structlog

from app.database import DUPLICATE, Connection, Database, DatabaseUnavailable
from app.services import receipts
from plugins.plausible import repository
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.links import is_tracking_id

log = structlog.get_logger(__name__)

DEADLINE = 1.0
"""Seconds that the answer to a mail client waits for its event; what is not stored by then goes on behind it."""
GOING_ON = 1000
"""Events that may go on behind their answers; while the database is away, more than these are lost, and logged."""
PATIENCE = 10.0
"""Seconds that an event waits for its turn."""
LANES = 5
"""Events that are stored at the same time, so that a mailing that everybody opens leaves connections for the agents."""
LAST_WAIT = 2.0
"""Seconds that the end of the process waits for what goes on."""


class Recorder:
    """Stores events of known copies, with the sums and the receipt that follow from them, in one transaction each.

    wanted: whether events of a kind are recorded now; asked for each event.
    """

    def __init__(self, database: Database, *, wanted: Callable[[Kind], bool], deadline: float = DEADLINE) -> None:
        self._database = database
        self._wanted = wanted
        self._deadline = deadline
        self._lanes = asyncio.Semaphore(LANES)
        self._tasks: set[asyncio.Task[bool]] = set()
        self._answered: set[asyncio.Task[bool]] = set()
        """Those of the tasks that nobody waits for any more."""

    async def record(self, event: TrackingEvent) -> bool:
        """Store one event; True once it is committed.

        False for ids that are not ours or not tracked, kinds that are not recorded now, and where the database does
        not answer in time. Never raises: the mail client gets its answer in any case.
        """
        if not self._wanted(event.kind) or not is_tracking_id(event.tracking_id):
            return False
        if len(self._answered) >= GOING_ON:
            log.error("event lost: the database does not keep up", kind=event.kind, waiting=len(self._answered))
            return False
        # A task of its own, because the server cancels the request when the mail client hangs up, and many do.
        task = asyncio.create_task(self._store(event))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        done, pending = await asyncio.wait({task}, timeout=self._deadline)
        self._answered |= pending
        return bool(done) and task.result()

    async def close(self) -> None:
        """Give what goes on a moment to end."""
        if self._tasks:
            _, pending = await asyncio.wait(set(self._tasks), timeout=LAST_WAIT)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _forget(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        self._answered.discard(task)

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[None]:
        async with asyncio.timeout(PATIENCE):
            await self._lanes.acquire()
        try:
            yield
        finally:
            self._lanes.release()

    async def _store(self, event: TrackingEvent) -> bool:
        try:
            async with self._lane():
                return await self._database.run(partial(_write, event=event))
        except (DatabaseUnavailable, TimeoutError) as error:
            reason = str(error) or f"no turn within {PATIENCE:g} s"
            log.error("event lost: the database does not answer", kind=event.kind, error=reason)
        except pymysql.err.IntegrityError as error:
            if error.args[0] == DUPLICATE:
                # Stored before: the answer to its commit was lost, or it is told a second time.
                return True
            log.exception("event lost", kind=event.kind)
        except Exception:
            log.exception("event lost", kind=event.kind)
        return False


async def _write(conn: Connection, *, event: TrackingEvent) -> bool:
    """Event, sums and receipt, in the order in which everybody locks: copy, reply, ticket, live events."""
    copy = await repository.lock_copy(conn, event.tracking_id)
    if copy is None:
        return False
    await repository.insert_event(conn, event, recipient_id=copy.recipient_id)
    if event.kind == OPEN:
        await repository.add_open(conn, recipient_id=copy.recipient_id, at=event.occurred_at)
        await repository.add_reply_open(conn, reply_id=copy.reply_id, at=event.occurred_at)
    elif event.kind == CLICK:
        await repository.add_click(conn, recipient_id=copy.recipient_id, at=event.occurred_at)
    # Who follows a link has read the mail, images shown or not.
    await receipts.report(conn, recipient_id=copy.recipient_id, receipt="read", at=event.occurred_at)
    return True
