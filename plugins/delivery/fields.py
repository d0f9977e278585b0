"""Reads what strangers write in JSON without ever raising for its shape. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any, Literal

from plugins.delivery.errors import BadMember

LONGEST = 4000
"""Characters of a text that is looked at."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""How far a clock elsewhere may be ahead."""
DEEPEST = 24
"""Levels of one member; no provider sends ten."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FRACTION = re.compile(r"(\.\d{6})\d+")
Unit = Literal["s", "ms"]


def clean(value: str, longest: int = LONGEST) -> str:
    """One line without control characters and half characters, cut."""
    text = value[: longest * 2].encode("utf-8", "replace").decode()
    return _CONTROL.sub(" ", text).strip()[:longest]


def check_depth(value: Any, most: int = DEEPEST) -> None:
    """Raises BadMember for what is nested deeper than `most` levels. Without recursion."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise BadMember(f"is nested deeper than {most} levels")


class Fields:
    """One JSON object; a path that is not there, or leads through something else, is empty."""

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise BadMember(f"must be a JSON object, got {_type(value)}")
        self.value: Mapping[str, Any] = value

    def get(self, *path: str) -> Any:
        """What stands there, None where nothing does."""
        found: Any = self.value
        for name in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(name)
        return found

    def text(self, *path: str) -> str:
        """A text or a number as text; '' for anything else."""
        found = self.get(*path)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            return ""
        return clean(str(found)) if not isinstance(found, int) or abs(found) < 10**40 else ""

    def first(self, *paths: tuple[str, ...] | str) -> str:
        """The first text that is not empty."""
        for path in paths:
            if found := self.text(*((path,) if isinstance(path, str) else path)):
                return found
        return ""

    def flag(self, *path: str) -> bool | None:
        """True or False; None where it does not say."""
        found = self.get(*path)
        if isinstance(found, bool):
            return found
        return {"true": True, "1": True, "false": False, "0": False}.get(self.text(*path).lower())

    def items(self, *path: str) -> list[Any]:
        """A list; one value that is no list counts as a list of it."""
        found = self.get(*path)
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def fields(self, *path: str) -> Fields:
        """The object there, an empty one where there is none."""
        found = self.get(*path)
        return Fields(found if isinstance(found, Mapping) else {})


def address_of(text: str) -> str | None:
    """The bare address: "Bob <bob@example.org>" → "bob@example.org"; None where there is none."""
    bare = parseaddr(text)[1] if "<" in text else text.strip()
    return bare[:320] if "@" in bare and " " not in bare else None


def message_id_of(text: str) -> str | None:
    """A Message-ID without angle brackets; None where it is none."""
    bare = text.strip().removeprefix("<").removesuffix(">").strip()
    return bare if bare.isascii() and 2 < len(bare) <= 250 and not re.search(r"[\s<>]", bare) else None


def moment(value: Any, unit: Unit = "s", *, now: datetime) -> datetime | None:
    """A time as seconds or milliseconds since 1970, ISO 8601 or RFC 5322; None where it is none, or an absurd one.

    Without a zone it counts as UTC.
    """
    if isinstance(value, str):
        text = value.strip()[:64]
        try:
            value = float(text)
        except ValueError:
            return _within(_written(text), now)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value) / (1000 if unit == "ms" else 1)
        if not math.isfinite(seconds):
            return None
        return _within(datetime.fromtimestamp(seconds, UTC), now)
    except (OverflowError, ValueError, OSError):
        return None


def _written(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return found


def _within(found: datetime | None, now: datetime) -> datetime | None:
    if found is None:
        return None
    try:
        utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return utc if EARLIEST <= utc <= now + AHEAD else None


def _type(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
