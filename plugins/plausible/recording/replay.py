"""Puts what the spool holds into the database: when it is back, and at the start what an earlier process left."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from app.database import Database, DatabaseUnavailable
from app.spool import Spool
from plugins.plausible.events import Kind, TrackingEvent
from plugins.plausible.recording import metrics
from plugins.plausible.recording.codec import BadRecord, decode
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.store import Store
from plugins.plausible.recording.words import explain

log = structlog.get_logger(__name__)

LOOK = 1.0
"""Seconds between two looks at the spool, ours and those of processes that died."""
REPORT = 0.5
"""Seconds between two looks at the spool for `/metrics`."""
RETRY = 0.25
"""Seconds between two tries while the database is away."""
ALONE = 2000
"""Events that are stored at once while nobody else wants the database."""
BESIDE = 100
"""Events that are stored at once while live events come."""
SLICE = 50
"""Records that are decoded before others have a turn."""


@dataclass
class _Decoded:
    """Records, decoded: the events, each with whether it is unsure, and what is no event."""

    events: list[tuple[TrackingEvent, bool]] = field(default_factory=list)
    bad: list[tuple[bytes, BadRecord]] = field(default_factory=list)


async def _decoded(records: Sequence[bytes]) -> _Decoded:
    found = _Decoded()
    for number, record in enumerate(records):
        if number % SLICE == 0:
            await asyncio.sleep(0)
        try:
            found.events.append(decode(record))
        except BadRecord as error:
            found.bad.append((record, error))
    return found


class Replayer:
    """One per process, beside its recorder.

    wanted: asked for events that came when it was not known whether the module is on. reduce: takes out of an event
    what is not to be kept any more.
    """

    def __init__(
        self,
        live: Recorder,
        store: Store,
        spool: Spool,
        database: Database,
        *,
        wanted: Callable[[Kind], bool | None],
        reduce: Callable[[TrackingEvent], None] = lambda event: None,
    ) -> None:
        self._recorder = live
        self._store = store
        self._spool = spool
        self._database = database
        self._wanted = wanted
        self._reduce = reduce
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._decoding: tuple[Sequence[bytes], asyncio.Task[_Decoded]] | None = None
        """What comes next."""
        self._damaged = 0
        self._said = ""
        live.on_away = self._wake.set

    def start(self) -> None:
        """Begin to look."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()), loop.create_task(self._report_on())]

    async def close(self) -> None:
        """Stop; what is not replayed stays in the spool."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            pause = LOOK
            try:
                if self._recorder.is_away or not self._spool.is_empty:
                    await self.once()
                    self._said = ""
            except Exception as error:
                pause = RETRY
                self._say(error)
            self._wake.clear()
            with suppress(TimeoutError):
                # Not woken while it fails anyhow: each event that is spooled wakes.
                async with asyncio.timeout(pause):
                    await (self._wake.wait() if pause == LOOK else asyncio.sleep(pause))

    async def once(self) -> int:
        """Replay all there is; the number of records. Raises DatabaseUnavailable, SpoolUnavailable."""
        async with self._database.connection() as conn:
            await conn.fetch_value("SELECT 1")
        if self._spool.is_empty:
            self._recorder.came_back()
            return 0
        try:
            count = await self._spool.replay(self._take, limit=ALONE, ahead=self._ahead)
        finally:
            self._forget_ahead()
        self._report()
        if count:
            log.info("the spool was replayed", records=count)
        return count

    def _ahead(self, records: Sequence[bytes]) -> None:
        """Decode what comes next while the database is at work on what came before."""
        self._forget_ahead()
        self._decoding = records, asyncio.get_running_loop().create_task(_decoded(records))

    def _forget_ahead(self) -> None:
        if self._decoding is not None:
            self._decoding[1].cancel()
            self._decoding = None

    async def _take(self, records: Sequence[bytes]) -> None:
        if self._decoding is not None and self._decoding[0] is records:
            (_, decoding), self._decoding = self._decoding, None
            decoded = await decoding
        else:
            decoded = await _decoded(records)
        events = [event for event, unsure in decoded.events if not unsure or self._is_wanted(event)]
        for event in events:
            self._reduce(event)
        start = 0
        while start < len(events):
            started = time.perf_counter()
            is_busy = self._recorder.is_busy
            part = events[start : start + BESIDE] if is_busy else events[start:]
            start += len(part)
            # When they are judged it is also asked which are there already: those whose commit came through and its
            # answer did not, and what was replayed by a process that died then.
            for outcome, count in Counter((await self._store.put(part, defer=True)).values()).items():
                metrics.REPLAYED.labels(outcome).inc(count)
            self._recorder.note_rush()
            # Live events have the first claim on the database, and on this process.
            await asyncio.sleep(time.perf_counter() - started if is_busy else 0)
        for record, reason in decoded.bad:
            await self._store.set_aside(record, reason)
            metrics.REPLAYED.labels("quarantined").inc()
        self._recorder.came_back()

    def _is_wanted(self, event: TrackingEvent) -> bool:
        wanted = self._wanted(event.kind)
        if wanted is None:
            raise DatabaseUnavailable("the modules were not read yet")
        return wanted

    async def _report_on(self) -> None:
        """Beside the replay, which may wait for the database for seconds."""
        while True:
            self._report()
            await asyncio.sleep(REPORT)

    def _report(self) -> None:
        state = self._spool.state()
        metrics.SPOOL_BYTES.set(state.bytes)
        metrics.SPOOL_RECORDS.set(state.records)
        metrics.SPOOL_OLDEST.set(max(0.0, time.time() - state.oldest_at.timestamp()) if state.oldest_at else 0)
        if state.damaged > self._damaged:
            metrics.SPOOL_DAMAGED.inc(state.damaged - self._damaged)
            self._damaged = state.damaged

    def _say(self, error: Exception) -> None:
        words = type(error).__name__
        if words != self._said:
            log.warning("the spool is not replayed", **explain(error))
        self._said = words
