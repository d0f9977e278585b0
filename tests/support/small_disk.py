"""A disk that is soon full: a small tmpfs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST = "ballast"


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount a disk of this size at `folder`, gone after the block; skips the test where that is not permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"no disk of its own: {error}")
    if done.returncode:
        pytest.skip(f"no disk of its own: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    """Leave so many bytes free, to the page; `relieve` ends it."""
    state = os.statvfs(disk)
    with (disk / BALLAST).open("ab") as file:
        file.write(bytes(max(0, state.f_bavail * state.f_frsize - leave)))


def relieve(disk: Path) -> None:
    """Give back what `fill` took."""
    (disk / BALLAST).unlink()
