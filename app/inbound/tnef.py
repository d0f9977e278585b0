"""What Outlook packs into winmail.dat: a body and files in the Transport Neutral Encapsulation Format. Pure.

Source: [MS-OXTNEF] 2.1 (the stream), [MS-OXCDATA] 2.11.1 (types of properties), [MS-OXRTFCP] (compressed RTF). The
library for it had its last release in 2021, and what comes here was made by strangers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = 0x223E9F78
MAX_ATTRIBUTES = 10_000
MAX_VALUES = 10_000
"""Properties of one list, and values of one property, that are read."""
MAX_RTF = 5_000_000
"""Bytes that a body in RTF may have once it is unpacked."""

_BODY, _CODEPAGE, _PROPERTIES = 0x0002800C, 0x00069007, 0x00069003
_NEXT_FILE, _FILE_NAME, _FILE_DATA, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_TEXT, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_LONG_NAME, _SHORT_NAME, _MIME, _CONTENT_ID, _DATA = 0x3707, 0x3704, 0x370E, 0x3712, 0x3701
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a value by its type, filled up to four."""
_FIRST_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
    rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


class NotTnef(ValueError):
    """The bytes are not what they should be; the message says where."""


@dataclass
class PackedFile:
    """A file in it. is_message: an Outlook item, in a form that other programs do not open."""

    name: str = ""
    kind: str = ""
    content_id: str = ""
    content: bytes = b""
    is_message: bool = False


@dataclass
class Unpacked:
    """What was in it; rtf is a whole RTF document."""

    text: str = ""
    html: str = ""
    rtf: bytes = b""
    files: list[PackedFile] = field(default_factory=list)


def unpack(data: bytes) -> Unpacked:
    """Read a winmail.dat. Raises NotTnef where it is cut short or is something else; nothing is read twice, and nothing
    is larger than what came, but for RTF up to MAX_RTF.
    """
    found = Unpacked()
    charset = "cp1252"
    for kind, content in _attributes(data):
        if kind == _CODEPAGE and len(content) >= 4:
            charset = _charset(struct.unpack_from("<I", content)[0])
        elif kind == _BODY:
            found.text = found.text or _decoded(content, charset)
        elif kind == _PROPERTIES:
            _take_body(found, content, charset)
        elif kind == _NEXT_FILE:
            found.files.append(PackedFile())
        elif found.files and kind == _FILE_NAME:
            found.files[-1].name = found.files[-1].name or _decoded(content, charset)
        elif found.files and kind == _FILE_DATA:
            found.files[-1].content = content
        elif found.files and kind == _FILE_PROPERTIES:
            _take_file(found.files[-1], content, charset)
    return found


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        raise NotTnef("it does not begin as a winmail.dat does")
    position = 6
    for _ in range(MAX_ATTRIBUTES):
        if position == len(data):
            return
        if position + 9 > len(data):
            raise NotTnef(f"it ends within an attribute, at byte {position:,}")
        kind, size = struct.unpack_from("<II", data, position + 1)
        position += 9
        if position + size + 2 > len(data):
            raise NotTnef(f"an attribute of {size:,} bytes does not fit into it")
        yield kind, data[position : position + size]
        position += size + 2
    raise NotTnef(f"it has more than {MAX_ATTRIBUTES:,} attributes")


def _take_body(found: Unpacked, data: bytes, charset: str) -> None:
    for number, kind, value in _properties(data):
        if number == _TEXT:
            found.text = _words(kind, value, charset) or found.text
        elif number == _HTML:
            found.html = _words(kind, value, charset)
        elif number == _RTF and kind == _BINARY:
            found.rtf = unpack_rtf(value)


def _take_file(file: PackedFile, data: bytes, charset: str) -> None:
    for number, kind, value in _properties(data):
        if number == _LONG_NAME:
            file.name = _words(kind, value, charset) or file.name
        elif number == _SHORT_NAME:
            file.name = file.name or _words(kind, value, charset)
        elif number == _MIME:
            file.kind = _words(kind, value, charset)
        elif number == _CONTENT_ID:
            file.content_id = _words(kind, value, charset)
        elif number == _DATA:
            # An object's data begins with the id of its interface.
            file.is_message = kind == _OBJECT
            file.content = value[16:] if kind == _OBJECT else value


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each property's number, type and first value."""
    reader = _Reader(data)
    for _ in range(min(reader.number(), MAX_VALUES)):
        kind, number = struct.unpack("<HH", reader.take(4))
        if number >= 0x8000:
            _skip_name(reader)
        is_many, kind = bool(kind & 0x1000), kind & 0x0FFF
        if kind in {_STRING8, _UNICODE, _BINARY, _OBJECT}:
            values = [reader.padded(reader.number()) for _ in range(min(reader.number(), MAX_VALUES))]
        elif kind in _SIZES:
            values = [reader.take(_SIZES[kind]) for _ in range(min(reader.number(), MAX_VALUES) if is_many else 1)]
        else:
            raise NotTnef(f"a property has the unknown type {kind:#06x}")
        yield number, kind, values[0] if values else b""


def _skip_name(reader: _Reader) -> None:
    reader.take(16)
    if reader.number() == 0:
        reader.take(4)
    else:
        reader.padded(reader.number())


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        found = self._data[self._at : self._at + size]
        if len(found) < size:
            raise NotTnef("a list of properties is cut short")
        self._at += size
        return found

    def number(self) -> int:
        """The next four bytes, as a number."""
        return int(struct.unpack("<I", self.take(4))[0])

    def padded(self, size: int) -> bytes:
        """The next bytes, and what fills them up to four."""
        found = self.take(size)
        self.take(-size % 4)
        return found


def _words(kind: int, value: bytes, charset: str) -> str:
    return _decoded(value, "utf-16-le" if kind == _UNICODE else charset)


def _decoded(value: bytes, charset: str) -> str:
    return value.decode(charset, "replace").rstrip("\x00").replace("\x00", "")


def _charset(codepage: int) -> str:
    name = {65001: "utf-8", 28591: "iso-8859-1", 20866: "koi8-r"}.get(codepage, f"cp{codepage}")
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


def unpack_rtf(data: bytes) -> bytes:
    """A compressed RTF document ([MS-OXRTFCP] 3.1), cut at MAX_RTF bytes. Raises NotTnef."""
    if len(data) < 16:
        raise NotTnef("a body in RTF is cut short")
    size, kind = struct.unpack_from("<I4s", data, 4)
    size = min(size, MAX_RTF)
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu":
        raise NotTnef("a body in RTF is packed in an unknown way")
    window = bytearray(_FIRST_WORDS.ljust(4096, b"\x00"))
    at = len(_FIRST_WORDS)
    found = bytearray()
    position = 16
    while len(found) < size and position < len(data):
        flags = data[position]
        position += 1
        for bit in range(8):
            if flags >> bit & 1:
                if position + 2 > len(data):
                    return bytes(found)
                token = data[position] << 8 | data[position + 1]
                position += 2
                start, length = token >> 4, (token & 0x0F) + 2
                if start == at:
                    return bytes(found[:size])
            elif position < len(data):
                start, length = at, 1
                window[at] = data[position]
                position += 1
            else:
                break
            for step in range(length):
                byte = window[(start + step) % 4096]
                found.append(byte)
                window[at] = byte
                at = (at + 1) % 4096
    return bytes(found[:size])
