"""What waits for the database in one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import structlog

from plugins.plausible.events import Kind, TrackingEvent

log = structlog.get_logger(__name__)

Then = Callable[[str], None]
"""Told what became of an event, once it is durable or nothing more can be done for it."""


class Entry:
    """One event and those who wait for it to be durable."""

    __slots__ = ("due", "event", "outcome", "spooled", "spooling", "thens", "unsure")

    def __init__(self, event: TrackingEvent, then: Then, due: float, unsure: bool = False) -> None:
        self.event = event
        self.thens = [then]
        self.due = due
        """When the spool takes over, on the loop's clock."""
        self.outcome: str | None = None
        """What those who waited were told."""
        self.spooling = False
        """Whether the spool was asked to keep it."""
        self.spooled = False
        """Whether the spool has it."""
        self.unsure = unsure

    def settle(self, outcome: str) -> None:
        """Let those who wait go; the first outcome counts."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        for then in self.thens:
            try:
                then(outcome)
            except Exception as error:
                # The others of its transaction must not wait for ever because of one.
                log.error("an answer failed", error=type(error).__name__)


class Queue:
    """Entries in the order in which they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Add at the end."""
        self._entries.append(entry)

    def take(self, most: int) -> list[Entry]:
        """The first `most` entries, out of the queue; those that the spool has are left out.

        One that the spool was only asked to keep is not: should the spool fail, nobody else would hold it.
        """
        taken: list[Entry] = []
        while self._entries and len(taken) < most:
            entry = self._entries.popleft()
            if not entry.spooled:
                taken.append(entry)
        return taken

    def overdue(self, now: float) -> list[Entry]:
        """The entries whose time is over, once each: they are marked as on their way to the spool."""
        found = [entry for entry in self._entries if entry.due <= now and not entry.spooling]
        for entry in found:
            entry.spooling = True
        return found


class Folds:
    """Entries that stand for any number of requests for the same copy until they are taken."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, Kind], Entry] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, entry: Entry) -> None:
        """Add, or count into the one that waits for the same copy.

        What differs between them (who, from where, which link) is not kept.
        """
        place = (entry.event.tracking_id, entry.event.kind)
        waiting = self._entries.setdefault(place, entry)
        if waiting is not entry:
            waiting.event.repeats += entry.event.repeats
            waiting.unsure = waiting.unsure or entry.unsure
            waiting.thens += entry.thens

    def take(self) -> list[Entry]:
        """All of them; nothing is counted into these any more."""
        taken = list(self._entries.values())
        self._entries.clear()
        return taken
