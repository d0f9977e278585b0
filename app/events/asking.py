"""What of the events is asked for; from the arguments of an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from app.events.models import CLASSES, KINDS, EventQuery, EventsRefused
from app.web.arguments import asked_day

DAYS = 7
"""Of the list where no days are given."""
LONGEST = 366
_POSITION = re.compile(r"[!-~]{1,64}")
_SOURCE = re.compile(r"[a-z0-9.-]{1,64}")
_RECIPIENT = re.compile(r"[^\s<>,]{1,320}")


def parse(arguments: Mapping[str, str], *, today: date) -> EventQuery:
    """The events that these arguments ask for: `from`, `to`, `type`, `class`, `recipient`, `ticket`, `reply`, `source`,
    `after`.

    today: of the reader. Raises EventsRefused.
    """
    wrong: dict[str, str] = {}
    last = asked_day(arguments, "to", wrong) or today
    first = asked_day(arguments, "from", wrong) or last - timedelta(days=DAYS - 1)
    if not wrong and first > last:
        wrong["to"] = f"must not be before the first day, {first}, got {last}; swap them."
    elif not wrong and (last - first).days >= LONGEST:
        wrong["from"] = f"must be at most {LONGEST} days before the last one, {last}; choose a shorter period."
    kind, made_by = arguments.get("type", ""), arguments.get("class", "")
    if kind and kind not in KINDS:
        wrong["type"] = f"must be one of {', '.join(KINDS)}, got {kind[:40]!r}; choose one, or leave it empty for all."
    if made_by and made_by not in CLASSES:
        wrong["class"] = f"must be one of {', '.join(CLASSES)}, got {made_by[:40]!r}; or leave it empty for all."
    recipient = arguments.get("recipient", "").strip()
    if recipient and not _RECIPIENT.fullmatch(recipient):
        wrong["recipient"] = f"must be one address, or how it begins, got {recipient[:60]!r}; or leave it empty."
    source = arguments.get("source", "")
    if source and not _SOURCE.fullmatch(source):
        wrong["source"] = f"must be portal or the name of a module, got {source[:40]!r}; or leave it empty."
    ids = {name: _id(arguments, name, wrong) for name in ("ticket", "reply")}
    cursor = _cursor(arguments.get("after", ""), wrong)
    if wrong:
        raise EventsRefused(wrong)
    return EventQuery(first, last, kind, made_by, recipient, ids["ticket"], ids["reply"], source, cursor)


def cursor_text(cursor: Mapping[str, str]) -> str:
    """A cursor as an address carries it."""
    return ",".join(f"{source}~{position}" for source, position in sorted(cursor.items()))


def _cursor(text: str, wrong: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text[:2000].split(",")):
        source, _, position = part.partition("~")
        if not (_SOURCE.fullmatch(source) and _POSITION.fullmatch(position)):
            wrong["after"] = "must be what the page before gave; leave it out for the first page."
            return {}
        found[source] = position
    return found


def _id(arguments: Mapping[str, str], name: str, wrong: dict[str, str]) -> int | None:
    given = arguments.get(name, "").strip().removeprefix("#")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        wrong[name] = f"must be the number of a {name}, got {given[:40]!r}; correct it or leave it empty."
        return None
    return int(given)
