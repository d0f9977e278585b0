"""Spools over a folder of their own, a clock that stands still, and helpers. No database is needed here."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from app.spool import Spool
from app.spool import condition as condition_module
from app.spool import spool as spool_module
from app.spool import store as store_module


class Clock:
    """Stands in for the time module; both clocks move only when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = time.time_ns()

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return self.wall


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time as the spool sees it; the event loop keeps its own."""
    clock = Clock()
    for module in (condition_module, spool_module, store_module):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the spools of a test live; it is not made yet."""
    return tmp_path / "var" / "spool"


@pytest.fixture
async def open_spool(folder: Path) -> AsyncIterator[Callable[..., Spool]]:
    """Opens a spool on `folder`, as another process would; all are closed after the test."""
    opened: list[Spool] = []

    def open_one(**options: int) -> Spool:
        opened.append(Spool(folder, **options))
        return opened[-1]

    yield open_one
    for spool in opened:
        await spool.close()


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    """A spool with its usual sizes."""
    return open_spool()


async def taken_from(spool: Spool, *, limit: int = 500) -> list[bytes]:
    """Replay, and return what was taken."""
    taken: list[bytes] = []

    async def take(records: Sequence[bytes]) -> None:
        taken.extend(records)

    assert await spool.replay(take, limit=limit) == len(taken)
    return taken


def end_of_look(spool: Spool) -> None:
    """Wait until the look in the background is over: the file thread does one thing after the other."""
    spool._files.submit(int).result()


def segments(folder: Path) -> list[Path]:
    """The segment files of all processes, in order."""
    return sorted(folder.glob("*/*.spool"))


def numbered(count: int, *, start: int = 0) -> list[bytes]:
    """Records that differ."""
    return [b"record %06d" % number for number in range(start, start + count)]
