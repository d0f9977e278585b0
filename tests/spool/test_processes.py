"""Many processes on one folder, and every way in which one can end."""

# ruff: noqa: ASYNC240 - a test may wait for its own disk.

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from app.spool import Spool, files, segment
from app.spool import folder as folder_module
from tests.spool.child import CALLERS
from tests.spool.conftest import Clock, numbered, segments, taken_from
from tests.spool.test_replay import NAME, dead_folder, segment_of

OpenSpool = Callable[..., Spool]
Child = subprocess.Popen[bytes]


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Child]]:
    """Starts another process on the folder; all are killed after the test."""
    children: list[Child] = []

    def start_one(how: str) -> Child:
        command = [sys.executable, "-m", "tests.spool.child", str(folder), how]
        children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return children[-1]

    yield start_one
    for child in children:
        child.kill()
        with child:
            pass


def lines(child: Child, count: int) -> list[bytes]:
    assert child.stdout is not None
    return [child.stdout.readline().rstrip() for _ in range(count)]


def kill(child: Child) -> list[bytes]:
    """Kill it and return the rest of what it said."""
    assert child.stdout is not None
    child.kill()
    child.wait()
    return child.stdout.read().split()


@pytest.mark.parametrize("after", [1, 500, 3000])
async def test_what_a_killed_process_acknowledged_is_replayed(
    start: Callable[[str], Child], open_spool: OpenSpool, folder: Path, after: int
) -> None:
    child = start("append")
    acknowledged = lines(child, after)
    acknowledged += kill(child)

    spool = open_spool()
    waiting = spool.state().records
    taken = await taken_from(spool)

    assert set(acknowledged) <= set(taken)
    assert len(taken) == len(set(taken)) == waiting
    assert len(taken) <= len(acknowledged) + CALLERS, "only what was under way may have come along"
    for name in range(CALLERS):
        own = [record for record in taken if record.startswith(b"%d-" % name)]
        assert own == [b"%d-%d" % (name, number) for number in range(len(own))]
    assert spool.state().damaged == 0
    assert list(folder.iterdir()) == []


async def test_living_processes_leave_each_other_alone(
    start: Callable[[str], Child], open_spool: OpenSpool, clock: Clock
) -> None:
    children = [start("append-and-wait") for _ in range(2)]
    for child in children:
        assert lines(child, CALLERS * 50 + 1)[-1] == b"done"
    spool = open_spool()
    await spool.append(b"ours")
    assert await taken_from(spool) == [b"ours"]
    assert spool.is_empty

    kill(children[0])
    clock.now += 1.1
    assert len(await taken_from(spool)) == CALLERS * 50
    kill(children[1])
    assert sorted(await taken_from(spool)) == sorted(b"%d-%d" % (i, j) for i in range(CALLERS) for j in range(50))


async def test_a_limit_on_file_sizes_costs_nothing_that_was_acknowledged(
    start: Callable[[str], Child], open_spool: OpenSpool
) -> None:
    child = start("limit")
    *acknowledged, refusal = child.communicate()[0].rstrip().split(b"\n")

    assert b"raise the limit on file sizes" in refusal
    assert len(acknowledged) == CALLERS * 200
    spool = open_spool()
    assert sorted(await taken_from(spool)) == sorted(acknowledged)
    assert spool.state().damaged == 0


@pytest.mark.parametrize("how", ["fork-behind", "exec-behind"])
async def test_the_lock_ends_with_its_process_and_not_with_its_children(
    start: Callable[[str], Child], open_spool: OpenSpool, how: str
) -> None:
    child = start(how)
    [left_behind] = lines(child, 1)
    child.kill()
    child.wait()

    os.kill(int(left_behind), 0)  # it lives
    try:
        assert await taken_from(open_spool()) == [b"before"]
    finally:
        os.kill(int(left_behind), signal.SIGKILL)


async def test_a_forked_child_has_a_folder_of_its_own(start: Callable[[str], Child], open_spool: OpenSpool) -> None:
    parent = start("fork-and-append")
    assert lines(parent, 1) == [b"done"]

    spool = open_spool()
    assert await taken_from(spool) == [b"child"], "the parent still holds its own"
    kill(parent)
    assert await taken_from(spool) == [b"parent 1", b"parent 2"]


async def test_folders_are_adopted_in_the_order_in_which_they_were_made(open_spool: OpenSpool) -> None:
    processes = [open_spool() for _ in range(12)]
    for number, process in enumerate(processes):
        await process.append(b"%d" % number)
    for process in processes:
        await process.close()

    assert await taken_from(open_spool()) == [b"%d" % number for number in range(12)]


async def test_a_folder_adopted_later_keeps_its_place(open_spool: OpenSpool, clock: Clock) -> None:
    older, newer, spool = open_spool(), open_spool(), open_spool()
    await older.append(b"older")
    await newer.append(b"newer")
    await newer.close()
    assert spool.state().records == 1
    await older.close()

    assert await taken_from(spool) == [b"older", b"newer"]


async def test_of_many_segments_only_the_last_is_read_to_count_them(
    open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = open_spool(segment_bytes=100)
    for record in numbered(50):
        await dead.append(record)
    await dead.close()
    counted: list[int] = []
    count = segment.count

    def count_one(data: bytes) -> int:
        counted.append(count(data))
        return counted[-1]

    monkeypatch.setattr(segment, "count", count_one)

    assert open_spool().state().records == 50
    assert counted == [2]


async def test_a_folder_whose_process_died_while_making_it_is_cleared_away(open_spool: OpenSpool, folder: Path) -> None:
    dead_folder(folder, 1, {})
    (dead_folder(folder, 2, {}) / "lock").unlink()

    spool = open_spool()
    assert await taken_from(spool) == []
    assert spool.is_empty
    assert list(folder.iterdir()) == []


async def test_a_folder_cleared_away_while_it_was_made_is_made_again(
    spool: Spool, open_spool: OpenSpool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process looks just between the steps of making a folder."""
    create_file, looks = files.create_file, 0

    def create_late(name: str, **options: int) -> int:
        nonlocal looks
        if name == "lock" and looks < 3:
            looks += 1
            [path] = folder.iterdir()
            if looks == 2:
                # Here the other one got the lock before us, and removed the folder.
                fd = create_file(name, **options)
                (path / name).unlink()
                path.rmdir()
                return fd
            assert open_spool().is_empty
        return create_file(name, **options)

    monkeypatch.setattr(folder_module, "create_file", create_late)
    with structlog.testing.capture_logs() as logs:
        await spool.append(b"record")

    assert looks == 3
    assert logs == []
    assert len(list(folder.iterdir())) == 1
    assert await taken_from(spool) == [b"record"]


async def test_a_folder_that_another_process_is_just_removing_is_left_to_it(
    open_spool: OpenSpool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = dead_folder(folder, 1, {})
    flock = fcntl.flock

    def lock_late(fd: int, how: int) -> None:
        (dead / "lock").unlink()
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    spool = open_spool()

    assert await taken_from(spool) == []
    assert spool.state().alarm is None
    assert not dead.exists()


async def test_a_new_folder_comes_after_all_that_are_and_were(spool: Spool, folder: Path) -> None:
    """Also after those of which only a damaged file is left: the newest ten of these are kept."""
    folder.mkdir(parents=True)
    (folder / f"00000041-{1:016x}-{NAME}.damaged").touch()
    await spool.append(b"record")

    [path] = [path for path in folder.iterdir() if path.is_dir()]
    assert path.name.startswith("00000042-")


async def test_our_own_folder_with_a_stranger_in_it_can_be_adopted(
    spool: Spool, open_spool: OpenSpool, folder: Path
) -> None:
    await spool.append(b"record")
    await taken_from(spool)
    [own] = folder.iterdir()
    (own / NAME).write_bytes(segment_of([b"put here by somebody"]))
    await spool.close()

    assert await taken_from(open_spool()) == [b"put here by somebody"]
    assert list(folder.iterdir()) == []


async def test_a_lock_that_is_a_link_is_not_followed(open_spool: OpenSpool, folder: Path, tmp_path: Path) -> None:
    dead = dead_folder(folder, 1, {NAME: segment_of([b"record"])})
    (dead / "lock").unlink()
    (tmp_path / "target").touch()
    (dead / "lock").symlink_to(tmp_path / "target")
    spool = open_spool()

    assert await taken_from(spool) == []
    assert "it is a symbolic link" in (spool.state().alarm or "")


async def test_a_folder_without_its_lock_is_told_and_not_taken(open_spool: OpenSpool, folder: Path) -> None:
    dead = dead_folder(folder, 1, {NAME: segment_of([b"record"])})
    (dead / "lock").unlink()
    spool = open_spool()

    assert await taken_from(spool) == []
    alarm = spool.state().alarm
    assert alarm is not None
    assert f"{dead.name} in {folder} cannot be read: its lock file is gone" in alarm
    (dead / "lock").touch()
    assert await taken_from(spool) == [b"record"]
    assert spool.state().alarm is None


async def test_links_and_strangers_in_a_folder_are_left_alone(
    open_spool: OpenSpool, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(segment_of([b"not ours to read"]))
    dead = dead_folder(folder, 1, {"notes.txt": b"somebody's"})
    (dead / NAME).symlink_to(secret)
    outside = dead_folder(tmp_path / "outside", 2, {NAME: segment_of([b"outside"])})
    (folder / outside.name).symlink_to(outside)
    (folder / "README").write_text("not a folder of ours")
    spool = open_spool()

    assert await taken_from(spool) == []
    alarm = spool.state().alarm
    assert alarm is not None
    assert "2 files in" in alarm
    assert f"{outside.name} in {folder} cannot be read: it is not a folder, or a symbolic link" in alarm
    assert secret.exists()
    assert len(segments(outside.parent)) == 1


async def test_what_waits_is_adopted_after_an_orderly_end_too(open_spool: OpenSpool) -> None:
    first = open_spool()
    await first.append_all(numbered(5))
    second = open_spool()
    assert second.is_empty
    await first.close()

    third = open_spool()
    assert third.state().records == 5
    assert await taken_from(third) == numbered(5)
    assert await asyncio.wait_for(taken_from(second), 10) == []
