"""Files and folders as the spool needs them: private, never through a symbolic link, durable where it says so."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 4096


def open_folder(path: str | Path, *, within: int | None = None) -> int:
    """A descriptor of a folder, named relative to the folder `within`. Raises OSError."""
    return os.open(path, _FOLDER_FLAGS, dir_fd=within)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a folder for the length of a block. Raises OSError."""
    fd = open_folder(path)
    try:
        yield fd
    finally:
        os.close(fd)


def make_folder(path: Path) -> None:
    """Make a private folder, and those above it that are missing, for good. Raises OSError."""
    if path.exists() or path.is_symlink():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(FOLDER_MODE)
    # What lies above our folder may be reached by a link: that is how the people of this host have set it up.
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create_file(name: str, *, within: int, flags: int = os.O_WRONLY | os.O_APPEND) -> int:
    """A descriptor of a new private file. Raises OSError, FileExistsError where the name is taken by anything."""
    return os.open(name, flags | os.O_CREAT | os.O_EXCL | _FILE_FLAGS, FILE_MODE, dir_fd=within)


def open_file(name: str, *, within: int, flags: int = os.O_RDONLY) -> int:
    """A descriptor of an existing file. Raises OSError."""
    return os.open(name, flags | _FILE_FLAGS, dir_fd=within)


def write_all(fd: int, data: bytes) -> None:
    """Write all of it; what stands in the file after an OSError is unknown."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_file(name: str, *, within: int, size: int) -> bytes:
    """The first `size` bytes of a file, or fewer where it is shorter.

    Blocks that the disk cannot give back are zeros, so that the rest can be read. Raises OSError.
    """
    fd = open_file(name, within=within)
    try:
        parts: list[bytes] = []
        position = 0
        while position < size:
            part = _read_at(fd, position, size - position)
            if not part:
                break
            parts.append(part)
            position += len(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def _read_at(fd: int, position: int, size: int) -> bytes:
    try:
        return os.pread(fd, size, position)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    size = min(size, _BLOCK - position % _BLOCK, os.fstat(fd).st_size - position)
    try:
        return os.pread(fd, size, position) if size > 0 else b""
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return bytes(size)


def explain(error: OSError) -> str:
    """What failed and what helps, for the people who run the portal."""
    reasons = {
        errno.ENOSPC: "the disk is full; free some space",
        errno.EDQUOT: "the disk quota is used up; free some space or raise it",
        errno.EFBIG: "files may not grow any further; raise the limit on file sizes (ulimit -f)",
        errno.EIO: "the disk reports an error; look at the system log and replace it",
        errno.EROFS: "the file system is read-only; look at the system log, then mount it writable",
        errno.EACCES: "permission denied; give the folder to the user that this process runs as",
        errno.EPERM: "permission denied; give the folder to the user that this process runs as",
        errno.ENOTDIR: "it is not a folder, or a symbolic link; move it away, or name the folder itself",
        errno.ELOOP: "it is a symbolic link; name the folder itself",
        errno.EEXIST: "something else has its name; move it away",
        errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    }
    return reasons.get(error.errno or 0) or (error.strerror or str(error))
