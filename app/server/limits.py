"""When a web process has done enough and is to be replaced by a fresh one. Pure but for `memory`."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from pathlib import Path

SPREAD = 0.1
"""By how much of itself a limit differs from process to process, up or down."""


@dataclass(frozen=True)
class Limits:
    """What one web process may do before it is replaced; 0 for as much as it likes."""

    requests: int = 0
    hours: float = 0.0
    memory_mb: int = 0

    def spread(self) -> Limits:
        """The same, a little more or less: processes that began together do not reach them together."""
        share = random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311
        return replace(self, requests=round(self.requests * share), hours=self.hours * share)

    def reached(self, *, requests: int, seconds: float, memory: int) -> str | None:
        """Which of them is reached, in words; None while none is.

        requests: that were answered. seconds: since the start. memory: resident bytes.
        """
        if 0 < self.requests <= requests:
            return f"{requests:,} requests"
        if 0 < self.hours * 3600 <= seconds:
            return f"{seconds / 3600:.1f} hours"
        if 0 < self.memory_mb << 20 <= memory:
            return f"{memory >> 20:,} MB of memory"
        return None


def memory() -> int:
    """Resident bytes of this process; 0 where the system does not tell. Source: proc(5), statm."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
