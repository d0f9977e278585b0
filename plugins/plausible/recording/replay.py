"""Puts what the spool holds into the database: when it is back, and at the start what an earlier process left."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

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
ALONE = 1000
"""Events in one transaction while nobody else wants the database."""
BESIDE = 100
"""The same while live events come."""


class Replayer:
    """One per process, beside its recorder.

    wanted: asked for events that came when it was not known whether the module is on.
    """

    def __init__(
        self,
        recorder: Recorder,
        store: Store,
        spool: Spool,
        database: Database,
        *,
        wanted: Callable[[Kind], bool | None],
    ) -> None:
        self._recorder = recorder
        self._store = store
        self._spool = spool
        self._database = database
        self._wanted = wanted
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._damaged = 0
        self._said = ""
        recorder.on_away = self._wake.set

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
        count = await self._spool.replay(self._take, limit=self._limit)
        self._report()
        if count:
            log.info("the spool was replayed", records=count)
        return count

    def _limit(self) -> int:
        return BESIDE if self._recorder.is_busy else ALONE

    async def _take(self, records: Sequence[bytes]) -> None:
        started = time.perf_counter()
        events: list[TrackingEvent] = []
        bad: list[tuple[bytes, BadRecord]] = []
        outcomes: Counter[str] = Counter()
        for record in records:
            try:
                event, unsure = decode(record)
            except BadRecord as error:
                bad.append((record, error))
                continue
            wanted = self._wanted(event.kind) if unsure else True
            if wanted is None:
                raise DatabaseUnavailable("the modules were not read yet")
            if wanted:
                events.append(event)
        if events:
            stored = await self._store.put(events, check_keys=True)
            outcomes.update(stored.values())
        for record, reason in bad:
            await self._store.set_aside(record, reason)
            outcomes["quarantined"] += 1
        for outcome, count in outcomes.items():
            metrics.REPLAYED.labels(outcome).inc(count)
        self._recorder.came_back()
        # Live events have the first claim on the database, and on this process.
        await asyncio.sleep(time.perf_counter() - started if self._recorder.is_busy else 0)

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
