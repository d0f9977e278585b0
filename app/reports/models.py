"""What is counted of replies, and under what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from app.hookspecs import CopyCounts, ItemCounts

COPY_MEASURES = (
    "recipients", "sent", "failed", "delivered", "bounced", "complained", "tracked", "opened", "machine_only",
    "replied", "readers", "reported",
)  # fmt: skip
"""What a copy counts once for, or not; in the order of the bits of `email_recipients.counted`."""
EVENT_MEASURES = ("clicked", "opens", "machine_opens", "clicks", "machine_clicks", "unknown_opens", "unknown_clicks")
"""What modules count."""
MEASURES = (*COPY_MEASURES, *EVENT_MEASURES)
ITEM_MEASURES = ("opens", "machine_opens", "clicks", "machine_clicks", "unknown_clicks")
EVERYTHING = 0
"""In place of a tag: all mails, each once."""

__all__ = ["COPY_MEASURES", "EVENT_MEASURES", "ITEM_MEASURES", "MEASURES", "CopyCounts", "ItemCounts", "Key", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Under what a mail is counted."""

    day: str
    """Of its writing, in UTC: '2026-11-26'."""
    agent_id: int
    """Who wrote it; 0 where nobody did."""
    department_id: int
    tags: tuple[int, ...]

    @classmethod
    def read(cls, found: str | None) -> Place | None:
        """From a JSON list of its values."""
        if found is None:
            return None
        day, agent_id, department_id, tags = json.loads(found)
        return cls(day, agent_id, department_id, tuple(tags))

    def rows(self) -> list[Key]:
        """The rows of the summary that it is counted in."""
        tags = (EVERYTHING, *self.tags)
        return [
            *((0, tag, self.day, 0, 0) for tag in tags),
            *((1, tag, self.day, self.agent_id, self.department_id) for tag in tags),
        ]


Key = tuple[int, int, str, int, int]
"""Detailed or not, tag, day, agent, department: a row of the summary, but for its shard."""
ItemKey = tuple[str, int, int, str, int, int, bytes]
"""Kind, detailed or not, tag, day, agent, department, hash of the name."""


@dataclass(frozen=True, slots=True)
class StaleCopy:
    """A copy of which the summary holds something else than is true now."""

    id: int
    counted: int
    flags: int
    """What it counts for now, as bits."""
    place: Place | None
    """None where that is not settled."""


@dataclass(frozen=True)
class Figures:
    """What the mails of one row of a report come to."""

    recipients: int = 0
    sent: int = 0
    failed: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    tracked: int = 0
    opened: int = 0
    machine_only: int = 0
    replied: int = 0
    readers: int = 0
    reported: int = 0
    """Of which somebody reported a delivery, also where they bounced later."""
    clicked: int = 0
    opens: int = 0
    machine_opens: int = 0
    clicks: int = 0
    machine_clicks: int = 0
    unknown_opens: int = 0
    """Of which the provider does not say whether a person made them; likewise the next."""
    unknown_clicks: int = 0


@dataclass(frozen=True)
class Filter:
    """Which mails a report is about.

    departments: only mails of these, whatever else is asked for; None for all. It is what limits an agent who may see
    some departments only.
    """

    first: date
    last: date
    agent_id: int | None = None
    department_id: int | None = None
    tag_id: int | None = None
    departments: frozenset[int] | None = None
