"""Other people's processes on the same machine spoil a run: then it is done again, and does not count for the speed.

It still counts for what was answered and stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bench.serving.machine import Busy, Cores, Meter

DISTURBED = 0.1
"""Share of the two cores that strangers took."""
LOOK = 0.5
"""Seconds of one look whether they have gone."""


class Measured(Protocol):
    """What a run found."""

    @property
    def busy(self) -> Busy:
        """How busy the machine was."""


T = TypeVar("T", bound=Measured)


def until_calm(attempt: Callable[[], T], cores: Cores, *, tries: int, patience: float) -> list[T]:
    """Do a run until nobody disturbs it, at most `tries` times; all of them.

    patience: seconds to wait for strangers to leave before each try.
    """
    found: list[T] = []
    while not found or (found[-1].busy.others > DISTURBED and len(found) < tries):
        _wait(cores, time.monotonic() + patience)
        found.append(attempt())
    return found


def _wait(cores: Cores, deadline: float) -> None:
    while time.monotonic() < deadline:
        meter = Meter(cores)
        time.sleep(LOOK)
        if meter.read().others <= DISTURBED / 2:
            return


def calm(runs: Sequence[T]) -> list[T]:
    """Those that nobody disturbed; the least disturbed one where all were."""
    undisturbed = [one for one in runs if one.busy.others <= DISTURBED]
    return undisturbed or sorted(runs, key=lambda one: one.busy.others)[:1]
