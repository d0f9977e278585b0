"""Events as they are asked for and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.hookspecs import MailEvent

KINDS = {
    "queued": "Queued",
    "sent": "Sent",
    "failed": "Failed",
    "unknown": "Perhaps sent",
    "open": "Opened",
    "click": "Link followed",
    "delivered": "Delivered",
    "deferred": "Deferred",
    "bounced": "Bounced",
    "complained": "Marked as spam",
    "unsubscribed": "Unsubscribed",
}
CLASSES = {
    "human": "A person",
    "human_proxy": "A person, through a mail proxy",
    "privacy_prefetch": "A mail program, ahead of time",
    "scanner": "A mail scanner",
    "bot": "A program",
    "preview": "A link preview",
    "self": "Ourselves",
}
PORTAL = "portal"
"""The source of the outbox's own events; others are slugs of modules."""


class EventsRefused(ValueError):
    """An argument that will not do; `fields` says of each what is wrong, by which rule, and the way out."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields = dict(fields)


@dataclass(frozen=True)
class EventQuery:
    """Which events."""

    first: date
    last: date
    """Days of the reader's time zone."""
    kind: str = ""
    made_by: str = ""
    recipient: str = ""
    """An address, or the beginning of one."""
    ticket_id: int | None = None
    reply_id: int | None = None
    source: str = ""
    cursor: Mapping[str, str] = field(default_factory=dict)
    """By source the position of the last event that was shown."""

    def arguments(self, **other: str) -> dict[str, str]:
        """As an address carries it; `other` in place of what it says, '' leaves out."""
        found = {
            "from": str(self.first),
            "to": str(self.last),
            "type": self.kind,
            "class": self.made_by,
            "recipient": self.recipient,
            "ticket": str(self.ticket_id or ""),
            "reply": str(self.reply_id or ""),
            "source": self.source,
        }
        return {name: value for name, value in (found | other).items() if value}


@dataclass(frozen=True)
class ShownEvent:
    """One event with where it belongs."""

    event: MailEvent
    source: str
    email: str
    reply_id: int | None
    ticket_id: int | None


@dataclass(frozen=True)
class EventPage:
    """Newest first."""

    events: tuple[ShownEvent, ...]
    next: str
    """The cursor of the page after this one; '' where there is none."""
    silent: tuple[str, ...] = ()
    """Modules that could not say what they know."""
    too_many: bool = False
    """Whether only some of the copies that fit the recipient were looked at."""
