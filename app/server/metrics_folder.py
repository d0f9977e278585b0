"""The folder in which several web processes keep the counters that `/metrics` adds up."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from app.settings import ConfigurationError

_READING = "reading"
_ENDED = "ended"


@contextmanager
def metrics_folder(parent: Path) -> Iterator[Path]:
    """An empty folder below `parent` inside the block; those that killed processes left are removed.

    A lock and not a process id tells who lives: ids are used again, and mean nothing to the container next door.
    Raises ConfigurationError where nobody can write there.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        everything = (parent / "lock").open("w")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"Several web processes count into the folder {parent}, which cannot be written: {reason}. "
            "Set VAR_DIR to a folder that can, or leave --workers out."
        ) from None
    with everything:
        fcntl.flock(everything, fcntl.LOCK_EX)
        for left in filter(Path.is_dir, parent.iterdir()):
            _remove_abandoned(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
        lock = _lock_of(folder)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Inside the block nobody adds the counters of an ended process to those of the others."""
    with (folder / _READING).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def fold_ended(folder: Path, pid: int) -> None:
    """Keep what an ended process has counted, and let its files go: there would be more with each that is replaced.

    Called by one process alone, the one that made the folder.
    """
    with (folder / _READING).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        for kind in ("counter", "histogram"):
            of_process = folder / f"{kind}_{pid}.db"
            if not of_process.exists():
                continue
            ended = MmapedDict(str(folder / f"{kind}_{_ENDED}.db"))  # type: ignore[no-untyped-call]
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(of_process)):  # type: ignore[no-untyped-call]
                before, _at = ended.read_value(key)  # type: ignore[no-untyped-call]
                ended.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
            ended.close()  # type: ignore[no-untyped-call]
            of_process.unlink()


def _lock_of(folder: Path) -> IO[str]:
    return (folder / "lock").open("w")


def _remove_abandoned(folder: Path) -> None:
    with _lock_of(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(folder, ignore_errors=True)
