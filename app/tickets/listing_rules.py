"""What may be asked of the ticket list, and how that reads as a URL. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from app.receipts.rules import WORDS
from app.tags import rules as tags
from app.tickets.errors import ListRefused
from app.tickets.moments import NO_DUE_DATE
from app.tickets.rules import PRIORITIES, STATUSES

VIEWS = {
    "mine": "Mine",
    "unassigned": "Unassigned",
    "open": "Open",
    "overdue": "Overdue",
    "snoozed": "Snoozed",
    "all": "All",
    "closed": "Closed",
}
SORTS = {
    "activity": "Last activity",
    "created": "Created",
    "priority": "Priority",
    "due": "Due date",
    "read": "Last read",
}
DIRECTIONS = ("desc", "asc")
PRIORITY_NUMBERS = {name: number for number, name in enumerate(PRIORITIES, start=1)}
"""As the database orders the ENUM: low is 1."""
NOBODY = 0
"""As assignee: tickets that nobody has."""
MAX_QUERY = 200
"""Characters of a search."""
NO_REPLY = "none"
"""As what the last reply's badge says: nothing was mailed."""
RECEIPTS_IN_ORDER = (
    "read", "replied", "sent", "delivered", "machine", "queued", "untracked",
    "failed", "bounced", "complained", "unknown", NO_REPLY,
)  # fmt: skip
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""In a cursor, of what was never read."""

_CURSOR = re.compile(r"(?:([1-4])\.)?([0-9]{1,18})\.([0-9]{1,10})")


class Place(Protocol):
    """What a ticket is sorted by."""

    @property
    def id(self) -> int:
        """The ticket's number."""

    @property
    def priority(self) -> str:
        """Its priority's name."""

    @property
    def created_at(self) -> datetime:
        """When it was opened."""

    @property
    def last_activity_at(self) -> datetime:
        """When something last happened to it."""

    @property
    def due_at(self) -> datetime | None:
        """When it is due; None where it has no due date."""

    @property
    def last_read_at(self) -> datetime | None:
        """When its last reply was last read; None where that is not known."""


@dataclass(frozen=True)
class Cursor:
    """A place between two tickets: the one on its near side, by what the list is sorted by."""

    at: datetime
    ticket_id: int
    priority: str | None = None
    """Only in a list sorted by priority."""

    def __str__(self) -> str:
        micros = (self.at - NEVER) // timedelta(microseconds=1)
        number = f"{PRIORITY_NUMBERS[self.priority]}." if self.priority else ""
        return f"{number}{micros}.{self.ticket_id}"


@dataclass(frozen=True, kw_only=True)
class TicketQuery:
    """One list of tickets: what is in it, in which order, and which part of it."""

    user_id: int
    """Who asks; the view "mine" is theirs."""
    view: str = "open"
    status: str | None = None
    priority: str | None = None
    assignee: int | None = None
    """A user's id, or NOBODY."""
    receipt: str | None = None
    """What the badge of the last reply says: a key of `receipt_choices`."""
    contact_id: int | None = None
    tag: str | None = None
    waiting: bool = False
    """Only tickets that wait for us: the customer wrote last."""
    words: str = ""
    """What is searched for."""
    sort: str = "activity"
    descending: bool = True
    after: Cursor | None = None
    before: Cursor | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the view narrows the list."""
        chosen = (self.status, self.priority, self.receipt, self.contact_id, self.tag, self.words)
        return self.assignee is not None or self.waiting or any(chosen)

    @property
    def ordered_by(self) -> str:
        """What tells the tickets of this list apart: among tickets of one priority, not the priority."""
        return "activity" if self.sort == "priority" and self.priority else self.sort

    def first_page(self, **changes: Any) -> TicketQuery:
        """The same list with other filters, from its start."""
        return replace(self, after=None, before=None, **changes)

    def arguments(self) -> dict[str, str]:
        """As the arguments of a URL, without what goes without saying; `parse` reads them back.

        `contact_id` has no argument: a contact's tickets are on the contact's page.
        """
        found = {
            "view": "" if self.view == _default_view(self.words) else self.view,
            "q": self.words,
            "status": self.status or "",
            "priority": self.priority or "",
            "assignee": "none" if self.assignee == NOBODY else str(self.assignee or ""),
            "receipt": self.receipt or "",
            "tag": self.tag or "",
            "waiting": "us" if self.waiting else "",
            "sort": "" if self.sort == default_sort(self.view) else self.sort,
            "dir": "" if self.descending == descends(self.sort) else "desc" if self.descending else "asc",
            "after": str(self.after or ""),
            "before": str(self.before or ""),
        }
        return {name: value for name, value in found.items() if value}


def parse(arguments: Mapping[str, str], *, user_id: int) -> TicketQuery:
    """Read a query from the arguments of a URL; those that are unknown are left alone.

    Raises ListRefused naming the argument, the rule and what was given.
    """
    words = arguments.get("q", "").lstrip()
    if len(words) > MAX_QUERY:
        raise ListRefused({"q": f"The search has {len(words)} characters, at most {MAX_QUERY} are taken; shorten it."})
    view = _choice(arguments, "view", VIEWS) or _default_view(words)
    sort = _choice(arguments, "sort", SORTS) or default_sort(view)
    direction = _choice(arguments, "dir", DIRECTIONS)
    after, before = (_cursor(arguments, name, sort) for name in ("after", "before"))
    if after and before:
        raise ListRefused({"after": "Give `after` or `before`, not both."})
    return TicketQuery(
        user_id=user_id,
        view=view,
        status=_choice(arguments, "status", STATUSES),
        priority=_choice(arguments, "priority", PRIORITIES),
        assignee=_assignee(arguments.get("assignee", ""), user_id),
        receipt=_choice(arguments, "receipt", RECEIPTS_IN_ORDER),
        tag=_tag(arguments.get("tag", "")),
        waiting=_choice(arguments, "waiting", ("us",)) is not None,
        words=words,
        sort=sort,
        descending=direction == "desc" if direction else descends(sort),
        after=after,
        before=before,
    )


def receipt_choices(visible: frozenset[str]) -> dict[str, str]:
    """What `TicketQuery.receipt` may be, with its words, where the states `visible` are shown."""
    words = {state: WORDS[state] for state in RECEIPTS_IN_ORDER if state in visible}
    words[NO_REPLY] = "Nothing mailed"
    return {**words, "sent": "Sent, not read"} if "read" in visible else words


def cursor_of(query: TicketQuery, place: Place) -> Cursor:
    """The place of a ticket in the query's order."""
    moments = {"created": place.created_at, "read": place.last_read_at or NEVER, "due": place.due_at or NO_DUE_DATE}
    return Cursor(
        moments.get(query.sort, place.last_activity_at), place.id, place.priority if query.sort == "priority" else None
    )


def default_sort(view: str) -> str:
    """What a view is sorted by where nothing is said."""
    return "due" if view == "overdue" else "activity"


def descends(sort: str) -> bool:
    """Whether an order starts from its far end where nothing is said; due dates start with the first."""
    return sort != "due"


def _default_view(words: str) -> str:
    """What is searched for may be long closed; what is looked at is open."""
    return "all" if words else "open"


def _choice(arguments: Mapping[str, str], name: str, choices: Mapping[str, str] | tuple[str, ...]) -> str | None:
    value = arguments.get(name, "")
    if not value:
        return None
    if value not in choices:
        raise ListRefused({name: f"`{name}` must be one of {', '.join(choices)}, got {value[:40]!r}."})
    return value


def _assignee(value: str, user_id: int) -> int | None:
    if value in {"", "none", "me"}:
        return {"": None, "none": NOBODY, "me": user_id}[value]
    if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
        raise ListRefused({"assignee": f"`assignee` must be me, none or the number of a user, got {value[:40]!r}."})
    return int(value)


def _tag(value: str) -> str | None:
    try:
        return tags.tidy(value) if value.strip() else None
    except ValueError as error:
        raise ListRefused({"tag": str(error)}) from None


def _cursor(arguments: Mapping[str, str], name: str, sort: str) -> Cursor | None:
    value = arguments.get(name, "")
    if not value:
        return None
    match = _CURSOR.fullmatch(value)
    try:
        if match is None or (match[1] is not None) != (sort == "priority"):
            raise ValueError
        priority = list(PRIORITIES)[int(match[1]) - 1] if match[1] else None
        return Cursor(NEVER + timedelta(microseconds=int(match[2])), int(match[3]), priority)
    except (ValueError, OverflowError):
        raise ListRefused(
            {name: f"`{name}` is no place in this list: {value[:40]!r}. Leave it out to start from the first page."}
        ) from None
