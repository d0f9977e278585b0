"""What waits for the database in one process."""

from __future__ import annotations

import asyncio
from collections import deque

from plugins.plausible.events import Kind, TrackingEvent


class Entry:
    """One event and those who wait for it to be durable."""

    __slots__ = ("due", "event", "future", "spooling", "unsure")

    def __init__(self, event: TrackingEvent, future: asyncio.Future[str], due: float, *, unsure: bool = False) -> None:
        self.event = event
        self.future = future
        self.due = due
        """When the spool takes over, on the loop's clock."""
        self.spooling = False
        self.unsure = unsure

    def settle(self, outcome: str) -> None:
        """Let those who wait go; the first outcome counts."""
        if not self.future.done():
            self.future.set_result(outcome)


class Queue:
    """Entries in the order in which they came, and the folded ones among them, to which more may be added."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._folds: dict[tuple[str, Kind], Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, entry: Entry) -> None:
        """Add at the end."""
        self._entries.append(entry)

    def fold(self, entry: Entry) -> Entry:
        """Add, or count into the one that waits for the same copy; the entry to wait for.

        What differs between them (who, from where, which link) is not kept.
        """
        place = (entry.event.tracking_id, entry.event.kind)
        waiting = self._folds.get(place)
        if waiting is not None:
            waiting.event.repeats += 1
            return waiting
        self._folds[place] = entry
        self._entries.append(entry)
        return entry

    def take(self, most: int) -> list[Entry]:
        """The first `most` entries, out of the queue; those that the spool has are left out."""
        taken: list[Entry] = []
        while self._entries and len(taken) < most:
            entry = self._entries.popleft()
            if not entry.spooling:
                taken.append(entry)
        if self._folds:
            self._close(taken)
        return taken

    def overdue(self, now: float) -> list[Entry]:
        """The entries whose time is over, marked as the spool's; `take` drops them."""
        found = [entry for entry in self._entries if entry.due <= now and not entry.spooling]
        self._close(found)
        for entry in found:
            entry.spooling = True
        return found

    def _close(self, entries: list[Entry]) -> None:
        """Count nothing into these any more: what is written of them is written now."""
        for entry in entries:
            place = (entry.event.tracking_id, entry.event.kind)
            if self._folds.get(place) is entry:
                del self._folds[place]
