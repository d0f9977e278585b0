"""How changes lie in the rows of `live_events`: many in one row, so that a batch of opens adds few. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from app.live.events import TICKETS, Event, topic_of

MOST = 64
"""Changes in one row."""
LONGEST = 5000
"""Characters in one row: the width of the column `changes`."""
PLACES = 2 * MOST
"""Event ids of one row: each change has one for its ticket's topic and one for that of the lists."""
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class Change:
    """One change of a ticket, or of what a user is told, as it is published."""

    detail: Mapping[str, Any]
    """As in `Event`."""
    lists: bool
    """Whether ticket lists hear of it, beside the ticket's page."""

    @cached_property
    def text(self) -> str:
        """As it stands in a row."""
        return _encode([self.detail, self.lists])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The change that a batch of opens has by the hundred: its text is put together and not encoded, which takes a
    tenth of the time.
    """

    ticket_id: int
    reply_id: int
    lists: bool

    @property
    def text(self) -> str:
        """As it stands in a row."""
        lists = "true" if self.lists else "false"
        return f'[{{"kind":"receipt","ticket_id":{self.ticket_id},"reply_id":{self.reply_id}}},{lists}]'


def pack(changes: Iterable[Change | Receipt]) -> Iterator[str]:
    """The rows of these changes: ASCII, a JSON list of [detail, whether lists hear of it].

    Raises ValueError for a change that is too long for a row.
    """
    row: list[str] = []
    length = 1
    for change in changes:
        text = change.text
        if len(text) + 2 > LONGEST:
            raise ValueError(f"a change that open pages hear of takes at most {LONGEST - 2} characters: {text[:60]}...")
        if row and (len(row) == MOST or length + len(text) + 1 > LONGEST):
            yield f"[{','.join(row)}]"
            row, length = [], 1
        row.append(text)
        length += len(text) + 1
    if row:
        yield f"[{','.join(row)}]"


def expand(row: Mapping[str, Any], topics: Container[str]) -> Iterator[Event]:
    """The events of a row of `live_events` on these topics; each has an id that no other event of any row has."""
    first: int = row["id"] * PLACES
    created_at: datetime = row["created_at"]
    for place, (detail, lists) in enumerate(json.loads(row["changes"])):
        topic = topic_of(detail)
        if topic in topics:
            yield Event(first + 2 * place, topic, created_at, detail)
        if lists and TICKETS in topics:
            yield Event(first + 2 * place + 1, TICKETS, created_at, detail)


def trace(topics: Collection[str]) -> str:
    """A regular expression that every row with an event on one of these topics (at least one) matches; few others do.

    The database leaves out the others by it, so that a page that connects costs no more than its own events.
    """
    parts = []
    for kind in ("ticket", "user"):
        numbers = "|".join(sorted(topic.partition(":")[2] for topic in topics if topic.startswith(f"{kind}:")))
        if numbers:
            parts.append(f'"{kind}_id":({numbers})[,}}]')
    if TICKETS in topics:
        parts.append("[}],true")
    return "|".join(parts)
