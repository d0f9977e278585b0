"""Store and spool that hang and fail when a test says so, and remember what they were given."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from app.spool import Spool
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.codec import decode
from plugins.plausible.recording.store import Store

PATIENCE = 20
"""Seconds after which a batch that does not come fails the test."""


class ScriptedStore(Store):
    """Takes everything, unless it is held or has an error."""

    def __init__(self) -> None:
        self.batches: list[list[TrackingEvent]] = []
        self.stored: list[TrackingEvent] = []
        self.deferred: list[bool] = []
        """Of each batch."""
        self.open = asyncio.Event()
        self.open.set()
        self.called = asyncio.Condition()
        self.error: Exception | None = None

    async def put(
        self, events: Sequence[TrackingEvent], *, check_keys: bool = False, defer: bool = False, lane: int = 0
    ) -> dict[bytes, str]:
        async with self.called:
            self.batches.append(list(events))
            self.deferred.append(defer)
            self.called.notify_all()
        # A database is never there at once: others run meanwhile.
        await asyncio.sleep(0)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.stored += events
        return {one.key: "stored" for one in events}

    async def reached(self, batches: int) -> None:
        """Wait until so many batches have come."""
        async with asyncio.timeout(PATIENCE), self.called:
            await self.called.wait_for(lambda: len(self.batches) >= batches)

    def requests(self) -> Counter[str]:
        """Requests that are stored, by tracking id; an event that came twice counts once."""
        return _requests(self.stored)


class ScriptedSpool(Spool):
    """A real spool that can be held, and fail."""

    error: Exception | None = None

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)  # type: ignore[arg-type]
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def append_all(self, records: Sequence[bytes]) -> None:
        self.asked.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        await super().append_all(records)

    async def events(self) -> list[tuple[TrackingEvent, bool]]:
        """Take out all there is."""
        found: list[tuple[TrackingEvent, bool]] = []

        async def take(records: Sequence[bytes]) -> None:
            found.extend(decode(record) for record in records)

        await self.replay(take)
        return found

    async def requests(self) -> Counter[str]:
        """Requests in it by tracking id; an event that was appended twice counts once."""
        return _requests([one for one, _ in await self.events()])


def _requests(events: Sequence[TrackingEvent]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in {one.key: one for one in events}.values():
        found[one.tracking_id] += one.repeats
    return found
