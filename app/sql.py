"""Small helps for writing SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def in_list(name: str, values: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """The list of an `IN` with its named parameters, because the driver takes no sequence as one parameter.

    name: what the parameters are called, `name_0`, `name_1`, ... Raises ValueError for no values: `IN ()` is no SQL.
    """
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    if not parameters:
        raise ValueError(f"IN needs at least one value; leave the query out where {name} is empty")
    return f"({', '.join(f'%({key})s' for key in parameters)})", parameters


def located(column: str, patterns: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The condition that a text column holds all patterns, and its parameters; true where there are none.

    patterns: plain text, nothing in it is a wildcard. Case and accents count where the column's collation is binary.
    """
    parameters = {f"located_{number}": pattern for number, pattern in enumerate(patterns)}
    return " AND ".join(f"LOCATE(%({name})s, {column}) > 0" for name in parameters) or "TRUE", parameters
