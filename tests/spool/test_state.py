"""What waits, how old it is, and what somebody should look after."""

# ruff: noqa: ASYNC240 - a test may wait for its own disk.

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from app.spool import Spool, SpoolState, SpoolUnavailable
from tests.spool.conftest import Clock, end_of_look, numbered, segments, taken_from

OpenSpool = Callable[..., Spool]


class Usage(NamedTuple):
    """As shutil.disk_usage gives it."""

    total: int
    used: int
    free: int


@pytest.fixture
def disk_usage(monkeypatch: pytest.MonkeyPatch) -> list[Usage]:
    """What the disk answers, the last one for ever; each look takes one away."""
    answers = [Usage(10**12, 0, 10**12)]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: answers.pop(0) if len(answers) > 1 else answers[0])
    return answers


def alarm_of(spool: Spool) -> str:
    alarm = spool.state().alarm
    assert alarm is not None
    return alarm


async def test_an_untouched_spool_is_empty_and_well(spool: Spool, folder: Path) -> None:
    assert spool.state() == SpoolState(bytes=0, records=0, oldest_at=None, alarm=None, damaged=0)
    assert spool.is_empty
    assert not folder.exists()


async def test_the_state_follows_what_is_appended_and_taken(spool: Spool, folder: Path, clock: Clock) -> None:
    begun = datetime.fromtimestamp(clock.wall // 1000 / 1_000_000, UTC)
    await spool.append_all(numbered(10))
    clock.wall += 60_000_000_000
    await spool.append_all(numbered(10))

    state = spool.state()
    assert (state.records, state.bytes) == (20, segments(folder)[0].stat().st_size)
    assert state.oldest_at is not None
    assert abs(state.oldest_at - begun) < timedelta(milliseconds=1)
    assert state.oldest_at.tzinfo is UTC
    assert not spool.is_empty

    seen: list[SpoolState] = []

    async def take(records: Sequence[bytes]) -> None:
        seen.append(spool.state())

    await spool.replay(take, limit=10)
    assert [one.records for one in seen] == [20, 10]
    assert seen[1].oldest_at is not None
    assert seen[1].oldest_at - state.oldest_at == timedelta(seconds=60)
    assert spool.state() == SpoolState()


async def test_adopted_records_count_as_ours(open_spool: OpenSpool) -> None:
    dead = open_spool(segment_bytes=300)
    for record in numbered(50):
        await dead.append(record)
    left = dead.state()
    await dead.close()

    spool = open_spool()
    assert spool.state() == left
    await spool.append(b"ours")
    assert spool.state().records == 51
    assert spool.state().oldest_at == left.oldest_at


async def test_other_processes_are_looked_at_once_a_second(open_spool: OpenSpool, clock: Clock) -> None:
    spool = open_spool()
    assert spool.is_empty
    dead = open_spool()
    await dead.append(b"left")
    await dead.close()
    assert spool.is_empty
    end_of_look(spool)
    assert spool.is_empty, "the second has not passed"

    clock.now += 1.1
    assert spool.is_empty, "from memory: the look is made in the background"
    end_of_look(spool)
    assert not spool.is_empty
    assert spool.state().records == 1


async def test_a_disk_that_hangs_does_not_hang_the_state(
    open_spool: OpenSpool, folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    spool = open_spool()
    spool.state()
    go, listdir, looks = threading.Event(), os.listdir, 0

    def hang(path: int) -> list[str]:
        nonlocal looks
        looks += 1
        go.wait()
        return listdir(path)

    monkeypatch.setattr(os, "listdir", hang)
    for _ in range(5):
        clock.now += 2
        assert spool.state() == SpoolState()
    go.set()
    end_of_look(spool)

    assert looks == 2, "one look, at the folders and at the damaged files"


async def test_half_of_the_cap_is_an_alarm_logged_once(open_spool: OpenSpool) -> None:
    spool = open_spool(cap_bytes=1 << 20)
    with structlog.testing.capture_logs() as logs:
        await spool.append(bytes(500_000))
        assert spool.state().alarm is None
        for _ in range(3):
            await spool.append(bytes(50_000))
        assert alarm_of(spool) == "the spool holds 0.6 MB, more than half of the 1.0 MB it may"
        await taken_from(spool)
        assert spool.state().alarm is None
        await spool.append(bytes(600_000))

    assert [entry["log_level"] for entry in logs if entry["event"] == "spool is more than half full"] == ["warning"] * 2


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (99 << 20, 1 << 30, True),
        (101 << 20, 1 << 30, False),
        (49 << 30, 1000 << 30, True),
        (51 << 30, 1000 << 30, False),
    ],
)
async def test_little_free_space_is_an_alarm(
    spool: Spool, disk_usage: list[Usage], free: int, total: int, low: bool
) -> None:
    disk_usage[:] = [Usage(total, total - free, free)]
    await spool.append(b"record")

    assert (spool.state().alarm is not None) == low
    if low:
        assert "is nearly full" in alarm_of(spool)


async def test_free_space_is_looked_at_every_ten_seconds(
    spool: Spool, disk_usage: list[Usage], clock: Clock, folder: Path
) -> None:
    fine, full = Usage(10**12, 0, 10**12), Usage(10**12, 10**12, 0)
    disk_usage[:] = [fine, full, full, fine]
    for _ in range(5):
        await spool.append(b"record")
        clock.now += 1.9
    assert spool.state().alarm is None

    clock.now += 1
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            await spool.append(b"record")
            assert alarm_of(spool) == f"the disk of {folder} is nearly full, 0.0 MB are free"
            clock.now += 10
    assert [entry["event"] for entry in logs] == ["spool disk is nearly full"]

    spool.state()
    end_of_look(spool)
    assert spool.state().alarm is None


async def test_a_failure_is_an_alarm_until_the_disk_takes_something_again(
    spool: Spool, clock: Clock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spool.append(b"before")
    fsync = os.fsync

    def failing(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", failing)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            clock.now += 0.2
            with pytest.raises(SpoolUnavailable):
                await spool.append(b"lost")
        assert alarm_of(spool).startswith(f"The spool in {folder} cannot be written: the disk reports an error")
        clock.now += 1.1
        spool.state()
        end_of_look(spool)
        assert alarm_of(spool).startswith(f"The spool in {folder} cannot be written")

        # No append comes: whoever took us out of service because of the alarm waits for its end.
        monkeypatch.setattr(os, "fsync", fsync)
        clock.now += 1.1
        spool.state()
        end_of_look(spool)
        assert spool.state().alarm is None

    assert [entry["event"] for entry in logs] == ["spool cannot keep records", "spool keeps records again"]
    assert await taken_from(spool) == [b"before"]
    assert len(list(folder.glob("*/*"))) == 1, "nothing but the lock is left"


async def test_a_file_in_place_of_the_folder_is_an_alarm_before_the_first_append(spool: Spool, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")

    assert "it is not a folder" in alarm_of(spool)
    folder.unlink()
    assert await taken_from(spool) == []
    assert spool.state().alarm is None


async def test_a_removed_folder_is_noticed_without_an_append(spool: Spool, folder: Path) -> None:
    await spool.append_all(numbered(3))
    shutil.rmtree(folder)

    with structlog.testing.capture_logs() as logs:
        assert await taken_from(spool) == []

    assert [(entry["event"], entry["records_lost"]) for entry in logs] == [("spool folder was removed while in use", 3)]
    assert spool.is_empty
    assert spool.state().damaged == 3
