"""Appending to the active segment of a folder, so that what was said to be durable is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from app.spool import segment
from app.spool.files import create_file, write_all
from app.spool.folder import Folder, Segment


class FolderGone(Exception):
    """Somebody removed the folder, or the file in it, while we wrote."""


class Writer:
    """Writes one folder's segments, one after the other. A segment is in `folder.segments` once it holds something."""

    def __init__(self, folder: Folder, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._active: Segment | None = None
        self._fd = -1
        self._number = 0
        self._sequence = 0

    def write(self, records: Sequence[bytes], at: int) -> None:
        """Append the records; they are durable when this returns. `at` is their time in microseconds.

        Raises OSError where they could not be written or synced, FolderGone where the folder is not there any more.
        """
        try:
            self._append(records, at)
        except OSError:
            # The kernel tells of a failed sync once and forgets the pages: a second sync of the same file would
            # succeed without them. So a file is given up after any failure, and the records go into a new one.
            self._append(records, at)

    def seal(self) -> None:
        """End the active segment; the next record begins a new one."""
        if self._active is not None:
            self._active = None
            os.close(self._fd)

    def _append(self, records: Sequence[bytes], at: int) -> None:
        one, header = (self._active, b"") if self._active else self._begin(at)
        try:
            data = header + segment.encode(records, key=one.key, at=at)
            write_all(self._fd, data)
            os.fsync(self._fd)
            if header:
                os.fsync(self._folder.fd)
            if os.fstat(self._fd).st_nlink == 0:
                raise FolderGone
        except BaseException:
            self._give_up(one)
            raise
        one.size += len(data)
        one.records += len(records)
        self._sequence += len(records)
        if header:
            self._folder.segments.append(one)
        if one.size >= self._segment_bytes:
            self.seal()

    def _begin(self, at: int) -> tuple[Segment, bytes]:
        """Make the next file. Return it with its header, which is written together with the first records."""
        key = os.urandom(8)
        name = segment.file_name(self._number + 1, key)
        try:
            self._fd = create_file(name, within=self._folder.fd)
        except FileNotFoundError as error:
            raise FolderGone from error
        self._number += 1
        self._active = Segment(name, key, size=0, records=0, oldest=at)
        return self._active, segment.encode_header(segment.Header(key, at, self._sequence))

    def _give_up(self, one: Segment) -> None:
        """Write no more to the active segment; cut it back to what is durable, where that is still possible."""
        self._active = None
        with suppress(OSError):
            if one.size:
                os.ftruncate(self._fd, one.size)
            else:
                os.unlink(one.name, dir_fd=self._folder.fd)
        with suppress(OSError):
            os.close(self._fd)
