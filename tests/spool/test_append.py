"""What is appended is durable, many share one sync, and a disk that fails is told and survived."""

# ruff: noqa: ASYNC240 - a test may wait for its own disk.

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from app.spool import Spool, SpoolUnavailable
from app.spool.segment import MAX_RECORD
from tests.spool.conftest import Clock, numbered, segments, taken_from

OpenSpool = Callable[..., Spool]


class Disk:
    """os.write and os.fsync under our hands: watched, held up, or made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file_syncs = 0
        self.writes = 0
        self.threads: set[str] = set()
        self.go = threading.Event()
        self.go.set()
        self.failing_writes: int | None = None
        self.failing_syncs = 0
        self.given_up: set[str] = set()
        self._write, self._fsync = os.write, os.fsync
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def write(self, fd: int, data: memoryview) -> int:
        if not threading.current_thread().name.startswith("spool"):
            return self._write(fd, data)
        self.writes += 1
        if self.failing_writes is not None:
            # A full disk takes what still fits.
            self._write(fd, data[: len(data) // 2])
            raise OSError(self.failing_writes, os.strerror(self.failing_writes))
        return self._write(fd, data)

    def fsync(self, fd: int) -> None:
        self.go.wait()
        self.threads.add(threading.current_thread().name)
        if stat.S_ISREG(os.fstat(fd).st_mode):
            self.file_syncs += 1
            name = os.readlink(f"/proc/self/fd/{fd}")
            assert name not in self.given_up, "a file was synced again after a sync of it failed"
            if self.failing_syncs:
                self.failing_syncs -= 1
                self.given_up.add(name)
                # What a kernel does: the pages are dropped, and the next sync of the file would succeed.
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fsync(fd)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield mount
    # Lazily: a test that failed has files open there, and must not leave the mount behind.
    subprocess.run(["umount", "--lazy", str(mount)], check=True)


async def test_a_record_is_on_disk_when_append_returns(spool: Spool, folder: Path, disk: Disk) -> None:
    await spool.append(b"the record")

    [file] = segments(folder)
    assert file.read_bytes().endswith(b"the record")
    assert disk.file_syncs == 1


async def test_nothing_is_touched_before_the_first_append(spool: Spool, folder: Path) -> None:
    assert spool.is_empty
    assert await taken_from(spool) == []
    assert not folder.exists()


async def test_callers_that_wait_at_once_share_one_sync(spool: Spool, disk: Disk) -> None:
    await spool.append(b"opens the file")
    disk.file_syncs = 0
    disk.go.clear()
    waiting = [asyncio.create_task(spool.append(record)) for record in numbered(64)]
    # That we get on here while the disk is held up shows that it does not hold up the loop.
    await asyncio.sleep(0)
    disk.go.set()
    await asyncio.gather(*waiting)

    assert disk.file_syncs == 2, "the first caller's, and one for those who came meanwhile"
    assert await taken_from(spool) == [b"opens the file", *numbered(64)]


async def test_all_file_work_is_done_by_one_thread(spool: Spool, disk: Disk) -> None:
    for record in numbered(5):
        await spool.append(record)
    await taken_from(spool)

    [name] = disk.threads
    assert name != threading.main_thread().name


async def test_a_list_is_kept_in_one_go(spool: Spool, disk: Disk) -> None:
    await spool.append_all(numbered(1000))

    assert disk.file_syncs == 1
    assert await taken_from(spool) == numbered(1000)


async def test_an_empty_list_touches_nothing(spool: Spool, folder: Path) -> None:
    await spool.append_all([])

    assert not folder.exists()


async def test_a_caller_that_gives_up_takes_nobody_along(spool: Spool, disk: Disk) -> None:
    disk.go.clear()
    first, second, third = [asyncio.create_task(spool.append(record)) for record in (b"1", b"2", b"3")]
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    disk.go.set()
    await third

    assert (first.cancelled(), second.cancelled()) == (True, True)
    assert await taken_from(spool) == [b"1", b"2", b"3"]


async def test_a_record_may_have_any_bytes_and_none(spool: Spool) -> None:
    records = [b"", bytes(range(256)), b"\xd6SP2" * 5, b"x" * MAX_RECORD]
    for record in records:
        await spool.append(record)

    assert await taken_from(spool) == records


async def test_a_record_that_is_too_long_is_refused_alone(spool: Spool) -> None:
    with pytest.raises(ValueError, match="1048577"):
        await spool.append_all([b"short", bytes(MAX_RECORD + 1)])

    assert spool.is_empty


async def test_a_record_that_is_not_bytes_spoils_no_file(spool: Spool) -> None:
    with pytest.raises(TypeError):
        await spool.append(cast(bytes, "text"))
    await spool.append(b"record")

    assert await taken_from(spool) == [b"record"]


async def test_a_full_segment_is_followed_by_the_next(open_spool: OpenSpool, folder: Path) -> None:
    spool = open_spool(segment_bytes=1000)
    for record in numbered(100):
        await spool.append(record)

    assert len(segments(folder)) == 4
    assert all(1000 <= file.stat().st_size < 1100 for file in segments(folder)[:-1])
    assert await taken_from(spool) == numbered(100)


async def test_files_are_private_whatever_the_umask(spool: Spool, folder: Path) -> None:
    umask = os.umask(0)
    try:
        await spool.append(b"personal")
    finally:
        os.umask(umask)

    modes = {path.name[-5:]: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {mode for name, mode in modes.items() if name in ("spool", "lock")} <= {0o700, 0o600}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in [folder, *folder.iterdir()])
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.glob("*/*"))


async def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(small_disk: Path, clock: Clock) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(100_000))
    spool = Spool(small_disk / "spool")
    kept = []
    with pytest.raises(SpoolUnavailable, match="disk is full; free some space"):
        for record in (bytes([number]) * 1000 for number in range(250)):
            await spool.append(record)
            kept.append(record)
    assert 50 < len(kept) < 200

    filler.unlink()
    clock.now += 1
    await spool.append(b"after")

    assert await taken_from(spool) == [*kept, b"after"]
    assert spool.state().damaged == 0
    await spool.close()


async def test_a_disk_with_a_few_bytes_left_keeps_what_fits(small_disk: Path, clock: Clock) -> None:
    spool = Spool(small_disk / "spool")
    kept = []
    for size in (100_000, 60_000, 30_000, 10_000, 5000, 3000, 1000, 1000, 500, 500):
        record = os.urandom(size)
        try:
            await spool.append(record)
            kept.append(record)
        except SpoolUnavailable:
            clock.now += 1

    assert await taken_from(spool) == kept
    await spool.close()


async def test_half_a_write_is_cut_off_before_the_next(spool: Spool, disk: Disk, clock: Clock, folder: Path) -> None:
    await spool.append(b"before")
    [file] = segments(folder)
    length = file.stat().st_size
    disk.failing_writes = errno.ENOSPC
    with pytest.raises(SpoolUnavailable):
        await spool.append(b"lost " * 100)

    assert file.stat().st_size == length
    assert segments(folder) == [file], "a file that never held a record was left behind"
    disk.failing_writes = None
    clock.now += 1
    await spool.append(b"after")
    assert await taken_from(spool) == [b"before", b"after"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, "the disk reports an error"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ETIMEDOUT, "Connection timed out"),
    ],
)
async def test_what_failed_is_said_in_words(spool: Spool, folder: Path, disk: Disk, number: int, words: str) -> None:
    disk.failing_writes = number
    with pytest.raises(SpoolUnavailable) as caught:
        await spool.append(b"record")

    assert str(caught.value).startswith(f"The spool in {folder} cannot be written: {words}")


async def test_a_failing_disk_is_tried_ten_times_a_second(spool: Spool, disk: Disk, clock: Clock) -> None:
    disk.failing_writes = errno.ENOSPC
    with pytest.raises(SpoolUnavailable) as first:
        await spool.append(b"record")
    writes = disk.writes
    for _ in range(50):
        with pytest.raises(SpoolUnavailable) as again:
            await spool.append(b"record")
        assert str(again.value) == str(first.value)
    assert disk.writes == writes

    clock.now += 0.11
    with pytest.raises(SpoolUnavailable):
        await spool.append(b"record")
    assert disk.writes > writes
    disk.failing_writes = None
    clock.now += 0.11
    await spool.append(b"good")
    assert await taken_from(spool) == [b"good"]


async def test_callers_who_came_during_a_failing_write_fail_with_it(spool: Spool, disk: Disk) -> None:
    await spool.append(b"before")
    disk.go.clear()
    disk.failing_syncs = 2
    callers = [asyncio.create_task(spool.append(record)) for record in numbered(5)]
    await asyncio.sleep(0)
    disk.go.set()
    results = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(result) for result in results] == [SpoolUnavailable] * 5
    assert await taken_from(spool) == [b"before"]


async def test_after_a_failed_sync_the_group_goes_into_a_new_file(spool: Spool, disk: Disk, folder: Path) -> None:
    await spool.append(b"before")
    disk.failing_syncs = 1
    await spool.append(b"written again")

    first, second = segments(folder)
    assert b"written again" not in first.read_bytes()
    assert b"written again" in second.read_bytes()
    assert await taken_from(spool) == [b"before", b"written again"]


async def test_when_the_new_file_fails_too_the_callers_hear_of_it(spool: Spool, disk: Disk, clock: Clock) -> None:
    await spool.append(b"before")
    disk.failing_syncs = 2
    with pytest.raises(SpoolUnavailable, match="the disk reports an error"):
        await spool.append(b"lost")
    clock.now += 1
    await spool.append(b"after")

    assert await taken_from(spool) == [b"before", b"after"]


async def test_the_cap_is_never_passed(open_spool: OpenSpool, folder: Path, clock: Clock) -> None:
    spool = open_spool(cap_bytes=20_000, segment_bytes=5000)
    kept = []
    with pytest.raises(SpoolUnavailable, match=r"may hold 0\.0 MB.*raise its cap"):
        for record in (bytes([number]) * 1000 for number in range(30)):
            await spool.append(record)
            kept.append(record)
    assert len(kept) == 19
    assert sum(file.stat().st_size for file in segments(folder)) == spool.state().bytes <= 20_000

    assert await taken_from(spool) == kept
    await spool.append(b"room again, without waiting")


async def test_the_cap_counts_what_was_adopted(open_spool: OpenSpool) -> None:
    dead = open_spool()
    await dead.append(bytes(15_000))
    await dead.close()
    spool = open_spool(cap_bytes=20_000)
    assert spool.state().bytes > 15_000

    with pytest.raises(SpoolUnavailable):
        await spool.append(bytes(6000))


async def test_a_folder_that_was_removed_is_made_again(spool: Spool, folder: Path) -> None:
    await spool.append(b"removed")
    for path in [*folder.glob("*/*"), *folder.iterdir(), folder]:
        path.rmdir() if path.is_dir() else path.unlink()

    await spool.append(b"kept")

    assert [file.read_bytes()[-4:] for file in segments(folder)] == [b"kept"]
    assert await taken_from(spool) == [b"kept"]
    assert spool.state().damaged == 1, "the record that somebody removed"


async def test_a_file_in_place_of_the_folder_is_told(spool: Spool, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")

    with pytest.raises(SpoolUnavailable, match="it is not a folder"):
        await spool.append(b"record")
    assert folder.read_text() == "in the way"


async def test_a_link_in_place_of_the_folder_is_not_followed(spool: Spool, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)

    with pytest.raises(SpoolUnavailable, match="symbolic link; move it away, or name the folder itself"):
        await spool.append(b"record")
    assert list(elsewhere.iterdir()) == []


async def test_a_closed_spool_takes_nothing_and_leaves_no_empty_folder(spool: Spool, folder: Path) -> None:
    await spool.append(b"record")
    await taken_from(spool)
    await spool.close()
    await spool.close()

    with pytest.raises(SpoolUnavailable, match="closed"):
        await spool.append(b"record")
    assert list(folder.iterdir()) == []


async def test_closing_waits_for_what_is_being_appended(spool: Spool, disk: Disk, open_spool: OpenSpool) -> None:
    disk.go.clear()
    appends = [asyncio.create_task(spool.append(record)) for record in numbered(10)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(spool.close())
    await asyncio.sleep(0)
    assert not closing.done()
    disk.go.set()
    await asyncio.gather(closing, *appends)

    assert await taken_from(open_spool()) == numbered(10)
