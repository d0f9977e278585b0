"""Makes events of what a rush left: in groups of copies, each in a transaction of its own.

The rows are locked meanwhile by another transaction, which takes them away at the end. Should it not come to that, some
of their events are there already and known by their keys when they are judged again: nothing is lost or counted twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from app.database import Connection, Database
from app.sql import in_parts
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording import arrivals
from plugins.plausible.recording.codec import BadRecord, decode, decode_all, split
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.store import Store

AT_ONCE = 100
"""Events that are judged in one transaction: for so long an event of one of their copies waits that comes meanwhile."""
MOST_OF_A_COPY = 1000
"""The same of one copy: a flood for it must not make a transaction long."""
LOOK = 0.05
"""Seconds between two looks whether it may go on."""
ALIVE = 1.0
"""Seconds after which the transaction that holds the rows says something: the database ends one that is silent."""


def _never() -> bool:
    return False


class Judge:
    """One or more per process.

    reduce: takes out of an event what is not to be kept any more.
    """

    def __init__(
        self,
        database: Database,
        known: KnownCopies,
        around: Surroundings | None = None,
        *,
        reduce: Callable[[TrackingEvent], None] = lambda event: None,
    ) -> None:
        self._database = database
        self._store = Store(database, known, around)
        self._reduce = reduce

    async def some(
        self, *, lane: int = 0, waits: Callable[[], bool] = _never, ends: Callable[[], bool] = _never
    ) -> bool:
        """Judge the oldest events that wait for it and that nobody else is at; whether there were any.

        Any number of processes may do it. waits: asked before each transaction, none begins while it holds. ends:
        likewise, the rest is left to others. Raises what the database raises.
        """
        async with self._database.transaction() as holder:
            ids = await arrivals.claim(holder)
            if not ids:
                return False
            said = time.monotonic()
            for group in _groups(await self._events(arrivals.records(holder, ids))):
                while waits() and not ends():
                    await asyncio.sleep(LOOK)
                    said = await _stay_alive(holder, said)
                if ends():
                    return False
                await self._store.put(group, lane=lane)
                said = await _stay_alive(holder, said)
            holder.later(arrivals.remove(ids))
        return True

    async def _events(self, records: AsyncIterator[str]) -> list[TrackingEvent]:
        events: list[TrackingEvent] = []
        texts: dict[str | None, str | None] = {}
        async for record in records:
            # Others have their turn.
            await asyncio.sleep(0)
            try:
                found = decode_all(record)
            except BadRecord:
                found = await self._readable(record)
            for event in found:
                self._reduce(event)
                # The same texts come again and again: kept once, they take a third of the memory.
                event.tracking_id = texts.setdefault(event.tracking_id, event.tracking_id) or ""
                event.user_agent = texts.setdefault(event.user_agent, event.user_agent)
                event.ip_address = texts.setdefault(event.ip_address, event.ip_address)
                event.evidence = texts.setdefault(event.evidence, event.evidence)
                event.url = texts.setdefault(event.url, event.url)
            events += found
        return events

    async def _readable(self, records: str) -> list[TrackingEvent]:
        """The events among these; what is none is set aside."""
        found = []
        for record in split(records):
            try:
                found.append(decode(record)[0])
            except BadRecord as error:
                await self._store.set_aside(record, error)
        return found


async def _stay_alive(holder: Connection, said: float) -> float:
    now = time.monotonic()
    if now - said < ALIVE:
        return said
    await holder.fetch_value("SELECT 1")
    return now


def _groups(events: Iterable[TrackingEvent]) -> Iterator[Sequence[TrackingEvent]]:
    """By copy, in the order in which they came; AT_ONCE and more, so that all of one copy are together: to look at a
    copy takes as long for one event as for many.
    """
    copies: defaultdict[str, list[TrackingEvent]] = defaultdict(list)
    for event in events:
        copies[event.tracking_id].append(event)
    group: list[TrackingEvent] = []
    for found in copies.values():
        for part in in_parts(found, MOST_OF_A_COPY):
            group += part
            if len(group) >= AT_ONCE:
                yield group
                group = []
    if group:
        yield group
