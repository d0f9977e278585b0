"""What stands in a segment file, and how to read one that was damaged. Pure.

A file is a header and then records. All numbers are big-endian, times are microseconds since 1970 in UTC.

    header     magic 8 · version 2 · reserved 2 · key 8 · time 8 · sequence 8 · CRC32 4
    record v2  marker 4 · CRC32 4 · length 4 · time 8 · payload
    record v1  marker 4 · CRC32 4 · length 4 · payload

The header looks the same in every version, newer ones included. `sequence` is the number of records in the segments
before this one, so that a folder's records can be counted without reading them all. A record's CRC covers everything
behind it and starts from the file's random key: a payload that holds the bytes of a record, whoever sent it, is never
taken for one when a damaged place is searched for the next record. The file's name repeats the key, so that it
survives a damaged header.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

VERSION = 2
MAX_RECORD = 1 << 20
"""Bytes of the longest record."""

MAGIC = b"\x89SPOOL\r\n"
NAME = re.compile(r"([0-9]{10})-([0-9a-f]{16})\.spool", re.ASCII)
_HEADER = struct.Struct(">8sHH8sqQI")
HEADER_SIZE = _HEADER.size
_MARKER_1 = b"\xd6SP1"
_MARKER_2 = b"\xd6SP2"
_ANY_MARKER = b"\xd6SP"
_FRAME_1 = struct.Struct(">4sII")
_FRAME_2 = struct.Struct(">4sIIq")
_BODY_2 = struct.Struct(">Iq")
_COVERED = 8
"""Where in a record the bytes begin that its CRC covers."""
RECORD_OVERHEAD = _FRAME_2.size
"""Bytes that a record takes besides its payload."""


@dataclass(frozen=True)
class Header:
    """The first bytes of a file. `created` is in microseconds, `sequence` counts the records before this segment."""

    key: bytes
    created: int
    sequence: int
    version: int = VERSION


@dataclass
class Chunk:
    """Records read one after the other, and what lay between them."""

    position: int
    """Where the next chunk begins."""
    records: list[bytes] = field(default_factory=list)
    damaged: int = 0
    """Places where something stood that could not be read."""
    torn: int = 0
    """Bytes at the end that a crash left of a write; nobody was told that it was durable."""


def file_name(number: int, key: bytes) -> str:
    """The name of a segment: its place in the order, and its key."""
    return f"{number:010d}-{key.hex()}.spool"


def encode_header(header: Header) -> bytes:
    """The HEADER_SIZE bytes with which a file begins."""
    fields = (MAGIC, header.version, 0, header.key, header.created, header.sequence)
    return _HEADER.pack(*fields, crc32(_HEADER.pack(*fields, 0)[:-4]))


def read_header(data: bytes) -> Header | None:
    """The header at the start of `data`, of any version; None where it is damaged or cut off."""
    if len(data) < HEADER_SIZE:
        return None
    magic, version, _, key, created, sequence, check = _HEADER.unpack_from(data)
    if magic != MAGIC or crc32(data[: HEADER_SIZE - 4]) != check:
        return None
    return Header(key, created, sequence, version)


def encode(records: Sequence[bytes], *, key: bytes, at: int) -> bytes:
    """The records as they stand in the file with this key; `at` is their time in microseconds."""
    start = crc32(key)
    parts: list[bytes] = []
    for record in records:
        length = len(record)
        check = crc32(record, crc32(_BODY_2.pack(length, at), start))
        parts.append(_FRAME_2.pack(_MARKER_2, check, length, at))
        parts.append(record)
    return b"".join(parts)


def read(data: bytes, position: int, limit: int, *, key: bytes) -> Chunk:
    """Up to `limit` records of a whole file `data` from `position` on; 0 is the start of the file.

    key: the one in the file's name, for a file whose header is damaged.
    Every record that is given back is one that was written, in the order of writing: a damaged place is left out.
    """
    chunk = Chunk(position)
    header = read_header(data)
    if position == 0:
        chunk.position = HEADER_SIZE
        if header is None and not _is_torn(data, 0):
            chunk.damaged = 1
    start = crc32(header.key if header else key)
    end = len(data)
    view = memoryview(data)
    while chunk.position < end and len(chunk.records) < limit:
        frame = _whole(view, chunk.position, start)
        if frame is not None:
            begin, stop = frame
            chunk.records.append(data[begin:stop])
            chunk.position = stop
            continue
        following = _next_whole(data, view, chunk.position + 1, start)
        if following is None and _is_torn(data, chunk.position):
            chunk.torn = end - chunk.position
        else:
            chunk.damaged += 1
        chunk.position = end if following is None else following
    return chunk


def _whole(view: memoryview, position: int, start: int) -> tuple[int, int] | None:
    """Begin and end of the payload of the record at `position`; None where there is no whole and right record."""
    marker = view[position : position + 4]
    if marker == _MARKER_2:
        frame = _FRAME_2
    elif marker == _MARKER_1:
        frame = _FRAME_1
    else:
        return None
    begin = position + frame.size
    if begin > len(view):
        return None
    fields = frame.unpack_from(view, position)
    stop = begin + fields[2]
    if fields[2] > MAX_RECORD or stop > len(view) or crc32(view[position + _COVERED : stop], start) != fields[1]:
        return None
    return begin, stop


def _next_whole(data: bytes, view: memoryview, position: int, start: int) -> int | None:
    """Where at or after `position` the next whole record stands."""
    position = data.find(_ANY_MARKER, position)
    while position >= 0:
        if _whole(view, position, start) is not None:
            return position
        position = data.find(_ANY_MARKER, position + 1)
    return None


def _is_torn(data: bytes, position: int) -> bool:
    """Whether the end of `data` from `position` on looks like a write that a crash cut short.

    It is then the beginning of something longer, or zeros: a file can grow before its bytes arrive.
    """
    rest = data[position:]
    if not rest.strip(b"\0"):
        return True
    if position == 0:
        return len(rest) < HEADER_SIZE and rest.startswith(MAGIC[: len(rest)])
    for marker, frame in ((_MARKER_1, _FRAME_1), (_MARKER_2, _FRAME_2)):
        if rest[:4] == marker[: len(rest)]:
            return len(rest) < frame.size or len(rest) - frame.size < frame.unpack_from(rest)[2] <= MAX_RECORD
    return False


def time_at(data: bytes, position: int) -> int | None:
    """The time in microseconds of the record at `position`; None where it has none of its own."""
    if data[position : position + 4] != _MARKER_2 or len(data) < position + _FRAME_2.size:
        return None
    at: int = _FRAME_2.unpack_from(data, position)[3]
    return at


def count(data: bytes) -> int:
    """How many records a whole file seems to hold; nothing is checked, a damaged one is counted roughly."""
    position, records = HEADER_SIZE, 0
    while True:
        marker = data[position : position + 4]
        frame = _FRAME_2 if marker == _MARKER_2 else _FRAME_1
        if marker not in (_MARKER_1, _MARKER_2) or position + frame.size > len(data):
            return records + data.count(_MARKER_2, position) + data.count(_MARKER_1, position)
        position += frame.size + frame.unpack_from(data, position)[2]
        records += position <= len(data)
