"""A CSV file of addresses as it is read: character set and separator found out, columns by their heads. Pure."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.services.email import AddressRefused, parse_address

MAX_BYTES = 10_000_000
MAX_LINES = 100_000
MAX_CELL = 2_000
"""Characters of one cell that are looked at."""
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
EMAIL_HEADS = frozenset({"email", "e-mail", "mail", "email address", "e-mail address", "e-mail-adresse"})
NAME_HEADS = frozenset({"name", "full name", "contact", "display name"})
FIRST_HEADS = frozenset({"first name", "firstname", "given name", "vorname"})
LAST_HEADS = frozenset({"last name", "lastname", "surname", "family name", "nachname"})
_MARKS = "'=+-@\t\r "
"""What a name does not begin with: a spreadsheet would compute it, and ours puts an apostrophe before it."""


class UnreadableFile(ValueError):
    """The file cannot be taken; the message says why and what to do."""


@dataclass(frozen=True)
class FileLine:
    """One line with something in it. email: '' where the address does not hold; words then say why."""

    number: int
    """As an editor counts them; the head, where there is one, is 1."""
    email: str
    name: str
    words: str = ""


@dataclass(frozen=True)
class CsvFile:
    """A file that was read."""

    encoding: str
    delimiter: str
    lines: tuple[FileLine, ...]


def read(content: bytes) -> CsvFile:
    """Read a file. Raises UnreadableFile for one that is too large, no text, or has no column with addresses."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file has more than {MAX_BYTES // 1_000_000} MB, and no more is read; split it.")
    text, encoding = _decoded(content)
    if not text.strip():
        raise UnreadableFile("The file is empty; choose one with an address in each line.")
    if "\x00" in text:
        raise UnreadableFile(
            "The file is no text: it holds NUL characters. Save it as CSV in your spreadsheet program."
        )
    delimiter = _delimiter(text)
    rows = list(_rows(text, delimiter))
    columns, first = _columns(rows)
    lines = tuple(_line(number, row, columns) for number, row in rows[first:])
    if not lines:
        raise UnreadableFile("The file has a head and no line below it; choose one with an address in each line.")
    return CsvFile(ENCODINGS[encoding], delimiter, lines)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        names: Sequence[str] = ("utf-16",)
    else:
        names = ("utf-8-sig", "cp1252")
    for name in names:
        try:
            return content.decode(name), name
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("The file's characters cannot be read; save it as CSV in UTF-8.")


def _delimiter(text: str) -> str:
    """The separator that parts the first lines alike; a comma where none does, as in a file of one column."""
    sample = [line for line in text.splitlines()[:50] if line.strip()]
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        counts = [len(row) for row in csv.reader(sample, delimiter=delimiter)]
        wide = [count for count in counts if count > 1]
        if not wide:
            continue
        usual = max(set(wide), key=wide.count)
        score = wide.count(usual) / len(counts)
        if score > most:
            best, most = delimiter, score
    return best


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    count = 0
    try:
        start = 1
        for row in reader:
            number, start = start, reader.line_num + 1
            if any(cell.strip() for cell in row):
                count += 1
                if count > MAX_LINES + 1:
                    raise UnreadableFile(f"The file has more than {MAX_LINES:,} lines; split it.")
                yield number, [cell[:MAX_CELL] for cell in row]
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} cannot be read ({error}); check its quotes.") from None


@dataclass(frozen=True)
class _Columns:
    email: int
    names: tuple[int, ...]


def _columns(rows: Sequence[tuple[int, list[str]]]) -> tuple[_Columns, int]:
    """Which columns hold what, and the place of the first line below the head."""
    head = [_head(cell) for cell in rows[0][1]]
    email = next((place for place, cell in enumerate(head) if cell in EMAIL_HEADS), None)
    if email is not None:
        whole = [place for place, cell in enumerate(head) if cell in NAME_HEADS]
        parts = [place for heads in (FIRST_HEADS, LAST_HEADS) for place, cell in enumerate(head) if cell in heads]
        return _Columns(email, tuple(whole[:1] or parts)), 1
    # Without a head: the column with most addresses; the one beside it may be the name.
    width = max(len(row) for _, row in rows[:100])
    found = [sum("@" in row[place] for _, row in rows[:100] if place < len(row)) for place in range(width)]
    if not found or not max(found):
        raise UnreadableFile(
            "No column has addresses in it. Put the word email over the one that should, and save it as CSV."
        )
    email = found.index(max(found))
    first = 0 if email < len(rows[0][1]) and "@" in rows[0][1][email] else 1
    names = tuple(place for place in range(width) if place != email)[:1]
    return _Columns(email, names), first


def _head(cell: str) -> str:
    return " ".join(cell.replace("_", " ").strip().lower().split())


def _line(number: int, row: list[str], columns: _Columns) -> FileLine:
    typed = row[columns.email].strip() if columns.email < len(row) else ""
    name = _name(" ".join(row[place] for place in columns.names if place < len(row)))
    if not typed:
        return FileLine(number, "", name, "There is no address in this line.")
    try:
        address = parse_address(typed.removeprefix("mailto:"))
    except AddressRefused as error:
        return FileLine(number, "", name or typed[:200], f"{str(error)[:1].upper()}{str(error)[1:]}."[:300])
    return FileLine(number, address.email, name or _name(address.name))


def _name(text: str) -> str:
    """A name without what could be a formula, and without controls."""
    plain = "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in text)
    return re.sub(r"\s+", " ", plain).strip().lstrip(_MARKS)[:200].strip()
