"""How the spool is: what it tells of itself, and what somebody should look after, in words."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from app.spool.files import explain

log = structlog.get_logger(__name__)

PAUSE = 0.1
"""Seconds after a failure in which nothing is tried again: a full disk must not keep the processor busy."""
DISK_EVERY = 10.0
"""Seconds between two looks at the free space."""
MIN_FREE_BYTES = 100 << 20
MIN_FREE_SHARE = 0.05


@dataclass(frozen=True)
class SpoolState:
    """What waits, and how the spool is.

    bytes, records: what waits in the folder of this process and in those it adopted.
    oldest_at: when the oldest record was appended, aware UTC.
    alarm: what somebody should look after, in words; None when all is well.
    damaged: records or regions that could not be read, since the process began.
    """

    bytes: int = 0
    records: int = 0
    oldest_at: datetime | None = None
    alarm: str | None = None
    damaged: int = 0


@dataclass
class Condition:
    """What is wrong with the spool in the folder `root`, which may hold `cap` bytes."""

    root: Path
    cap: int
    failure: str | None = None
    """Why the last append failed; None once one would not."""
    closed_door: str | None = None
    """Why the folder could not be looked at."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Sub-folders that could not be adopted, and why."""
    kept_damaged: int = 0
    left_alone: int = 0
    _retry_at: float = 0.0
    _low_disk: str | None = None
    _disk_checked: float = float("-inf")
    _over_half: bool = False

    @property
    def refusal(self) -> str | None:
        """Why an append would fail without being tried; None when it would be tried."""
        return self.failure if time.monotonic() < self._retry_at else None

    def failed(self, words: str) -> None:
        """Note that an append failed."""
        if self.failure is None:
            log.error("spool cannot keep records", reason=words)
        self.failure = words
        self._retry_at = time.monotonic() + PAUSE

    def succeeded(self) -> None:
        """Note that an append did not fail, or would not."""
        if self.failure is not None:
            log.info("spool keeps records again")
            self.failure = None

    def room_was_made(self) -> None:
        """Let the next append be tried at once."""
        self._retry_at = 0.0

    def check_disk(self) -> None:
        """Look at the free space, if the last look was long ago. Raises OSError."""
        now = time.monotonic()
        if now - self._disk_checked < DISK_EVERY:
            return
        self._disk_checked = now
        disk = shutil.disk_usage(self.root)
        words = None
        if disk.free < max(MIN_FREE_BYTES, MIN_FREE_SHARE * disk.total):
            words = f"the disk of {self.root} is nearly full, {megabytes(disk.free)} are free"
            if self._low_disk is None:
                log.warning("spool disk is nearly full", free_bytes=disk.free)
        self._low_disk = words

    def full(self, size: int) -> str:
        """Why an append is refused that would go over the cap, with `size` bytes waiting."""
        return (
            f"The spool in {self.root} holds {megabytes(size)} and may hold {megabytes(self.cap)}. "
            "See why nothing is taken out of it, or raise its cap."
        )

    def words(self, verb: str, error: OSError) -> str:
        """What could not be done, and what helps."""
        return f"The spool in {self.root} cannot be {verb}: {explain(error)}."

    def alarm(self, size: int) -> str | None:
        """All that somebody should look after while `size` bytes wait."""
        over_half = size * 2 > self.cap
        if over_half and not self._over_half:
            log.warning("spool is more than half full", bytes=size, cap_bytes=self.cap)
        self._over_half = over_half
        words: list[str] = []
        if failure := self.failure or self.closed_door:
            words.append(failure.rstrip("."))
        if over_half:
            words.append(f"the spool holds {megabytes(size)}, more than half of the {megabytes(self.cap)} it may")
        if self._low_disk:
            words.append(self._low_disk)
        if self.left_alone:
            words.append(
                f"{self.left_alone} files in {self.root} are of a newer version or not ours, and are left alone"
            )
        if self.kept_damaged:
            words.append(f"{self.kept_damaged} damaged files are kept in {self.root}; look at them, then remove them")
        words += (f"{name} in {self.root} cannot be read: {why}" for name, why in self.unreadable.items())
        return "; ".join(words) or None


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / (1 << 20):.1f} MB"
