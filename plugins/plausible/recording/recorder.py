"""The one way in for opens and clicks. Who waits for an event is told once it is durable: committed, or synced in the
spool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from math import inf
from sys import maxsize

import structlog

from app.spool import Spool
from plugins.plausible.events import Kind, TrackingEvent
from plugins.plausible.recording import metrics
from plugins.plausible.recording.codec import encode
from plugins.plausible.recording.queue import Entry, Folds, Queue, Then
from plugins.plausible.recording.store import Store
from plugins.plausible.recording.words import explain

log = structlog.get_logger(__name__)

BOUNDS: dict[Kind, float] = {"click": 0.1, "open": 0.5}
"""Seconds that an answer waits for the commit before the spool takes the event."""
MOST = 500
"""Events in one transaction."""
LANES = 2
"""Transactions at the same time: while one waits for the disk, the other is written down."""
ENOUGH = 24
"""Events that wait, for which a second transaction beside one that runs is worth it: two half as large cost more."""
RUSH = 8
"""Events in one transaction from which on they are only stored, and judged when the rush is over."""
BUSY = 100
"""The same of all transactions within CALM, a fifth of what can be judged in that time: few at once may be many too."""
CALM = 0.25
"""Seconds without so many after which a rush is over."""
FOLD_FOR = 0.02
"""Seconds that folded events collect: so many rows at most come of one copy, at whatever rate it is asked for."""
MOST_WAITING = 10_000
"""Events in memory; with a slow database and no spool, more than these are lost."""
TICK = 0.02
"""Seconds between two looks for events whose time is over."""
STUCK = 0.5
"""A transaction that runs for longer than this many seconds: the database counts as away until it ends."""
LAST_WAIT = 5.0
"""Seconds that the end of the process waits for the database; what is not committed by then goes to the spool."""
WORDS_EVERY = 10.0
"""Seconds between two lines in the log about the same trouble."""


class Recorder:
    """Groups what comes at the same time into one transaction: while one commits, the next collects.

    store: the way into the tables. spool: where events go that cannot wait for them.
    """

    def __init__(self, store: Store, spool: Spool, *, bounds: dict[Kind, float] | None = None) -> None:
        self._store = store
        self._spool = spool
        self._bounds = bounds or BOUNDS
        self._queue = Queue()
        self._folds = Folds()
        self._folder: asyncio.Task[None] | None = None
        self._writers: dict[int, asyncio.Task[None]] = {}
        """By lane."""
        self._watcher: asyncio.Task[None] | None = None
        self._others: set[asyncio.Task[None]] = set()
        self._for_spool: list[Entry] = []
        """What came in this turn of the loop for the spool: one task for all."""
        self._writing: dict[int, tuple[list[Entry], float]] = {}
        """By lane, what its transaction holds and when it began, on the loop's clock."""
        self._rush_until = 0.0
        self._lately = 0
        self._lately_since = 0.0
        self._away = False
        self._closed = False
        self._last_words = 0.0
        self.on_away: Callable[[], None] = lambda: None
        """Called when the spool has got something; the replay starts by it."""
        self.on_rush: Callable[[], None] = lambda: None
        """Called when events were stored that are to be judged later."""

    @property
    def is_away(self) -> bool:
        """Whether events go straight to the spool."""
        return self._away or self._is_stuck(asyncio.get_running_loop().time())

    @property
    def is_busy(self) -> bool:
        """Whether live events wait."""
        return bool(self._writing) or len(self._queue) > 0

    @property
    def is_calm(self) -> bool:
        """Whether nothing waits and there is no rush."""
        return not self.is_busy and not self.is_rush

    @property
    def is_rush(self) -> bool:
        """Whether events are only stored now."""
        return asyncio.get_running_loop().time() < self._rush_until

    def note_rush(self) -> None:
        """Events were stored that are to be judged later: there is a rush from now on, for CALM at least."""
        self._rush_until = asyncio.get_running_loop().time() + CALM
        self.on_rush()

    def came_back(self) -> None:
        """The database takes events again."""
        if self._away:
            log.info("the database takes events again")
        self._away = False
        metrics.DATABASE_UP.set(1)

    def take(self, event: TrackingEvent, then: Then, *, fold: bool = False, unsure: bool = False) -> None:
        """Store one event, and tell `then` once what became of it. Never raises.

        'committed' or 'spooled': it is durable. 'unknown', 'quarantined': the database does not take it. 'waiting': the
        spool is gone and the database slow, it waits in memory. 'lost': both are gone.

        fold: only count it, with others of the same copy. unsure: whether the module is on is not known; the replay
        asks again.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        entry = Entry(event, then, now + self._bounds[event.kind], unsure)
        if fold and not self._closed:
            self._folds.add(entry)
            if self._folder is None:
                self._folder = loop.create_task(self._fold())
        elif self._goes_to_spool(entry, now):
            self._spool_soon(entry)
        else:
            self._add(entry)

    async def close(self) -> None:
        """Commit what waits, or spool it; then nothing waits any more. Later events go to the spool."""
        self._closed = True
        for entry in self._folds.take():
            self._add(entry)
        if self._writers:
            await asyncio.wait(set(self._writers.values()), timeout=LAST_WAIT)
        if self._watcher is not None:
            self._watcher.cancel()
        others = [task for task in (self._watcher, self._folder) if task is not None]
        await asyncio.gather(*others, *self._others, return_exceptions=True)
        # Taken out of the queue, so that no writer takes them up beside the spool.
        await self._to_spool([*(entry for entry in self._in_flight() if not entry.spooled), *self._queue.take(maxsize)])
        writers = list(self._writers.values())
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    def _goes_to_spool(self, entry: Entry, now: float) -> bool:
        return entry.unsure or self._closed or self._away or self._is_stuck(now) or len(self._queue) >= MOST_WAITING

    def _add(self, entry: Entry) -> None:
        """Let the next transaction have it."""
        self._queue.add(entry)
        if not self._writers or len(self._queue) >= ENOUGH:
            self._start_lane()

    def _start_lane(self) -> None:
        """One more transaction, where there may be one."""
        if len(self._writers) >= LANES:
            return
        loop = asyncio.get_running_loop()
        lane = next(lane for lane in range(LANES) if lane not in self._writers)
        self._writers[lane] = loop.create_task(self._write(lane))
        if self._watcher is None:
            self._watcher = loop.create_task(self._watch())

    async def _fold(self) -> None:
        """Let folded events collect for a while, then send them the way of all others."""
        try:
            while self._folds:
                await asyncio.sleep(FOLD_FOR)
                to_spool = []
                for entry in self._folds.take():
                    if self._goes_to_spool(entry, asyncio.get_running_loop().time()):
                        to_spool.append(entry)
                    else:
                        self._add(entry)
                await self._to_spool(to_spool)
        finally:
            self._folder = None

    # --- the database -----------------------------------------------------------------------------------------------

    async def _write(self, lane: int) -> None:
        """Write until nothing waits; ends then, so that an idle process does nothing."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._queue.take(MOST):
                self._writing[lane] = batch, loop.time()
                metrics.QUEUE.set(len(self._queue))
                try:
                    defer = self._is_rush(len(batch))
                    outcomes = await self._store.put([entry.event for entry in batch], defer=defer, lane=lane)
                    if defer:
                        self.on_rush()
                    for entry in batch:
                        outcome = outcomes[entry.event.key]
                        entry.settle("committed" if outcome in {"stored", "duplicate"} else outcome)
                except Exception as error:
                    self._gone(error)
                    await self._to_spool([entry for entry in batch if not entry.spooled])
                del self._writing[lane]
        finally:
            self._writing.pop(lane, None)
            del self._writers[lane]
            metrics.QUEUE.set(len(self._queue))

    def _is_rush(self, count: int) -> bool:
        """Whether so many at once are too many to be judged before they are answered, or others were just now."""
        now = asyncio.get_running_loop().time()
        if now - self._lately_since >= CALM:
            self._lately, self._lately_since = 0, now
        self._lately += count
        if count >= RUSH or self._lately >= BUSY:
            self._rush_until = now + CALM
        return now < self._rush_until

    def _in_flight(self) -> list[Entry]:
        return [entry for batch, _ in self._writing.values() for entry in batch]

    def _gone(self, error: Exception) -> None:
        if not self._away:
            log.error("events go to the spool: the database does not take them", **explain(error))
        self._away = True
        metrics.DATABASE_UP.set(0)

    def _is_stuck(self, now: float) -> bool:
        for _, since in self._writing.values():  # noqa: SIM110 (asked for each event, and a generator costs twice that)
            if now - since > STUCK:
                return True
        return False

    # --- the spool --------------------------------------------------------------------------------------------------

    def _spool_soon(self, entry: Entry) -> None:
        """Let the spool have it together with others that come in this turn of the loop."""
        self._for_spool.append(entry)
        if len(self._for_spool) == 1:
            self._start(self._spool_all())

    async def _spool_all(self) -> None:
        entries, self._for_spool = self._for_spool, []
        await self._to_spool(entries)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def _watch(self) -> None:
        """Help on what waits for too long, while a writer is at work: by another transaction, then by the spool."""
        loop = asyncio.get_running_loop()
        try:
            while self._writers:
                await asyncio.sleep(TICK)
                now = loop.time()
                if self._queue:
                    self._start_lane()
                late = [entry for entry in self._in_flight() if entry.due <= now and not entry.spooling]
                late += self._queue.overdue(now)
                if late:
                    for entry in late:
                        entry.spooling = True
                    self._start(self._to_spool(late, patient=True))
        finally:
            self._watcher = None

    async def _to_spool(self, entries: Sequence[Entry], *, patient: bool = False) -> None:
        """Make entries durable on the local disk; where that fails too, they are lost, and that is said.

        patient: the database may still take them; where the spool fails they are answered and go on waiting for it.
        """
        if not entries:
            return
        for entry in entries:
            entry.spooling = True
        try:
            await self._spool.append_all([encode(entry.event, unsure=entry.unsure) for entry in entries])
        except Exception as error:
            if patient:
                for entry in entries:
                    entry.spooling, entry.due = False, inf
                    entry.settle("waiting")
                return
            outcome = "lost"
            self._say_lost(sum(entry.event.repeats for entry in entries), error)
        else:
            outcome = "spooled"
            for entry in entries:
                entry.spooled = True
            self.on_away()
        for entry in entries:
            entry.settle(outcome)

    def _say_lost(self, count: int, error: Exception) -> None:
        metrics.LOST.inc(count)
        now = asyncio.get_running_loop().time()
        if now - self._last_words >= WORDS_EVERY or not self._last_words:
            self._last_words = now
            log.error("events lost: neither the database nor the spool takes them", events=count, **explain(error))
