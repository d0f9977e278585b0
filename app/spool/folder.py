"""The sub-folder of one process: its lock, and the segments that wait in it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from app.spool import segment
from app.spool.files import FOLDER_MODE, create_file, open_file, open_folder, read_file

LOCK = "lock"
PROBE = "probe"
NAME = re.compile(r"([0-9]{8})-[0-9a-f]{16}", re.ASCII)
_DAMAGED = ".damaged"
MAX_DAMAGED = 10
"""Damaged files that are kept for people to look at."""


@dataclass(eq=False)
class Segment:
    """A file with records that nobody has taken yet."""

    name: str
    key: bytes
    size: int
    """Bytes up to which the file is known to be durable; for a file of a dead process, all of it."""
    records: int
    """Records not yet taken."""
    oldest: int
    """Time of the first of them, microseconds."""
    position: int = 0
    """Where it stands; what lies before has been taken."""
    damaged: bool = False


class Folder:
    """A sub-folder under our lock. Two live processes never hold the same one; the lock ends with its process.

    The number in its name puts the folders of dead processes in order without asking a clock.
    """

    def __init__(self, name: str, fd: int, lock: int) -> None:
        self.name = name
        self.fd = fd
        self.lock = lock
        self.segments: deque[Segment] = deque()
        self.left_alone: list[str] = []
        """Files of a newer version, or not ours."""

    @property
    def bytes(self) -> int:
        """Bytes of the segments that wait."""
        return sum(one.size for one in self.segments)

    @property
    def gone(self) -> bool:
        """Whether somebody removed the folder, or its lock, under our hands."""
        return os.fstat(self.lock).st_nlink == 0

    @classmethod
    def create(cls, parent: int) -> Folder:
        """A new one under the folder `parent`. Raises OSError."""
        while True:
            # Damaged files begin with the name of their folder, so that they stay in order too.
            taken = [int(match[1]) for match in map(NAME.match, os.listdir(parent)) if match]
            name = f"{max(taken, default=0) + 1:08d}-{secrets.token_hex(8)}"
            os.mkdir(name, FOLDER_MODE, dir_fd=parent)
            # Another process may see the folder before the lock is ours and clear it away: then try another name.
            with suppress(FileNotFoundError, BlockingIOError):
                fd = open_folder(name, within=parent)
                try:
                    lock = _locked(create_file(LOCK, within=fd, flags=os.O_RDWR))
                except BaseException:
                    os.close(fd)
                    raise
                folder = cls(name, fd, lock)
                try:
                    os.fsync(fd)
                    os.fsync(parent)
                except BaseException:
                    folder.release()
                    raise
                return folder

    @classmethod
    def adopt(cls, parent: int, name: str) -> Folder | None:
        """The folder of a dead process with all that waits in it; None where its process lives. Raises OSError."""
        try:
            fd = open_folder(name, within=parent)
        except FileNotFoundError:
            return None
        try:
            lock = _locked(open_file(LOCK, within=fd, flags=os.O_RDWR))
        except FileNotFoundError:
            os.close(fd)
            _clear_away(parent, name)
            return None
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        folder = cls(name, fd, lock)
        try:
            folder._look_through()
        except BaseException:
            folder.release()
            raise
        return folder

    def _look_through(self) -> None:
        found: list[tuple[Segment, int]] = []
        for name in sorted(os.listdir(self.fd)):
            if name in (LOCK, PROBE):
                continue
            match = segment.NAME.fullmatch(name)
            status = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            if match is None or not stat.S_ISREG(status.st_mode):
                self.left_alone.append(name)
                continue
            start = read_file(name, within=self.fd, size=segment.HEADER_SIZE + segment.RECORD_OVERHEAD)
            header = segment.read_header(start)
            if header is not None and header.version > segment.VERSION:
                self.left_alone.append(name)
                continue
            key = bytes.fromhex(match[2])
            oldest = segment.time_at(start, segment.HEADER_SIZE)
            if oldest is None:
                oldest = header.created if header else status.st_mtime_ns // 1000
            found.append((Segment(name, key, status.st_size, 0, oldest), header.sequence if header else -1))
        for (one, sequence), following in zip(found, [*(sequence for _, sequence in found), -1][1:], strict=True):
            if 0 <= sequence <= following:
                one.records = following - sequence
            else:
                one.records = segment.count(read_file(one.name, within=self.fd, size=one.size))
            self.segments.append(one)

    def drop(self, one: Segment, parent: int) -> None:
        """Forget a segment that was taken; a damaged one is kept beside as `*.damaged`. Raises OSError."""
        with suppress(FileNotFoundError):
            if one.damaged:
                os.rename(one.name, f"{self.name}-{one.name}{_DAMAGED}", src_dir_fd=self.fd, dst_dir_fd=parent)
                for old in damaged_files(parent)[:-MAX_DAMAGED]:
                    os.unlink(old, dir_fd=parent)
                os.fsync(parent)
            else:
                os.unlink(one.name, dir_fd=self.fd)
        os.fsync(self.fd)
        self.segments.remove(one)

    def remove(self, parent: int) -> None:
        """Remove the folder and let go of it. Raises OSError, also where it still holds something."""
        # Without its lock the folder could not be adopted any more, so that goes only when the rest has gone.
        if set(os.listdir(self.fd)) - {LOCK, PROBE}:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        for name in (PROBE, LOCK):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.fd)
        with suppress(FileNotFoundError):
            os.rmdir(self.name, dir_fd=parent)
        os.fsync(parent)
        self.release()

    def release(self) -> None:
        """Let go of the folder; what waits in it is another process's from now on."""
        os.close(self.lock)
        os.close(self.fd)


def _locked(fd: int) -> int:
    """The open lock file, locked. Raises BlockingIOError where another holds it, FileNotFoundError once it is gone."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink == 0:
            raise FileNotFoundError
    except BaseException:
        os.close(fd)
        raise
    return fd


def _clear_away(parent: int, name: str) -> None:
    """Remove a folder without a lock: its process died while it made or removed it.

    One that is just being made may go with it; its process then tries another name. Raises OSError where it holds
    something: who removed the lock of a live process must not make another one take its files.
    """
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        try:
            os.stat(f"{name}/{LOCK}", dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            why = f"its lock file is gone; when no process uses it, make an empty file named {LOCK} in it"
            raise OSError(errno.ENOENT, why) from error


def damaged_files(parent: int) -> list[str]:
    """The damaged files that are kept, the one first that was begun first."""
    return sorted(name for name in os.listdir(parent) if name.endswith(_DAMAGED))
