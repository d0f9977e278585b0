"""How often something may happen within a minute, for any number of keys in bounded memory. Pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW = 60.0
"""Seconds; counted in fixed windows, so that a key may have up to twice its limit across the border of two."""
MOST_KEYS = 50_000


class Limit:
    """At most `most` per key and window.

    Keys beyond MOST_KEYS are not counted until the next window: who spreads over that many is not held up here.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._ends = 0.0

    def over(self, key: str) -> bool:
        """Count one for `key`; whether that is more than it may have."""
        now = self._clock()
        if now >= self._ends:
            self._counts.clear()
            self._ends = now + WINDOW
        count = self._counts.get(key, 0) + 1
        if count > 1 or len(self._counts) < MOST_KEYS:
            self._counts[key] = count
        return count > self._most
