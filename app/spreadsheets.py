"""Values as the cells of a CSV file (RFC 4180) that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be computed by a spreadsheet (OWASP, "CSV Injection")."""
MARK = "\ufeff".encode()
"""At the start of a file: without it Excel takes UTF-8 for another character set."""


def cell(value: Any) -> str:
    """A value as a cell that no spreadsheet computes: an apostrophe stands before what looks like a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as they stand in the file."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode()
