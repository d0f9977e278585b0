"""Topics, events, and the cursor with which a page says what it has heard. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

OVERLAP = timedelta(seconds=10)
"""How far back each look reaches: a transaction may commit this long after it wrote its event."""
MAX_TOPICS = 20
MOST_AGAIN = 250
"""Events that a page may be told although its cursor is past them; see `to_tell`."""
KEPT_IDS = 64
"""Ids that a cursor carries; of more events within OVERLAP the oldest may be told twice."""
TICKETS = "tickets"
"""Topic of every ticket list."""
ME = "me"
"""What a page calls the topic of whoever looks at it."""
TOPIC = re.compile(r"me|tickets|ticket:[1-9][0-9]{0,9}", re.ASCII)
CURSOR = re.compile(rf"([0-9]{{1,16}})(?:-([0-9]{{1,22}}(?:\.[0-9]{{1,22}}){{0,{KEPT_IDS - 1}}}))?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadTopics(ValueError):
    """A page asked for topics that do not exist, or for too many; the message says which and the rule."""


def ticket_topic(ticket_id: int) -> str:
    """Topic of one ticket's page."""
    return f"ticket:{ticket_id}"


def user_topic(user_id: int) -> str:
    """Topic of what one user is told."""
    return f"user:{user_id}"


def topic_of(detail: Mapping[str, Any]) -> str:
    """The topic of a change's page, from its detail: a user's, or a ticket's."""
    return user_topic(detail["user_id"]) if "user_id" in detail else ticket_topic(detail["ticket_id"])


@dataclass(frozen=True)
class Event:
    """One change that open pages hear of."""

    id: int
    topic: str
    created_at: datetime
    detail: Mapping[str, Any]
    """kind, ticket_id, and reply_id where the kind has one; of a notification the user_id instead."""

    @property
    def repeatable(self) -> bool:
        """Whether hearing it twice does no harm: it makes a page ask for the badge, or the count, as it is now."""
        return self.detail.get("kind") in {"receipt", "notification"}

    def as_json(self) -> dict[str, Any]:
        """What pages get: topic, detail, and the id by which to know it again."""
        return {"id": self.id, "topic": self.topic, **self.detail}


@dataclass(frozen=True)
class Cursor:
    """What a page has heard: the time of the newest event, and the ids of those within OVERLAP before it.

    It is all that a process needs to go on where another one ended.
    """

    moment: datetime
    seen: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The inverse of `str`. Raises ValueError for anything that `str` does not make."""
        found = CURSOR.fullmatch(text)
        if found is None:
            raise ValueError("the cursor must be one that an earlier answer gave")
        ids = found[2].split(".") if found[2] else ()
        return cls(EPOCH + timedelta(microseconds=int(found[1])), frozenset(map(int, ids)))

    def __str__(self) -> str:
        micros = (self.moment - EPOCH) // timedelta(microseconds=1)
        kept = sorted(self.seen)[-KEPT_IDS:]
        return f"{micros}-{'.'.join(map(str, kept))}" if kept else str(micros)


@dataclass
class Heard:
    """Takes each event that a page was sent, and gives the cursor for it."""

    moment: datetime
    _ids: dict[int, datetime] = field(default_factory=dict)

    def add(self, event: Event) -> Cursor:
        """Note one event; the cursor after it."""
        self._ids[event.id] = event.created_at
        self.moment = max(self.moment, event.created_at)
        newest = list(self._ids.items())[-KEPT_IDS:]
        self._ids = {number: at for number, at in newest if at >= self.moment - OVERLAP}
        return self.cursor

    @property
    def cursor(self) -> Cursor:
        """What was heard so far."""
        return Cursor(self.moment, frozenset(self._ids))

    @classmethod
    def up_to(cls, cursor: Cursor) -> Heard:
        """Go on from a cursor."""
        return cls(cursor.moment, dict.fromkeys(sorted(cursor.seen), cursor.moment))


def read_topics(text: str) -> frozenset[str]:
    """The topics of a query string, separated by commas.

    Raises BadTopics for none, more than MAX_TOPICS, or one that is neither "tickets", "ticket:<id>" nor "me".
    """
    topics = frozenset(filter(None, (part.strip() for part in text.split(",", MAX_TOPICS + 1))))
    if not topics:
        raise BadTopics("Name what to hear of, for example ?topics=ticket:12,tickets.")
    if len(topics) > MAX_TOPICS:
        raise BadTopics(f"At most {MAX_TOPICS} topics can be heard at once; open fewer tickets on one page.")
    unknown = next((topic for topic in sorted(topics) if not TOPIC.fullmatch(topic)), None)
    if unknown is not None:
        raise BadTopics(f'A topic is "tickets", "me", or "ticket:" and a number, got {unknown[:40]!r}.')
    return topics


def merged(events: Iterable[Event]) -> list[Event]:
    """Only the newest of many receipts of one reply: a reply may be opened a thousand times in ten seconds."""
    kept: dict[object, Event] = {}
    for event in events:
        key = (event.topic, event.detail.get("reply_id")) if event.repeatable else event.id
        kept[key] = event
    return sorted(kept.values(), key=lambda event: event.created_at)


def to_tell(unheard: Sequence[Event], moment: datetime) -> list[Event]:
    """What a page that heard everything up to a moment, but for late events, is told of those it may not have heard.

    A cursor carries few ids. Of many events before the moment nearly all were heard: all of them again, each time, and
    a page would never get beyond them.
    """
    events = merged(unheard)
    after = [event for event in events if event.created_at > moment]
    before = events[: len(events) - len(after)]
    return before[max(0, len(events) - MOST_AGAIN) :] + after
