"""What a process remembers of copies, in bounded memory: which copy an id names, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugins.plausible.recording.history import CopyRecord

MOST = 20_000
"""Copies that a process remembers, some 300 bytes each."""
MOST_EVENTS = 20_000
"""Events of remembered histories, some 300 bytes each."""


@dataclass(frozen=True, slots=True)
class TrackedCopy:
    """One recipient's copy as far as recording needs it."""

    recipient_id: int
    reply_id: int
    """0 for a copy of a mailing, like `ticket_id`."""
    ticket_id: int


class KnownCopies:
    """Copies by tracking id, and histories by recipient; those learnt first are forgotten first."""

    def __init__(self, most: int = MOST, most_events: int = MOST_EVENTS) -> None:
        self._most = most
        self._most_events = most_events
        self._copies: dict[str, TrackedCopy] = {}
        self._records: dict[int, CopyRecord] = {}
        self._events = 0

    def get(self, tracking_id: str) -> TrackedCopy | None:
        """What is remembered of an id."""
        return self._copies.get(tracking_id)

    def among(self, tracking_ids: Iterable[str]) -> dict[str, TrackedCopy]:
        """What is remembered of these ids. `add` may forget some of them: who needs all keeps this."""
        return {one: copy for one in tracking_ids if (copy := self._copies.get(one)) is not None}

    def add(self, found: Mapping[str, TrackedCopy]) -> None:
        """Remember."""
        self._copies.update(found)
        if len(self._copies) > self._most:
            # Half at once: dropping one per event would cost a search of the oldest each time.
            kept = list(self._copies.items())[len(self._copies) // 2 :]
            self._copies = dict(kept)

    def record(self, recipient_id: int) -> CopyRecord | None:
        """The history that was remembered last; by now there may be more."""
        return self._records.get(recipient_id)

    def add_records(self, records: Iterable[CopyRecord]) -> None:
        """Remember histories that were committed; the longest unused go first."""
        for record in records:
            known = self._records.pop(record.copy.recipient_id, None)
            self._events += len(record.told) - (len(known.told) if known is not None else 0)
            self._records[record.copy.recipient_id] = record
        if self._events > self._most_events or len(self._records) > self._most:
            for recipient_id in list(self._records)[: len(self._records) // 2 + 1]:
                self._events -= len(self._records.pop(recipient_id).told)

    def clear(self) -> None:
        """Forget everything: something that was remembered is gone."""
        self._copies.clear()
        self._records.clear()
        self._events = 0
