"""Arguments of an address that several pages take alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date


def asked_day(arguments: Mapping[str, str], name: str, wrong: dict[str, str]) -> date | None:
    """A day such as 2026-11-26; None where none is given, or it will not do, which `wrong` says by name then."""
    given = arguments.get(name, "").strip()
    if not given:
        return None
    try:
        found = date.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2999:
        wrong[name] = f"must be a day such as 2026-11-26, got {given[:40]!r}; correct it or leave it empty."
        return None
    return found
