"""The file that a person's data is given out in: a zip with one JSON, a CSV for each table, and the files themselves.

Works on temporary files, so that the size of what is exported is not the size of the memory. Blocking: call it in a
thread.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

from app.spreadsheets import cell

IN_MEMORY = 1_000_000
"""Bytes of one table that are kept in memory; larger ones go to the disk."""
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_ENDING = re.compile(r"[A-Za-z0-9]{1,10}")
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


class Archive:
    """Built table by table, page by page; `finish` gives the zip, open and at its beginning. `close` drops it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=8 * IN_MEMORY)  # noqa: SIM115
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._tables: dict[tuple[str, str], _Table] = {}

    def add_rows(self, part: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to a table of the portal or a module; a table without rows is named all the same."""
        key = (safe_name(part), safe_name(table))
        if key not in self._tables:
            self._tables[key] = _Table()
        self._tables[key].add(rows)

    def open_file(self, name: str) -> IO[bytes]:
        """A file to be written piece by piece, and closed before anything else is added."""
        return self._zip.open(name, "w", force_zip64=True)

    def finish(self, readme: str) -> IO[bytes]:
        """Put everything together."""
        with self._zip.open("data.json", "w", force_zip64=True) as out:
            _write_json(out, self._tables)
        for (part, name), table in self._tables.items():
            with self._zip.open(f"{part}/{name}.csv", "w", force_zip64=True) as out:
                table.write_csv(out)
        self._zip.writestr("README.txt", readme.replace("\n", "\r\n"))
        self._zip.close()
        for table in self._tables.values():
            table.close()
        self._file.seek(0)
        return self._file

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table, 'portal/messages'."""
        return {f"{part}/{name}": table.rows for (part, name), table in self._tables.items()}

    def close(self) -> None:
        """Let the temporary files go."""
        for table in self._tables.values():
            table.close()
        if self._zip.fp is not None:
            self._zip.close()
        self._file.close()


class _Table:
    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[str, None] = {}
        self._lines: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            self._columns.update(dict.fromkeys(map(str, row)))
            line = {str(name): plain(value) for name, value in row.items()}
            # Escaped, so that also what is no text (a lone surrogate) can be written down.
            self._lines.write(json.dumps(line).encode("ascii") + b"\n")
            self.rows += 1

    def lines(self) -> Iterable[bytes]:
        self._lines.seek(0)
        return iter(self._lines)

    def write_csv(self, out: IO[bytes]) -> None:
        # With a mark at its beginning, because spreadsheets take a file without one for something else than UTF-8.
        text = io.TextIOWrapper(out, "utf-8-sig", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(map(cell, self._columns))
        for line in self.lines():
            row = json.loads(line)
            writer.writerow(cell(row.get(name)) for name in self._columns)
        text.flush()
        text.detach()

    def close(self) -> None:
        self._lines.close()


def _write_json(out: IO[bytes], tables: Mapping[tuple[str, str], _Table]) -> None:
    """{"portal": {"messages": [...]}}, in the order in which the tables came, a row a line."""
    of_part: dict[str, list[tuple[str, _Table]]] = {}
    for (part, name), table in tables.items():
        of_part.setdefault(part, []).append((name, table))
    out.write(b"{")
    for number, (part, named) in enumerate(of_part.items()):
        out.write((b"," if number else b"") + b"\n" + json.dumps(part).encode() + b": {")
        for place, (name, table) in enumerate(named):
            out.write((b"," if place else b"") + b"\n" + json.dumps(name).encode() + b": [")
            for row, line in enumerate(table.lines()):
                out.write((b",\n" if row else b"\n") + line.rstrip(b"\n"))
            out.write(b"]")
        out.write(b"}")
    out.write(b"}\n")


def plain(value: Any) -> Any:
    """A value as JSON writes it; times in UTC by ISO 8601."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | int | float | bool | list | dict) else str(value)


def safe_name(name: str) -> str:
    """A name that every system takes for a file: no folders, no devices, not too long, its ending kept."""
    name = _NAME.sub("-", name)
    stem, _, ending = name.rpartition(".")
    if not stem or not _ENDING.fullmatch(ending):
        stem, ending = name, ""
    stem = stem.strip(".-")[:80] or "file"
    found = f"{stem}.{ending}" if ending else stem
    return f"_{found}" if _DEVICE.fullmatch(found) else found


def copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Everything from one file into another."""
    shutil.copyfileobj(source, target, 1 << 18)
