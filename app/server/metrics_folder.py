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

from app.settings import ConfigurationError


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


def _lock_of(folder: Path) -> IO[str]:
    return (folder / "lock").open("w")


def _remove_abandoned(folder: Path) -> None:
    with _lock_of(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(folder, ignore_errors=True)
