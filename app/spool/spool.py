"""The spool as the rest of the program sees it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import structlog

from app.spool.condition import SpoolState
from app.spool.errors import SpoolUnavailable
from app.spool.segment import MAX_RECORD, Chunk
from app.spool.store import Store

log = structlog.get_logger(__name__)

T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between two looks at what other processes left."""
_FIRST_LOOK = 1.0
"""Seconds that the first look may hold up its caller; a disk that hangs must not hang the program."""
HANGS = 5.0
"""Seconds after which a disk that has not answered is given up, until it does: nobody waits for it any more."""
CLOSED = "The spool is closed; this process is ending."

_spools: WeakSet[Spool] = WeakSet()


class Spool:
    """Byte records, kept on local disk until they are taken.

    `folder` is shared by all processes of the host; nothing is touched there before the first call. Each process has
    a sub-folder of its own, and adopts those of processes that ended. Use it from one event loop.
    """

    def __init__(self, folder: Path, *, cap_bytes: int = 1 << 30, segment_bytes: int = 8 << 20) -> None:
        self._folder = folder.absolute()
        self._cap_bytes = cap_bytes
        self._segment_bytes = segment_bytes
        self._begin()
        _spools.add(self)

    def _begin(self) -> None:
        self._store = Store(self._folder, cap_bytes=self._cap_bytes, segment_bytes=self._segment_bytes)
        self._files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[bytes] = []
        self._callers: list[asyncio.Future[None]] = []
        self._job: asyncio.Future[None] | None = None
        """The write under way."""
        self._hanging: str | None = None
        """What to say of the disk while the write under way does not end."""
        self._replaying = asyncio.Lock()
        self._closed = False
        self._look: Future[None] | None = None
        self._look_at = float("-inf")

    def _after_fork(self) -> None:
        """The thread and the locks are the parent's; a child begins a spool of its own."""
        self._store.abandon()
        self._begin()

    async def append(self, record: bytes) -> None:
        """Keep a record; it is durable (synced to disk) when this returns.

        Records of callers that wait at the same time share one write and one sync. Raises SpoolUnavailable, also
        where the disk does not answer for HANGS seconds, and then at once until it does; the record may then still
        turn up, where the disk took it and failed only afterwards. So may that of a caller that was cancelled.
        Raises ValueError for a record of more than MAX_RECORD bytes.
        """
        await self.append_all((record,))

    async def append_all(self, records: Sequence[bytes]) -> None:
        """Keep all records, in their order and in one go; as `append` otherwise."""
        if not records:
            return
        for record in records:
            if len(record) > MAX_RECORD:
                raise ValueError(f"a record of {len(record)} bytes is longer than {MAX_RECORD}; split it")
        refusal = CLOSED if self._closed else self._hanging or self._store.refusal
        if refusal is not None:
            raise SpoolUnavailable(refusal)
        caller = asyncio.get_running_loop().create_future()
        self._waiting.extend(records)
        self._callers.append(caller)
        if self._job is None:
            self._write()
        await caller

    def _write(self) -> None:
        """Hand all that waits to the file thread. What comes meanwhile is the next group: no delay, no idle disk."""
        records, self._waiting = self._waiting, []
        callers, self._callers = self._callers, []
        loop = asyncio.get_running_loop()
        self._job = loop.run_in_executor(self._files, self._store.append, records)
        patience = loop.call_later(HANGS, self._give_up, callers)
        self._job.add_done_callback(lambda done: self._written(done, callers, patience))

    def _give_up(self, callers: list[asyncio.Future[None]]) -> None:
        """Let those go who wait for a disk that hangs. The thread that waits for it cannot be ended, nor may another
        one write to the same file: so nothing more is tried before it comes back."""
        self._hanging = f"The disk of {self._folder} does not answer. Look at the system log, then at the disk."
        log.error("spool disk does not answer, nothing is kept", seconds=HANGS)
        callers = [*callers, *self._callers]
        self._waiting, self._callers = [], []
        for caller in callers:
            if not caller.done():
                caller.set_exception(SpoolUnavailable(self._hanging))

    def _written(
        self, job: asyncio.Future[None], callers: list[asyncio.Future[None]], patience: asyncio.TimerHandle
    ) -> None:
        patience.cancel()
        if self._hanging:
            self._hanging = None
            log.info("spool disk answers again")
        error = job.exception()
        if isinstance(error, SpoolUnavailable):
            # What came meanwhile would fail alike, and only after another try.
            callers += self._callers
            self._waiting, self._callers = [], []
        for caller in callers:
            if caller.done():
                continue
            if error is None:
                caller.set_result(None)
            else:
                caller.set_exception(SpoolUnavailable(*error.args) if isinstance(error, SpoolUnavailable) else error)
        self._job = None
        if self._callers:
            self._write()

    def state(self) -> SpoolState:
        """What waits, and how the spool is; from memory.

        Other processes' folders and the disk are looked at in the background, at most once a second; the first call
        waits for that.
        """
        self._look_around()
        state = self._store.state
        if self._hanging:
            words = self._hanging.rstrip(".")
            state = replace(state, alarm=f"{words}; {state.alarm}" if state.alarm else words)
        return state

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to replay: neither our own, nor of a process that ended."""
        self._look_around()
        return self._store.empty

    def _look_around(self) -> None:
        now = time.monotonic()
        if self._closed or now - self._look_at < LOOK_EVERY or (self._look is not None and not self._look.done()):
            return
        first = self._look is None
        self._look_at = now
        self._look = self._files.submit(self._store.look)
        if first:
            wait([self._look], timeout=_FIRST_LOOK)

    async def replay(
        self,
        take: Callable[[Sequence[bytes]], Awaitable[None]],
        *,
        limit: Callable[[], int] | int = 500,
        ahead: Callable[[Sequence[bytes]], None] | None = None,
        stop: asyncio.Event | None = None,
    ) -> int:
        """Give all records that wait now to `take`, and remove what it took. Return how many it took.

        In order: first what ended processes left, one after the other, then our own; each from the oldest on. `take`
        gets up to `limit` records at once; a function is asked anew each time. `ahead` is told, while `take` is at
        work, what it will get next. New records may be appended meanwhile, they wait for the next replay. Setting
        `stop` ends it after the batch under way.

        `take` must be idempotent: a process that dies in the middle of a segment leaves all of it to be replayed
        again. An exception that it raises ends the replay and is passed on; its batch stays, and comes first next
        time. Raises SpoolUnavailable where a file cannot be read or removed.
        """

        def most() -> int:
            return max(1, limit if isinstance(limit, int) else limit())

        def tell(read: asyncio.Future[Chunk | None]) -> None:
            chunk = None if read.cancelled() or read.exception() else read.result()
            if ahead is not None and chunk is not None and chunk.records:
                ahead(chunk.records)

        async with self._replaying:
            total = 0
            if self._closed:
                return total
            for folder, one in await self._run(self._store.seal):
                chunk = await self._run(self._store.read, one, folder, most())
                while chunk is not None:
                    if self._closed or (stop is not None and stop.is_set()):
                        return total
                    following = asyncio.ensure_future(self._run(self._store.read, one, folder, most(), chunk.position))
                    try:
                        if chunk.records:
                            following.add_done_callback(tell)
                            await take(chunk.records)
                            total += len(chunk.records)
                        await self._run(self._store.taken, one, folder, chunk)
                    except BaseException:
                        following.cancel()
                        raise
                    chunk = await following
                await self._run(self._store.drop, one, folder)
            return total

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._files, function, *arguments)

    async def close(self) -> None:
        """Finish what is being appended, end a replay after its batch, and let go of the files.

        What waits is adopted by another process, or at the next start. A disk that hangs is left behind.
        """
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(HANGS), self._replaying:
                while self._job is not None:
                    await asyncio.wait([self._job])
                await self._run(self._store.close)
        except TimeoutError:
            log.error("spool is left open: its disk does not answer", seconds=HANGS)
        self._files.shutdown(wait=False)
        _spools.discard(self)


def _after_fork() -> None:
    for spool in list(_spools):
        spool._after_fork()


os.register_at_fork(after_in_child=_after_fork)
