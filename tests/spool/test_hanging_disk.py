"""A disk that neither takes nor refuses: answers leave all the same, threads do not pile up, and it is said."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.spool import Spool, SpoolUnavailable
from app.spool import spool as spool_module
from tests.spool.conftest import taken_from

OpenSpool = Callable[..., Spool]


class Sync:
    """os.fsync that never returns while `go` is not set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.calls = 0
        self._fsync = os.fsync

    def __call__(self, fd: int) -> None:
        self.calls += 1
        self.go.wait(30)
        self._fsync(fd)


@pytest.fixture
def sync(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sync]:
    sync = Sync()
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(spool_module, "HANGS", 0.2)
    yield sync
    sync.go.set()


def _threads() -> int:
    return sum(thread.name.startswith("spool") for thread in threading.enumerate())


async def test_who_waits_for_a_disk_that_hangs_is_let_go_and_later_ones_at_once(spool: Spool, sync: Sync) -> None:
    await spool.append(b"before")
    sync.go.clear()
    before = _threads()
    first = asyncio.create_task(spool.append(b"first"))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(spool.append(b"second"))
    for waiting in (first, second):
        with pytest.raises(SpoolUnavailable, match="does not answer"):
            await waiting

    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(SpoolUnavailable, match="does not answer"):
            await spool.append(b"later")
    assert time.monotonic() - began < 0.2
    assert _threads() == before
    assert "does not answer" in (spool.state().alarm or "")


async def test_a_disk_that_answers_again_is_used_again_and_may_have_kept_what_it_was_given(
    spool: Spool, sync: Sync
) -> None:
    sync.go.clear()
    with pytest.raises(SpoolUnavailable):
        await spool.append(b"given up")
    sync.go.set()
    async with asyncio.timeout(5):
        while spool.state().alarm:
            await asyncio.sleep(0.01)
    await spool.append(b"after")
    assert await taken_from(spool) == [b"given up", b"after"]


async def test_the_end_of_the_process_does_not_wait_for_it(folder: Path, sync: Sync) -> None:
    spool = Spool(folder)
    sync.go.clear()
    with pytest.raises(SpoolUnavailable):
        await spool.append(b"given up")
    async with asyncio.timeout(2):
        await spool.close()
