"""Everything comes back in order, is removed once it was taken, and damage costs only what is damaged."""

# ruff: noqa: ASYNC240 - a test may wait for its own disk.

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import structlog

from app.spool import Spool, SpoolUnavailable
from app.spool import segment as segment_format
from app.spool.segment import HEADER_SIZE, RECORD_OVERHEAD, Header
from tests.spool.conftest import Clock, numbered, segments, taken_from
from tests.spool.test_segment import KEY, NOON, VERSION_1

OpenSpool = Callable[..., Spool]


def dead_folder(folder: Path, number: int, files: dict[str, bytes]) -> Path:
    """What a process that died has left."""
    dead = folder / f"{number:08d}-{number:016x}"
    dead.mkdir(0o700, parents=True)
    (dead / "lock").touch(0o600)
    for name, data in files.items():
        (dead / name).write_bytes(data)
    return dead


def segment_of(records: Sequence[bytes], *, version: int = segment_format.VERSION) -> bytes:
    header = segment_format.encode_header(Header(KEY, NOON, 0, version=version))
    return header + segment_format.encode(records, key=KEY, at=NOON)


NAME = segment_format.file_name(1, KEY)


async def test_records_come_back_in_order_over_many_segments(open_spool: OpenSpool, folder: Path) -> None:
    spool = open_spool(segment_bytes=500)
    for record in numbered(100):
        await spool.append(record)

    assert await taken_from(spool) == numbered(100)
    assert spool.is_empty
    assert segments(folder) == []
    assert await taken_from(spool) == []


async def test_a_batch_is_never_longer_than_its_limit(spool: Spool) -> None:
    await spool.append_all(numbered(100))
    limits = iter([1, 40, 0, 1000])
    sizes: list[int] = []

    async def take(records: Sequence[bytes]) -> None:
        sizes.append(len(records))

    assert await spool.replay(take, limit=lambda: next(limits, 1)) == 100
    assert sizes == [1, 40, 1, 58], "a limit under one would never end"


async def test_what_comes_next_is_told_while_a_batch_is_taken(spool: Spool) -> None:
    await spool.append_all(numbered(25))
    told: list[Sequence[bytes]] = []
    taken: list[Sequence[bytes]] = []

    async def take(records: Sequence[bytes]) -> None:
        assert not told or told[-1] is records
        async with asyncio.timeout(5):
            while len(told) < min(len(taken) + 1, 2):
                await asyncio.sleep(0)
        taken.append(records)

    await spool.replay(take, limit=10, ahead=told.append)
    assert [record for records in taken for record in records] == numbered(25)
    assert [list(records) for records in told] == [numbered(10, start=10), numbered(5, start=20)]


async def test_what_is_appended_meanwhile_waits_for_the_next_replay(spool: Spool) -> None:
    await spool.append_all(numbered(10))
    seen: list[bytes] = []

    async def take(records: Sequence[bytes]) -> None:
        seen.extend(records)
        await spool.append(b"meanwhile")

    assert await spool.replay(take, limit=5) == 10
    assert seen == numbered(10)
    assert not spool.is_empty
    assert await taken_from(spool) == [b"meanwhile", b"meanwhile"]


async def test_an_exception_keeps_what_was_not_taken(open_spool: OpenSpool, folder: Path) -> None:
    spool = open_spool(segment_bytes=1000)
    for record in numbered(60):
        await spool.append(record)
    files = segments(folder)
    seen: list[bytes] = []

    async def take(records: Sequence[bytes]) -> None:
        if len(seen) == 40:
            raise ConnectionError("the database is away")
        seen.extend(records)

    with pytest.raises(ConnectionError, match="the database is away"):
        await spool.replay(take, limit=10)

    assert seen == numbered(40)
    assert spool.state().records == 20
    assert 0 < len(segments(folder)) < len(files), "segments taken in whole are gone, others are not"
    assert await taken_from(spool) == numbered(60)[40:]


async def test_a_process_that_dies_in_a_segment_leaves_it_to_be_taken_again(open_spool: OpenSpool) -> None:
    spool = open_spool()
    await spool.append_all(numbered(20))

    async def take(records: Sequence[bytes]) -> None:
        if records[0] != b"record 000000":
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await spool.replay(take, limit=10)
    await spool.close()

    assert await taken_from(open_spool()) == numbered(20)


async def test_a_replay_can_be_stopped_between_batches(spool: Spool) -> None:
    await spool.append_all(numbered(30))
    stop = asyncio.Event()
    seen: list[bytes] = []

    async def take(records: Sequence[bytes]) -> None:
        seen.extend(records)
        stop.set()

    assert await spool.replay(take, limit=10, stop=stop) == 10
    assert await spool.replay(take, limit=10, stop=stop) == 0
    assert seen == numbered(10)
    assert await taken_from(spool) == numbered(30)[10:]


async def test_a_replay_that_is_cancelled_keeps_its_batch(spool: Spool) -> None:
    await spool.append_all(numbered(5))
    started = asyncio.Event()

    async def take(records: Sequence[bytes]) -> None:
        started.set()
        await asyncio.Event().wait()

    replay = asyncio.create_task(spool.replay(take))
    await started.wait()
    replay.cancel()
    with pytest.raises(asyncio.CancelledError):
        await replay

    assert await taken_from(spool) == numbered(5)


async def test_two_replays_at_once_take_each_record_once(spool: Spool) -> None:
    await spool.append_all(numbered(50))

    first, second = await asyncio.gather(taken_from(spool, limit=5), taken_from(spool, limit=5))

    assert first + second == numbered(50)


async def test_closing_ends_a_replay_after_its_batch(spool: Spool, open_spool: OpenSpool) -> None:
    await spool.append_all(numbered(30))
    closing: list[asyncio.Task[None]] = []

    async def take(records: Sequence[bytes]) -> None:
        closing.append(asyncio.create_task(spool.close()))
        await asyncio.sleep(0)

    assert await spool.replay(take, limit=10) == 10
    await closing[0]
    assert await spool.replay(take) == 0
    assert await taken_from(open_spool()) == numbered(30)


async def test_a_clock_that_jumps_back_changes_no_order(open_spool: OpenSpool, clock: Clock) -> None:
    for process in range(3):
        spool = open_spool(segment_bytes=300)
        for record in numbered(20, start=20 * process):
            await spool.append(record)
            clock.wall -= 3_600_000_000_000
        await spool.close()

    assert await taken_from(open_spool()) == numbered(60)


async def test_the_tail_torn_by_a_crash_is_left_out(open_spool: OpenSpool, folder: Path) -> None:
    data = segment_of(numbered(3))
    dead_folder(folder, 1, {NAME: data[:-1]})

    spool = open_spool()

    assert await taken_from(spool) == numbered(2)
    assert spool.state().damaged == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, HEADER_SIZE - 1, HEADER_SIZE])
async def test_a_file_whose_first_write_was_cut_short_is_cleared_away(
    open_spool: OpenSpool, folder: Path, length: int
) -> None:
    dead_folder(folder, 1, {NAME: segment_of([])[:length]})
    spool = open_spool()
    assert not spool.is_empty

    assert await taken_from(spool) == []
    assert spool.is_empty
    assert spool.state().damaged == 0
    assert list(folder.iterdir()) == []


async def test_damage_in_the_middle_costs_what_is_damaged(open_spool: OpenSpool, folder: Path) -> None:
    records = numbered(50)
    data = bytearray(segment_of(records))
    step = RECORD_OVERHEAD + len(records[0])
    for index in (10, 11, 30):
        data[HEADER_SIZE + index * step + 5] ^= 0x40
    dead_folder(folder, 1, {NAME: bytes(data)})
    spool = open_spool()

    with structlog.testing.capture_logs() as logs:
        taken = await taken_from(spool, limit=7)

    assert taken == records[:10] + records[12:30] + records[31:]
    assert spool.state().damaged == 2, "places, not records"
    assert [entry["event"] for entry in logs if "damaged" in entry["event"]] == [
        "spool file is damaged, the rest of it is replayed"
    ]
    [kept] = folder.iterdir()
    assert kept.name == f"00000001-{1:016x}-{NAME}.damaged"
    assert kept.read_bytes() == data
    alarm = spool.state().alarm
    assert alarm is not None
    assert "1 damaged files are kept" in alarm

    kept.unlink()
    assert await taken_from(spool) == []
    assert spool.state().alarm is None, "the alarm ends when somebody has looked"


async def test_a_batch_that_is_taken_again_counts_its_damage_once(open_spool: OpenSpool, folder: Path) -> None:
    data = bytearray(segment_of(numbered(3)))
    data[HEADER_SIZE] ^= 1
    dead_folder(folder, 1, {NAME: bytes(data)})
    spool = open_spool()

    async def fail(records: Sequence[bytes]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await spool.replay(fail)
    assert await taken_from(spool) == numbered(3)[1:]
    assert spool.state().damaged == 1


async def test_a_damaged_file_of_our_own_is_kept_private(spool: Spool, folder: Path) -> None:
    await spool.append_all(numbered(3))
    [file] = segments(folder)
    with file.open("r+b") as writable:
        writable.seek(HEADER_SIZE + 2)
        writable.write(b"\0")

    assert await taken_from(spool) == numbered(3)[1:]
    [kept] = folder.glob("*.damaged")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_of_damaged_files_the_newest_ten_are_kept(open_spool: OpenSpool, folder: Path) -> None:
    for number in range(1, 14):
        dead_folder(folder, number, {NAME: b"damaged" * 50})
        spool = open_spool()
        assert await taken_from(spool) == []
        await spool.close()

    kept = sorted(int(path.name[:8]) for path in folder.glob("*.damaged"))
    assert kept == list(range(4, 14))


async def test_blocks_that_the_disk_cannot_read_cost_their_records(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [bytes([number]) * 1000 for number in range(100)]
    await spool.append_all(records)
    pread = os.pread

    def broken(fd: int, size: int, position: int) -> bytes:
        if position < 45_000 < position + size:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(fd, size, position)

    monkeypatch.setattr(os, "pread", broken)
    taken = await taken_from(spool)

    lost = [record[0] for record in records if record not in taken]
    assert lost == list(range(lost[0], lost[0] + len(lost)))
    assert 1 <= len(lost) <= 6
    assert spool.state().damaged == 1


async def test_a_file_that_cannot_be_read_now_is_not_given_up(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    await spool.append(b"record")

    def refused(*_: object) -> bytes:
        raise PermissionError(errno.EACCES, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", refused)
        with pytest.raises(SpoolUnavailable, match="cannot be read: permission denied"):
            await taken_from(spool)

    assert await taken_from(spool) == [b"record"]


async def test_a_file_that_cannot_be_removed_is_not_taken_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    await spool.append(b"record")
    taken: list[bytes] = []

    async def take(records: Sequence[bytes]) -> None:
        taken.extend(records)

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refused)
        with pytest.raises(SpoolUnavailable, match="cannot be cleared: the file system is read-only"):
            await spool.replay(take)

    assert not spool.is_empty
    assert await spool.replay(take) == 0
    assert taken == [b"record"]
    assert spool.is_empty
    assert spool.state().damaged == 0


async def test_a_segment_removed_by_hand_is_told(open_spool: OpenSpool, folder: Path) -> None:
    spool = open_spool(segment_bytes=100)
    for record in numbered(12):
        await spool.append(record)
    segments(folder)[1].unlink()

    with structlog.testing.capture_logs() as logs:
        taken = await taken_from(spool)

    assert len(taken) == 12 - 2
    assert [(entry["event"], entry["records_lost"]) for entry in logs if "records_lost" in entry] == [
        ("spool file was removed before it was replayed", 2)
    ]
    assert spool.state().damaged == 2


async def test_a_version_1_spool_is_replayed(open_spool: OpenSpool, folder: Path) -> None:
    dead_folder(folder, 1, {NAME: VERSION_1})
    spool = open_spool()
    state = spool.state()
    assert (state.records, state.bytes) == (3, len(VERSION_1))
    assert state.oldest_at is not None
    assert state.oldest_at.timestamp() * 1_000_000 == NOON

    assert await taken_from(spool) == [b"first of version 1", b"", b"third \xff\x00"]
    assert list(folder.iterdir()) == []


async def test_a_newer_version_is_left_alone(open_spool: OpenSpool, folder: Path) -> None:
    newer = segment_of([b"from the future"], version=3)
    dead = dead_folder(folder, 1, {NAME: segment_of([b"ours"]), segment_format.file_name(2, KEY): newer})
    spool = open_spool()

    assert await taken_from(spool) == [b"ours"]
    assert spool.is_empty
    assert spool.state().alarm == f"1 files in {folder} are of a newer version or not ours, and are left alone"
    await spool.close()
    assert [file.read_bytes() for file in segments(folder)] == [newer]
    assert (dead / "lock").exists(), "a newer process must be able to adopt it"


async def test_a_damaged_version_number_is_no_newer_version(open_spool: OpenSpool, folder: Path) -> None:
    data = bytearray(segment_of([b"ours"]))
    data[9] = 3
    dead_folder(folder, 1, {NAME: bytes(data)})

    assert await taken_from(open_spool()) == [b"ours"]
