"""Which copy an id names, remembered in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST = 20_000
"""Copies that a process remembers, some 300 bytes each."""


@dataclass(frozen=True, slots=True)
class TrackedCopy:
    """One recipient's copy as far as recording needs it."""

    recipient_id: int
    reply_id: int
    ticket_id: int


class KnownCopies:
    """Copies by tracking id; those learnt first are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._copies: dict[str, TrackedCopy] = {}
        self.reported: set[int] = set()
        """Recipients whose mail this process has reported as read; doing it again would change nothing."""

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

    def clear(self) -> None:
        """Forget everything: something that was remembered is gone."""
        self._copies.clear()
        self.reported.clear()

    def add_reported(self, recipient_ids: Iterable[int]) -> None:
        """Remember reports that were committed."""
        if len(self.reported) > self._most:
            self.reported.clear()
        self.reported.update(recipient_ids)
