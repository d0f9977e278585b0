"""The file of networks in force: an operator's own copy where there is one, else the shipped one.

Every process looks again now and then, so that a new copy counts everywhere without a restart.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import structlog

from app.hookspecs import CheckResult
from app.settings import Settings
from plugins.plausible.networks import OLDEST_DAYS, SHIPPED, Networks, NetworksError, load

log = structlog.get_logger(__name__)

LOOK_EVERY = 30.0
"""Seconds between two looks at the file."""
LARGEST_OWN = 100_000
"""Bytes; reading more would hold up the requests of the moment."""

Signature = tuple[int, int, int] | None
"""What changes with a file; None while there is none."""


def own_path(settings: Settings) -> Path:
    """Where an operator's own copy lies."""
    return settings.var_dir / "plausible" / "networks.txt"


class NetworksFile:
    """The networks as they are now.

    A copy that cannot be read never takes effect: what counted before it goes on counting, `problem` says why.
    """

    def __init__(
        self,
        own: Path,
        *,
        shipped: Path = SHIPPED,
        look_every: float = LOOK_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.own = own
        self.problem = ""
        """Why the operator's copy does not count; empty where it does, or there is none."""
        self._shipped = shipped
        self._look_every, self._clock = look_every, clock
        self._looked = float("-inf")
        self._seen: Signature = None
        self._networks: Networks | None = None
        self._is_own = False

    @property
    def path(self) -> Path:
        """The file that counts now."""
        self.current()
        return self.own if self._is_own else self._shipped

    def current(self) -> Networks:
        """The networks, at most `look_every` seconds old. Cheap; reads the file where it changed."""
        if self._networks is None or self._clock() - self._looked >= self._look_every:
            self._looked = self._clock()
            seen = _signature(self.own)
            if self._networks is None or seen != self._seen:
                self._seen = seen
                self._networks = self._load(self._networks)
        return self._networks

    def is_stale(self, today: date) -> bool:
        """Whether the oldest line is more than a year old: what the list says weighs less then."""
        return self.current().is_stale(today)

    def check(self, today: date) -> CheckResult:
        """A step of the module's self-test."""
        networks = self.current()
        if self.problem:
            return CheckResult("List of networks", False, self.problem)
        told = f"{len(networks.entries):,} in the list, the oldest of {networks.day}"
        if not self.is_stale(today):
            return CheckResult("List of networks", True, told)
        groups = sorted({f"{e.kind}.{e.vendor}" for e in networks.entries if (today - e.day).days > OLDEST_DAYS})
        return CheckResult(
            "List of networks",
            False,
            f"{told}: older than 12 months ({', '.join(groups)}), so what it says weighs less. Download new lists and "
            "run `myportal networks update FILES...`; `docs/tracking.md` says which, and what to do where a vendor "
            "publishes none",
        )

    def _load(self, before: Networks | None) -> Networks:
        self.problem = ""
        if self._seen is not None:
            try:
                networks = _read_own(self.own)
            except (NetworksError, OSError) as error:
                self.problem = (
                    f"{error}. Until it is mended or deleted, "
                    f"{'what it said before' if self._is_own else 'the shipped list'} counts"
                )
                log.warning("the list of networks cannot be read", reason=str(error))
                if before is not None:
                    return before
            else:
                self._is_own = True
                return networks
        self._is_own = False
        return load(self._shipped)


def _read_own(path: Path) -> Networks:
    if path.stat().st_size > LARGEST_OWN:
        raise NetworksError(f"{path} is larger than {LARGEST_OWN:,} bytes")
    networks = load(path)
    if not networks.entries:
        raise NetworksError(f"{path} holds no networks")
    return networks


def _signature(path: Path) -> Signature:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def write(path: Path, text: str) -> None:
    """Put a new file in the place of the old one, whole or not at all. Raises OSError."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".networks-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # The portal may run as somebody else.
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
