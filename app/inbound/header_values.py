"""Values of headers from outside, decoded without ever raising and without the library's slow header parser. Pure."""

from __future__ import annotations

import email.header
import re
from collections.abc import Iterator
from email.message import Message

from app.email.addresses import Address, make_address
from app.email.errors import EmailRefused
from app.inbound.charsets import decode_text

MAX_VALUE = 20_000
"""Characters of one header that are looked at."""
MAX_ADDRESSES = 100
"""Addresses of one header that are looked at."""

_ID = re.compile(r"<[!-;=?-~]{1,400}@[!-;=?-~]{1,400}>")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def raw(message: Message, name: str) -> str:
    """The first header of this name as it stands, unfolded; '' where there is none."""
    return next(all_raw(message, name), "")


def all_raw(message: Message, name: str) -> Iterator[str]:
    """All headers of this name as they stand, unfolded; bytes that are no ASCII as UTF-8, or else Latin-1."""
    for value in message.get_all(name) or []:
        text = _eight_bit(str(value) if not isinstance(value, email.header.Header) else _of_header(value))
        yield re.sub(r"[\r\n]+[ \t]*", " ", text[:MAX_VALUE]).strip()


def decoded(message: Message, name: str) -> str:
    """The first header of this name as people read it: encoded words decoded, on one line, without controls."""
    return decode(raw(message, name))


def decode(value: str) -> str:
    """Encoded words (RFC 2047) decoded; what cannot be decoded stays as it is. Never holds a line break or control."""
    text = value
    if "=?" in value:
        try:
            text = "".join(
                _part(part, charset) if isinstance(part, bytes) else part
                for part, charset in email.header.decode_header(value)
            )
        except (ValueError, AssertionError):
            # ValueError: base64 that is none.
            text = value
    return " ".join(_CONTROLS.sub(" ", text).split())


def _part(part: bytes, charset: str | None) -> str:
    return decode_text(part, charset) if charset else part.decode("ascii", "replace")


def ids(message: Message, name: str) -> tuple[str, ...]:
    """The Message-IDs in all headers of this name, in order, each once."""
    found = (match for value in all_raw(message, name) for match in _ID.findall(value))
    return tuple(dict.fromkeys(found))[:100]


def addresses(message: Message, name: str) -> tuple[tuple[Address, ...], bool]:
    """The addresses in all headers of this name, and whether every one could be read.

    Cut at commas outside quotes, brackets and comments; what is not exactly one address each is left out, never
    repaired: the library's own parser answers alice for '<alice@a>mallory@b' (CVE-2023-27043).
    """
    found: list[Address] = []
    sound = True
    for value in all_raw(message, name):
        for part in _split(value):
            address = one_address(part)
            if address is None:
                sound = False
            else:
                found.append(address)
            if len(found) >= MAX_ADDRESSES:
                return tuple(found), sound
    return tuple(found), sound


_SINGLE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<>"]*))\s*<\s*([^<>\s]+)\s*>\s*')


def one_address(text: str) -> Address | None:
    """The address that a text is, with its name decoded; None for anything else."""
    text = _without_comments(text).strip()
    found = _SINGLE.fullmatch(text)
    if found is None:
        name, bare = "", text
    else:
        name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
        bare = found[3]
    try:
        return make_address(decode(name)[:200], bare)
    except EmailRefused:
        try:
            return make_address("", bare)
        except EmailRefused:
            return None


def _without_comments(text: str) -> str:
    """Without what stands in parentheses outside quotes (RFC 5322, 3.2.2)."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            continue
        elif char == ")" and not quoted and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(char)
    return "".join(kept)


def _split(text: str) -> Iterator[str]:
    start, depth = 0, 0
    quoted = bracketed = escaped = False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"' and not bracketed:
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char in "<>" and not depth:
            bracketed = char == "<"
        elif char == "," and not bracketed and not depth:
            if text[start:position].strip():
                yield text[start:position]
            start = position + 1
    if text[start:].strip():
        yield text[start:]


def _of_header(value: email.header.Header) -> str:
    # What a header with 8-bit bytes becomes in the library: its chunks hold them as surrogates.
    return "".join(text for text, _ in getattr(value, "_chunks", []))


def _eight_bit(text: str) -> str:
    if text.isascii():
        return text
    if not all(char < "\x80" or "\udc80" <= char <= "\udcff" for char in text):
        return text.encode("utf-8", "replace").decode()
    data = text.encode("ascii", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
