"""Files that people attach: limits, names and what they really are. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from app.tickets.errors import TicketRefused

MB = 1024 * 1024
MAX_FILE = 10 * MB
"""Bytes of one file."""
MAX_FILES_TOGETHER = 25 * MB
"""Bytes of all files of one message."""
MAX_FILES = 20
MAX_NAME = 150

_RASTER = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
RASTER_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,48}/[a-z0-9][a-z0-9.+-]{0,48}")
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Upload:
    """A file as a browser or mail program sent it."""

    filename: str
    content_type: str
    content: bytes


def check_files(sizes: Sequence[tuple[str, int]]) -> None:
    """Raise TicketRefused where the files of one message, given as (name, bytes), are too many or too large."""
    if len(sizes) > MAX_FILES:
        raise TicketRefused(
            {"files": f"{len(sizes)} files are attached, at most {MAX_FILES} fit; put them into an archive."}
        )
    for name, size in sizes:
        if size > MAX_FILE:
            raise TicketRefused(
                {"files": f"{name} has {in_mb(size)}, a file may have {in_mb(MAX_FILE)}; send a link to it."}
            )
    together = sum(size for _, size in sizes)
    if together > MAX_FILES_TOGETHER:
        raise TicketRefused(
            {
                "files": f"Together the files have {in_mb(together)}, a message may have {in_mb(MAX_FILES_TOGETHER)}; "
                "remove some, or send a link to them."
            }
        )


def clean_filename(name: str) -> str:
    """A name to show and to offer for saving: no folders, controls or direction marks, its ending kept.

    Direction marks would let "exe.fdp" be drawn as "pdf.exe".
    """
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(
        char for char in base if unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} and char not in _BIDI
    )
    kept = " ".join(kept.split()).strip(". ")
    if len(kept) > MAX_NAME:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: MAX_NAME - 1 - len(ending)]}.{ending}" if dot and len(ending) <= 10 else kept[:MAX_NAME]
    return kept or "file"


def disposition(filename: str) -> str:
    """The Content-Disposition of a download (RFC 6266): the name in ASCII, and in full where that loses something."""
    plain = re.sub(r"[^ -!#-\[\]-~]", "_", filename)
    full = f"; filename*=UTF-8''{quote(filename, safe='')}" if plain != filename else ""
    return f'attachment; filename="{plain}"{full}'


def clean_content_type(content_type: str) -> str:
    """The media type without parameters, or application/octet-stream where it is none."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare if _CONTENT_TYPE.fullmatch(bare) else "application/octet-stream"


def raster_type(content: bytes) -> str | None:
    """The media type of a PNG, JPEG, GIF or WebP image by its first bytes; None for anything else, such as SVG."""
    for magic, content_type in _RASTER:
        if content.startswith(magic):
            return content_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def in_mb(count: int) -> str:
    """A size in megabytes, rounded up: a file just over the limit must not read like the limit."""
    return f"{math.ceil(count * 10 / MB) / 10:g} MB"
