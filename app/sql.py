"""Small helps for writing SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pymysql.converters import escape_string

T = TypeVar("T")


def in_list(name: str, values: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """The list of an `IN` with its named parameters, because the driver takes no sequence as one parameter.

    name: what the parameters are called, `name_0`, `name_1`, ... Raises ValueError for no values: `IN ()` is no SQL.
    """
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    if not parameters:
        raise ValueError(f"IN needs at least one value; leave the query out where {name} is empty")
    return f"({', '.join(f'%({key})s' for key in parameters)})", parameters


def in_parts(ids: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Ids, or other values, in pieces that fit into a statement."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def located(column: str, patterns: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The condition that a text column holds all patterns, and its parameters; true where there are none.

    patterns: plain text, nothing in it is a wildcard. Case and accents count where the column's collation is binary.
    """
    parameters = {f"located_{number}": pattern for number, pattern in enumerate(patterns)}
    return " AND ".join(f"LOCATE(%({name})s, {column}) > 0" for name in parameters) or "TRUE", parameters


def literal(value: str | bytes | int | datetime | None) -> str:
    """A value as SQL writes it, for statements with hundreds of rows, where parameters cost too much.

    Safe under the SQL mode that `app.database` sets (backslashes escape). Raises ValueError for naive datetimes and
    UnicodeEncodeError, once sent, for lone surrogates.
    """
    if isinstance(value, str):
        return f"'{escape_string(value)}'"
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if value.tzinfo is None:
        raise ValueError(f"a naive datetime must not reach the database: {value!r}; use app.database.utcnow()")
    # Typed, so that LEAST and GREATEST compare times and not texts.
    return f"TIMESTAMP'{moment(value)}'"


def moment(value: datetime) -> str:
    """An aware datetime as SQL writes it, without quotes: '2026-11-20 10:00:00.000000', in UTC.

    By isoformat, which takes a third of what strftime does.
    """
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]


def derived(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A derived table of SQL texts (`literal` makes them), to update many rows by one statement that joins it.

    As a UNION, because MariaDB and MySQL write a table of values in different ways. Join by STRAIGHT_JOIN and
    FORCE INDEX: a server that was killed may hold for minutes that the other table is empty, and would read all of it
    for each row.
    """
    first, *others = (", ".join(row) for row in _named(columns, rows))
    return f"(SELECT {' UNION ALL SELECT '.join([first, *others])})"


def _named(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[Sequence[str]]:
    for number, row in enumerate(rows):
        yield row if number else [f"{value} AS {column}" for value, column in zip(row, columns, strict=True)]
