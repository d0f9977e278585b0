"""What may be asked of the ticket list, how that reads as a URL, and which index answers it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from app.receipts.rules import WORDS, stored_for
from app.tickets.errors import ListRefused
from app.tickets.rules import PRIORITIES, STATUSES

VIEWS = {"mine": "Mine", "unassigned": "Unassigned", "open": "Open", "all": "All", "closed": "Closed"}
SORTS = {"activity": "Last activity", "created": "Created", "priority": "Priority"}
DIRECTIONS = ("desc", "asc")
PRIORITY_NUMBERS = {name: number for number, name in enumerate(PRIORITIES, start=1)}
"""As the database orders the ENUM: low is 1."""
NOBODY = 0
"""As assignee: tickets that nobody has."""
MAX_QUERY = 200
"""Characters of a search."""

_RECEIPTS_IN_ORDER = (
    "read", "replied", "sent", "delivered", "machine", "queued", "untracked",
    "failed", "bounced", "complained", "unknown",
)  # fmt: skip
_RECEIPT_GROUPS = {"read": ("read", "replied"), "sent": ("sent", "delivered", "machine")}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(?:([1-4])\.)?([0-9]{1,17})\.([0-9]{1,10})")
_ACTIVE_VIEWS = frozenset({"mine", "unassigned", "open"})
_SORT_COLUMNS = {
    "activity": "t.last_activity_at",
    "created": "t.created_at",
    "priority": "t.priority {0}, t.last_activity_at",
}
_INDEXES = {
    # sort: (index where only open or only closed tickets are asked for, index for both)
    "activity": ("tickets_active", "tickets_activity"),
    "created": ("tickets_active_created", "tickets_created"),
    "priority": ("tickets_active_priority", "tickets_priority"),
}


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


@dataclass(frozen=True)
class Cursor:
    """A place between two tickets: the one on its near side, by what the list is sorted by."""

    at: datetime
    ticket_id: int
    priority: str | None = None
    """Only in a list sorted by priority."""

    def __str__(self) -> str:
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
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
    words: str = ""
    """What is searched for."""
    sort: str = "activity"
    descending: bool = True
    after: Cursor | None = None
    before: Cursor | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the view narrows the list."""
        return any((self.status, self.priority, self.assignee is not None, self.receipt, self.contact_id, self.words))

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
            "sort": "" if self.sort == "activity" else self.sort,
            "dir": "" if self.descending else "asc",
            "after": str(self.after or ""),
            "before": str(self.before or ""),
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Plan:
    """How the database answers a query: every piece is from a fixed list, values are parameters."""

    index: str
    order: str
    conditions: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The conditions as one, true where there is none."""
        return " AND ".join(self.conditions) or "TRUE"


def parse(arguments: Mapping[str, str], *, user_id: int) -> TicketQuery:
    """Read a query from the arguments of a URL; those that are unknown are left alone.

    Raises ListRefused naming the argument, the rule and what was given.
    """
    words = arguments.get("q", "").lstrip()
    if len(words) > MAX_QUERY:
        raise ListRefused({"q": f"The search has {len(words)} characters, at most {MAX_QUERY} are taken; shorten it."})
    sort = _choice(arguments, "sort", SORTS) or "activity"
    after, before = (_cursor(arguments, name, sort) for name in ("after", "before"))
    if after and before:
        raise ListRefused({"after": "Give `after` or `before`, not both."})
    return TicketQuery(
        user_id=user_id,
        view=_choice(arguments, "view", VIEWS) or _default_view(words),
        status=_choice(arguments, "status", STATUSES),
        priority=_choice(arguments, "priority", PRIORITIES),
        assignee=_assignee(arguments.get("assignee", ""), user_id),
        receipt=_choice(arguments, "receipt", _RECEIPTS_IN_ORDER),
        words=words,
        sort=sort,
        descending=_choice(arguments, "dir", DIRECTIONS) != "asc",
        after=after,
        before=before,
    )


def plan(query: TicketQuery, receipts: frozenset[str] | None = None) -> Plan | None:
    """How to find the query's tickets, or None where no ticket can match ("closed" among the open ones).

    receipts: the stored values that `query.receipt` stands for; None where it is not asked for.
    """
    active = _agreed(_active_of_view(query.view), _active_of_status(query.status))
    assignee = _agreed(_assignee_of_view(query), query.assignee)
    if len(active) > 1 or len(assignee) > 1 or receipts == frozenset():
        return None
    found: list[str] = []
    parameters: dict[str, Any] = {}

    def require(name: str, column: str, value: Any) -> None:
        found.append(f"{column} = %({name})s")
        parameters[name] = value

    if active:
        require("active", "t.active", active[0])
    if query.status in {"open", "pending"}:
        require("status", "t.status", query.status)
    if query.priority:
        require("priority", "t.priority", query.priority)
    if assignee == [NOBODY]:
        found.append("t.assignee_id IS NULL")
    elif assignee:
        require("assignee", "t.assignee_id", assignee[0])
    if query.contact_id:
        require("contact", "t.contact_id", query.contact_id)
    if receipts is not None:
        names = {f"receipt_{number}": state for number, state in enumerate(sorted(receipts))}
        found.append(f"t.last_receipt IN ({', '.join(f'%({name})s' for name in names)})")
        parameters |= names
    descending = query.descending != bool(query.before)
    if cursor := query.after or query.before:
        found.append(_beyond(query.sort, descending=descending, cursor=cursor, name="cursor"))
        parameters |= _cursor_parameters(cursor, "cursor")
    return Plan(_index(query, bool(active), bool(assignee)), _order(query.sort, descending), tuple(found), parameters)


def up_to(query: TicketQuery, cursor: Cursor) -> tuple[str, dict[str, Any]]:
    """The condition that ends a list with the ticket at `cursor`, as `plan` reads the list, and its parameters."""
    descending = query.descending != bool(query.before)
    condition = _beyond(query.sort, descending=not descending, cursor=cursor, name="end", inclusive=True)
    return condition, _cursor_parameters(cursor, "end")


def cursor_of(query: TicketQuery, place: Place) -> Cursor:
    """The place of a ticket in the query's order."""
    at = place.created_at if query.sort == "created" else place.last_activity_at
    return Cursor(at, place.id, place.priority if query.sort == "priority" else None)


def receipt_choices(visible: frozenset[str]) -> dict[str, str]:
    """What `TicketQuery.receipt` may be, with its words, where the states `visible` are shown."""
    words = {state: WORDS[state] for state in _RECEIPTS_IN_ORDER if state in visible}
    return {**words, "sent": "Sent, not read"} if "read" in visible else words


def stored_receipts(choice: str, visible: frozenset[str]) -> frozenset[str]:
    """The values of `tickets.last_receipt` that a choice stands for; empty for one that is not offered now."""
    shown = _RECEIPT_GROUPS.get(choice, (choice,)) if choice in visible else ()
    return frozenset[str]().union(*(stored_for(state, visible) for state in shown))


def _cursor_parameters(cursor: Cursor, name: str) -> dict[str, Any]:
    return {f"{name}_at": cursor.at, f"{name}_id": cursor.ticket_id, f"{name}_priority": cursor.priority}


def _beyond(sort: str, *, descending: bool, cursor: Cursor, name: str, inclusive: bool = False) -> str:
    """Everything behind a cursor. Written out, because no server uses an index for (a, b) < (x, y)."""
    than = "<" if descending else ">"
    same_or = "=" if inclusive else ""
    column = _SORT_COLUMNS["created" if sort == "created" else "activity"]
    beyond = f"({column} {than} %({name}_at)s OR ({column} = %({name}_at)s AND t.id {than}{same_or} %({name}_id)s))"
    if sort != "priority":
        return beyond
    # An ENUM is compared by its words with < and by its numbers in an index, so the others are named one by one.
    number = PRIORITY_NUMBERS[cursor.priority or ""]
    others = [word for word, n in PRIORITY_NUMBERS.items() if (n < number if descending else n > number)]
    same = f"(t.priority = %({name}_priority)s AND {beyond})"
    listed = ", ".join(f"'{word}'" for word in others)
    return f"(t.priority IN ({listed}) OR {same})" if others else same


def _order(sort: str, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"{_SORT_COLUMNS[sort].format(direction)} {direction}, t.id {direction}"


def _index(query: TicketQuery, has_active: bool, has_assignee: bool) -> str:
    if query.contact_id:
        return "tickets_contact"
    if query.sort == "activity" and has_active and has_assignee:
        return "tickets_assignee"
    return _INDEXES[query.sort][0 if has_active else 1]


def _default_view(words: str) -> str:
    """What is searched for may be long closed; what is looked at is open."""
    return "all" if words else "open"


def _agreed(*values: int | None) -> list[int]:
    """The different values that are given; more than one contradict each other."""
    return list(dict.fromkeys(value for value in values if value is not None))


def _active_of_view(view: str) -> int | None:
    return 1 if view in _ACTIVE_VIEWS else 0 if view == "closed" else None


def _active_of_status(status: str | None) -> int | None:
    return None if status is None else int(status != "closed")


def _assignee_of_view(query: TicketQuery) -> int | None:
    return {"mine": query.user_id, "unassigned": NOBODY}.get(query.view)


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


def _cursor(arguments: Mapping[str, str], name: str, sort: str) -> Cursor | None:
    value = arguments.get(name, "")
    if not value:
        return None
    match = _CURSOR.fullmatch(value)
    try:
        if match is None or (match[1] is not None) != (sort == "priority"):
            raise ValueError
        priority = list(PRIORITIES)[int(match[1]) - 1] if match[1] else None
        return Cursor(_EPOCH + timedelta(microseconds=int(match[2])), int(match[3]), priority)
    except (ValueError, OverflowError):
        raise ListRefused(
            {name: f"`{name}` is no place in this list: {value[:40]!r}. Leave it out to start from the first page."}
        ) from None
