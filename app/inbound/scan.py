"""A cheap look over the raw bytes of a mail, before a parser sees them. Pure.

The standard library's parser is quadratic in long headers and recurses into nested parts. This scan follows headers
and boundaries line by line with a stack of its own, without recursion, and says which cap a mail breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.inbound.errors import Unreadable

MAX_HEADER_BYTES = 65_536
"""Bytes of the headers of the mail, or of one of its parts."""
MAX_HEADERS = 500
"""Headers of the mail, or of one of its parts."""
MAX_ALL_HEADER_BYTES = 524_288
"""Bytes of the headers of all parts together."""
MAX_PARTS = 500
MAX_DEPTH = 20
"""Parts within parts; people forward a forwarded mail a few times."""

_END_OF_HEADERS = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)")
_LINE = re.compile(rb"\r\n|\r|\n")
_DELIMITER = re.compile(rb"(?:\A|(?<=[\r\n]))--([^\r\n]{1,300})")
_FOLD = re.compile(rb"(?:\r\n|\r|\n)[ \t]+")
_TYPE = re.compile(rb"(?:\A|[\r\n])content-type[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_BOUNDARY = re.compile(
    rb"""boundary(?:\*[0-9]*\*?)?[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.){0,300})"|([^\s;"]{1,300}))""", re.IGNORECASE
)


@dataclass(frozen=True)
class Shape:
    """What the scan counted."""

    parts: int
    depth: int
    header_bytes: int


@dataclass
class _Counts:
    parts: int = 0
    depth: int = 0
    header_bytes: int = 0


def check_shape(raw: bytes) -> Shape:
    """Count headers, parts and depth. Raises Unreadable naming the number and the cap that it breaks."""
    counts = _Counts()
    stack: list[bytes | None] = []
    position = _enter(raw, 0, stack, counts)
    while (found := _DELIMITER.search(raw, position)) is not None:
        position = found.end()
        level, closes = _level(found[1], stack)
        if level is None:
            continue
        if closes:
            del stack[level:]
            continue
        del stack[level + 1 :]
        position = _enter(raw, _next_line(raw, found.end()), stack, counts)
    return Shape(counts.parts, counts.depth, counts.header_bytes)


def _level(line: bytes, stack: list[bytes | None]) -> tuple[int | None, bool]:
    """Which open boundary a delimiter line belongs to, the innermost first, and whether it closes it."""
    text = line.rstrip(b" \t")
    for level in range(len(stack) - 1, -1, -1):
        boundary = stack[level]
        if boundary is not None and text in {boundary, boundary + b"--"}:
            return level, text != boundary
    return None, False


def _next_line(raw: bytes, start: int) -> int:
    found = _LINE.search(raw, start)
    return found.end() if found else len(raw)


def _enter(raw: bytes, start: int, stack: list[bytes | None], counts: _Counts) -> int:
    """Go through the headers of a part, and of the mails that it holds; where its body begins."""
    for block, end in _headers(raw, start):
        counts.parts += 1
        counts.header_bytes += len(block)
        if counts.parts > MAX_PARTS:
            raise Unreadable(f"The mail has more than {MAX_PARTS} parts; more are not read.")
        if counts.header_bytes > MAX_ALL_HEADER_BYTES:
            raise Unreadable(f"The headers of all parts have more than {MAX_ALL_HEADER_BYTES:,} bytes.")
        kind = b""
        if (typed := _TYPE.search(unfolded := _FOLD.sub(b" ", block))) is not None:
            kind = typed[1].lower()
        if kind.startswith(b"multipart/"):
            found = _BOUNDARY.search(typed[1] if typed else b"")
            stack.append((found[1] or found[2] or b"").rstrip() if found else None)
        elif kind.startswith((b"message/rfc822", b"message/news", b"message/global")):
            stack.append(None)
        del unfolded
        counts.depth = max(counts.depth, len(stack))
        if counts.depth > MAX_DEPTH:
            raise Unreadable(f"The mail has parts within parts, more than {MAX_DEPTH} deep; deeper ones are not read.")
        if not kind.startswith(b"message/"):
            return end
        start = end
    return start


def _headers(raw: bytes, start: int) -> Iterator[tuple[bytes, int]]:
    """The header blocks that follow each other from `start`, each with the place where its body begins."""
    while True:
        found = _LINE.match(raw, start) or _END_OF_HEADERS.search(raw, start, start + MAX_HEADER_BYTES + 4)
        end = found.start() if found else min(len(raw), start + MAX_HEADER_BYTES + 1)
        block = raw[start:end]
        if found is None and len(block) > MAX_HEADER_BYTES:
            # Without an empty line what comes is a body to the parser as soon as a line is no header.
            block = _header_lines(block)
            if len(block) > MAX_HEADER_BYTES // 2:
                raise Unreadable(f"The headers have more than {MAX_HEADER_BYTES:,} bytes; longer ones are not read.")
        many = len(_LINE.findall(block)) + 1
        if many > MAX_HEADERS * 4 or len(_FOLD.sub(b" ", block).splitlines()) > MAX_HEADERS:
            raise Unreadable(f"The mail has more than {MAX_HEADERS} headers in one part; more are not read.")
        end = found.end() if found else end
        yield block, end
        start = end


def _header_lines(block: bytes) -> bytes:
    """The lines at the beginning of a block that are headers or go on with one."""
    kept: list[bytes] = []
    for line in block.splitlines(keepends=True):
        if not (line[:1] in {b" ", b"\t"} or re.match(rb"[!-9;-~]{1,100}[ \t]*:", line)):
            break
        kept.append(line)
    return b"".join(kept)
