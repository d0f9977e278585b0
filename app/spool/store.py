"""All that the spool does on disk, for one thread at a time: the one that `Spool` keeps for it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from app.spool import folder as folders
from app.spool import segment
from app.spool.condition import Condition, SpoolState
from app.spool.errors import SpoolUnavailable
from app.spool.files import create_file, explain, make_folder, opened, read_file, write_all
from app.spool.folder import Folder, Segment
from app.spool.writer import FolderGone, Writer

log = structlog.get_logger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE_BYTES = 4096


class Store:
    """The folder of this process and those it adopted. `state`, `empty` and `refusal` may be read from any thread."""

    def __init__(self, root: Path, *, cap_bytes: int, segment_bytes: int) -> None:
        self._root = root
        self._cap = cap_bytes
        self._segment_bytes = segment_bytes
        self._own: Folder | None = None
        self._writer: Writer | None = None
        self._adopted: list[Folder] = []
        self._loaded: tuple[Segment, bytes] | None = None
        self._damaged = 0
        self._condition = Condition(root, cap_bytes)
        self.state = SpoolState()
        self.empty = False
        """Not known to be, until the first look."""

    @property
    def refusal(self) -> str | None:
        """Why an append would fail without being tried; None when it would be tried."""
        return self._condition.refusal

    def append(self, records: Sequence[bytes]) -> None:
        """Keep the records; they are durable when this returns. Raises SpoolUnavailable."""
        needed = segment.HEADER_SIZE + sum(map(len, records)) + segment.RECORD_OVERHEAD * len(records)
        size = self._bytes()
        if size + needed > self._cap:
            raise self._failed(self._condition.full(size))
        try:
            try:
                self._write(records)
            except FolderGone:
                if self._own is not None:
                    self._forget(self._own)
                self._write(records)
        except FolderGone:
            raise self._failed(f"Files vanish from the spool in {self._root}; see who removes them.") from None
        except OSError as error:
            raise self._failed(self._condition.words("written", error)) from error
        self._condition.succeeded()
        with suppress(OSError):
            self._condition.check_disk()
        self._publish()

    def _write(self, records: Sequence[bytes]) -> None:
        writer = self._writer or self._open_own()
        writer.write(records, time.time_ns() // 1000)

    def _open_own(self) -> Writer:
        make_folder(self._root)
        with opened(self._root) as parent:
            self._own = Folder.create(parent)
        self._writer = Writer(self._own, self._segment_bytes)
        return self._writer

    def _failed(self, words: str) -> SpoolUnavailable:
        self._condition.failed(words)
        self._publish()
        return SpoolUnavailable(words)

    def _forget(self, folder: Folder) -> None:
        """Go on without a folder that somebody removed."""
        waiting = sum(one.records for one in folder.segments)
        log.error("spool folder was removed while in use", folder=folder.name, records_lost=waiting)
        self._damaged += waiting
        if folder is self._own and self._writer is not None:
            self._writer.seal()
            self._own = self._writer = None
        else:
            self._adopted.remove(folder)
        folder.release()

    def seal(self) -> list[tuple[Folder, Segment]]:
        """End the active segment. Return all that waits, in order: first what dead processes left, then our own."""
        if self._writer is not None:
            self._writer.seal()
        self.look()
        return [(folder, one) for folder in self._held() for one in folder.segments]

    def read(self, one: Segment, folder: Folder, limit: int, position: int | None = None) -> segment.Chunk | None:
        """The next records of a segment, at most `limit`; None when it is done. Raises SpoolUnavailable.

        position: from where on, other than behind what was taken.
        """
        try:
            if self._loaded is None or self._loaded[0] is not one:
                self._loaded = one, read_file(one.name, within=folder.fd, size=one.size)
        except FileNotFoundError:
            log.error("spool file was removed before it was replayed", file=one.name, records_lost=one.records)
            self._damaged += one.records
            one.records = 0
            return None
        except OSError as error:
            raise SpoolUnavailable(self._condition.words("read", error)) from error
        data = self._loaded[1]
        begin = one.position if position is None else position
        return None if begin >= len(data) else segment.read(data, begin, limit, key=one.key)

    def taken(self, one: Segment, folder: Folder, chunk: segment.Chunk) -> None:
        """Note that the records of `chunk` were taken."""
        assert self._loaded is not None  # noqa: S101
        if chunk.damaged:
            self._damaged += chunk.damaged
            if not one.damaged:
                log.error("spool file is damaged, the rest of it is replayed", folder=folder.name, file=one.name)
            one.damaged = True
        if chunk.torn:
            log.warning("spool file ends in a torn write", folder=folder.name, file=one.name, bytes=chunk.torn)
        one.position = chunk.position
        one.records = max(0, one.records - len(chunk.records))
        following = segment.time_at(self._loaded[1], chunk.position)
        one.oldest = one.oldest if following is None else following
        self._publish()

    def drop(self, one: Segment, folder: Folder) -> None:
        """Remove a segment that is done, and its folder if it was the last of a dead process.

        Raises SpoolUnavailable; the segment is then still there, and done.
        """
        try:
            with opened(self._root) as parent:
                folder.drop(one, parent)
                self._condition.kept_damaged = len(folders.damaged_files(parent))
                if folder is not self._own and not folder.segments and not folder.left_alone:
                    self._adopted.remove(folder)
                    folder.remove(parent)
        except OSError as error:
            raise SpoolUnavailable(self._condition.words("cleared", error)) from error
        finally:
            self._publish()
        self._loaded = None
        self._condition.room_was_made()

    def look(self) -> None:
        """Adopt what dead processes left, and see how the disk is. Makes nothing where there is no spool yet."""
        condition = self._condition
        condition.closed_door = None
        for folder in self._held():
            if folder.gone:
                self._forget(folder)
        try:
            with opened(self._root) as parent:
                self._adopt(parent)
                condition.kept_damaged = len(folders.damaged_files(parent))
            condition.check_disk()
        except FileNotFoundError:
            condition.kept_damaged = 0
        except OSError as error:
            condition.closed_door = condition.words("read", error)
        if condition.failure is not None and condition.refusal is None:
            self._probe()
        self._publish()

    def _adopt(self, parent: int) -> None:
        held = {folder.name for folder in self._held()}
        unreadable: dict[str, str] = {}
        for name in sorted(os.listdir(parent)):
            if name in held or not folders.NAME.fullmatch(name):
                continue
            try:
                folder = Folder.adopt(parent, name)
            except OSError as error:
                unreadable[name] = explain(error)
                continue
            if folder is None:
                continue
            if not folder.segments and not folder.left_alone:
                folder.remove(parent)
                continue
            self._adopted.append(folder)
            log.info(
                "spool of an ended process adopted",
                folder=name,
                records=sum(one.records for one in folder.segments),
                left_alone=len(folder.left_alone),
            )
        self._condition.unreadable = unreadable
        self._adopted.sort(key=lambda folder: folder.name)

    def _probe(self) -> None:
        """See whether the disk takes something again, so that the alarm ends without waiting for the next append."""
        if self._bytes() >= self._cap:
            return
        try:
            if self._own is None:
                self._open_own()
            assert self._own is not None  # noqa: S101
            fd = create_file(folders.PROBE, within=self._own.fd)
            try:
                write_all(fd, bytes(_PROBE_BYTES))
                os.fsync(fd)
            finally:
                os.close(fd)
                os.unlink(folders.PROBE, dir_fd=self._own.fd)
        except OSError as error:
            self._condition.failure = self._condition.words("written", error)
        else:
            self._condition.succeeded()

    def close(self) -> None:
        """Let go of all folders. Another process, or the next start, adopts what waits."""
        if self._writer is not None:
            self._writer.seal()
        for folder in self._held():
            try:
                if folder is self._own and not folder.segments:
                    with opened(self._root) as parent:
                        folder.remove(parent)
                else:
                    folder.release()
            except OSError:
                folder.release()
        self._adopted, self._own, self._writer = [], None, None

    def abandon(self) -> None:
        """In a child after a fork: close what it inherited, so that the locks still end with the parent."""
        with suppress(OSError):
            if self._writer is not None:
                self._writer.seal()
        for folder in self._held():
            with suppress(OSError):
                folder.release()

    def _held(self) -> list[Folder]:
        return [*self._adopted, self._own] if self._own else list(self._adopted)

    def _bytes(self) -> int:
        return sum(folder.bytes for folder in self._held())

    def _publish(self) -> None:
        held = self._held()
        waiting = [one for folder in held for one in folder.segments]
        heads = [folder.segments[0].oldest for folder in held if folder.segments]
        size = sum(one.size for one in waiting)
        self._condition.left_alone = sum(len(folder.left_alone) for folder in held)
        self.state = SpoolState(
            bytes=size,
            records=sum(one.records for one in waiting),
            oldest_at=_EPOCH + timedelta(microseconds=min(heads)) if heads else None,
            alarm=self._condition.alarm(size),
            damaged=self._damaged,
        )
        self.empty = not waiting
