"""Hands the events of the database on to this process's open pages.

One look each half second serves every page of the process, and only while there is one. Each process looks for
itself, so that it does not matter which process an event came from.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from app.database import Connection, Database
from app.live import repository
from app.live.events import OVERLAP, Cursor, Event, Heard, merged, to_tell
from app.live.packing import expand
from app.live.reader import Reader, unheard

log = structlog.get_logger(__name__)

INTERVAL = 0.5
STOP_INTERVAL = 0.1
"""Seconds between two looks whether the process is asked to end."""
QUEUE = 500
"""Events that may wait for one page; a page that reads more slowly is let go, and asks again with its cursor."""
MAX_LISTENERS = 2000


class TooManyListeners(Exception):
    """This process serves as many open pages as it can."""


class Listener:
    """One open page: the topics it follows and what waits for it."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE + 1)
        self._offered: OrderedDict[int, datetime] = OrderedDict()
        """The time of each event that was queued, by id, as they came; a dict is slow where its first entries go."""
        self._held: list[Event] | None = []
        """What came before `start`; None after it."""
        self._ended = False

    def start(self, *, known: Cursor, missed: Sequence[Event]) -> None:
        """Queue what of the missed events the page is to be told, and from now on what comes.

        What it knows is never told, and what it missed never again.
        """
        held, self._held = self._held or [], None
        self._offered = OrderedDict.fromkeys(known.seen, known.moment)
        for event in to_tell(missed, known.moment):
            self.offer(event)
        self._offered |= {event.id: event.created_at for event in missed}
        for event in held:
            self.offer(event)

    def offer(self, event: Event) -> None:
        """Queue an event, each once. A page that does not take its events is let go."""
        if self._held is not None:
            self._held.append(event)
        elif not self._ended and event.id not in self._offered:
            self._offered[event.id] = event.created_at
            self._queue.put_nowait(event)
            if self._queue.qsize() >= QUEUE:
                self.end()

    def end(self) -> None:
        """Let the page go after what is queued."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)

    def forget_before(self, moment: datetime) -> None:
        """Drop the memory of events that cannot come again."""
        while self._offered and next(iter(self._offered.values())) < moment:
            self._offered.popitem(last=False)

    async def next(self, timeout: float) -> Event | None:
        """The next event, or None at the end. Raises TimeoutError where none came in time."""
        async with asyncio.timeout(timeout):
            return await self._queue.get()


class Hub:
    """The open pages of one process.

    stopping: set when the process is asked to end; every page is let go then, because servers wait for open
    connections before they tell the application.
    """

    def __init__(self, database: Database, *, stopping: threading.Event, interval: float = INTERVAL) -> None:
        self._database = database
        self._stopping = stopping
        self._interval = interval
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._count = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def count(self) -> int:
        """How many pages listen."""
        return self._count

    @property
    def is_polling(self) -> bool:
        """Whether this process looks into the database."""
        return bool(self._tasks)

    @asynccontextmanager
    async def listen(self, topics: frozenset[str], cursor: Cursor | None) -> AsyncIterator[tuple[Listener, Heard]]:
        """Follow topics inside the block, from `cursor` on, or from now.

        A page that has no cursor was rendered a moment ago: receipts that came since are told, since they do no harm
        twice. Raises TooManyListeners, DatabaseUnavailable.
        """
        if self._count >= MAX_LISTENERS:
            raise TooManyListeners(f"this process already serves {MAX_LISTENERS} open pages")
        listener = Listener(topics)
        self._add(listener)
        try:
            heard = await self._catch_up(listener, cursor)
            yield listener, heard
        finally:
            self._remove(listener)

    async def missed(self, topics: frozenset[str], cursor: Cursor | None) -> tuple[list[Event], Cursor]:
        """For pages that poll: what they have not heard, and the cursor after it. Raises DatabaseUnavailable."""
        async with self._database.connection() as conn:
            missed, heard = await _look(conn, topics, cursor)
        told = to_tell(missed, heard.moment)
        for event in missed:
            heard.add(event)
        return told, heard.cursor

    async def close(self) -> None:
        """Let every page go and end the tasks."""
        self._end_all()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _catch_up(self, listener: Listener, cursor: Cursor | None) -> Heard:
        async with self._database.connection() as conn:
            missed, heard = await _look(conn, listener.topics, cursor)
        listener.start(known=heard.cursor, missed=missed)
        return heard

    def _add(self, listener: Listener) -> None:
        for topic in listener.topics:
            self._listeners[topic].add(listener)
        self._count += 1
        if self._stopping.is_set():
            listener.end()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._watch_for_stop())]

    def _remove(self, listener: Listener) -> None:
        for topic in listener.topics:
            self._listeners[topic].discard(listener)
            if not self._listeners[topic]:
                del self._listeners[topic]
        self._count -= 1
        if not self._count:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def _end_all(self) -> None:
        for listener in set().union(*self._listeners.values()):
            listener.end()

    async def _watch_for_stop(self) -> None:
        # Set by a signal handler, so it is a threading.Event, which no coroutine can wait for.
        while not self._stopping.is_set():
            await asyncio.sleep(STOP_INTERVAL)
        self._end_all()

    async def _poll(self) -> None:
        """Look for ever; while the database is away, look on, and tell afterwards what came meanwhile."""
        reader = Reader()
        answers = True
        while True:
            try:
                await self._look_once(reader)
                answers = True
            except Exception as error:
                # Whatever it is: pages would wait in silence for a task that ended.
                if answers:
                    log.warning("live events not read", error=repr(error))
                answers = False
            await asyncio.sleep(self._interval)

    async def _look_once(self, reader: Reader) -> None:
        async with self._database.connection() as conn:
            rows = await reader.news(conn)
        told: list[Event] = []
        for row in rows:
            told += expand(row, self._listeners)
            # After an hour without a database there are many rows; requests must not wait for all of them.
            await asyncio.sleep(0)
        for event in merged(told):
            for listener in self._listeners.get(event.topic, ()):
                listener.offer(event)
                listener.forget_before(event.created_at - 2 * OVERLAP)


async def _look(conn: Connection, topics: frozenset[str], cursor: Cursor | None) -> tuple[list[Event], Heard]:
    """What a page has to be told, and what it has heard before that."""
    heard = Heard.up_to(cursor or Cursor(await repository.now(conn)))
    events = await unheard(conn, topics, heard.cursor)
    if cursor is not None:
        return events, heard
    for event in events:
        if not event.repeatable:
            heard.add(event)
    return [event for event in events if event.repeatable], heard
