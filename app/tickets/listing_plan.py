"""How the database answers a query of the ticket list: conditions, order and the index that has both. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.receipts.rules import stored_for
from app.tickets.listing_rules import NEVER, NO_REPLY, NOBODY, PRIORITY_NUMBERS, Cursor, TicketQuery

_AWAKE_VIEWS = frozenset({"mine", "unassigned", "open"})
_ACTIVE_VIEWS = _AWAKE_VIEWS | {"overdue", "snoozed"}
AWAKE = "(t.snoozed_until IS NULL OR t.snoozed_until <= UTC_TIMESTAMP(6))"
"""A condition on time: a ticket is back at its moment, to the second, whether or not a worker runs."""
OVERDUE = "t.due_at <= UTC_TIMESTAMP(6)"
SNOOZED = "t.snoozed_until > UTC_TIMESTAMP(6)"
_SORT_COLUMNS = {
    "activity": "t.last_activity_at",
    "created": "t.created_at",
    "priority": "t.priority {0}, t.last_activity_at",
    "read": "t.last_read_at",
    "due": "t.due_at",
}
_INDEXES = {
    # sort: (index where only open or only closed tickets are asked for, index for both)
    "activity": ("tickets_active", "tickets_activity"),
    "created": ("tickets_active_created", "tickets_created"),
    "priority": ("tickets_active_priority", "tickets_priority"),
    # Of 100,000 tickets it takes 31 ms where none matches; each index more costs each reading.
    "read": ("tickets_read", "tickets_read"),
    "due": ("tickets_active_due", "tickets_due"),
}
_VIEW_INDEXES = {"overdue": "tickets_active_due", "snoozed": "tickets_snoozed"}
"""Few tickets are in these views: found by an index of their own, and sorted."""
Stored = frozenset[str | None]
"""Values of `tickets.last_receipt`; None where nothing was mailed."""
_RECEIPT_GROUPS = {"read": ("read", "replied"), "sent": ("sent", "delivered", "machine")}


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


def plan(query: TicketQuery, receipts: Stored | None = None, tag_id: int | None = None) -> Plan | None:
    """How to find the query's tickets, or None where no ticket can match ("closed" among the open ones).

    receipts: the stored values that `query.receipt` stands for; None where it is not asked for. tag_id: of `query.tag`.
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
    if query.view in _AWAKE_VIEWS:
        found.append(AWAKE)
    elif query.view == "overdue":
        found.append(OVERDUE)
    elif query.view == "snoozed":
        found.append(SNOOZED)
    if query.waiting:
        found.append("t.last_from = 'customer' AND t.active = 1")
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
    if tag_id is not None:
        found.append("EXISTS (SELECT 1 FROM ticket_tags AS x WHERE x.ticket_id = t.id AND x.tag_id = %(tag)s)")
        parameters["tag"] = tag_id
    if receipts == frozenset({None}):
        found.append("t.last_receipt IS NULL")
    elif receipts is not None:
        names = {f"receipt_{number}": state for number, state in enumerate(sorted(filter(None, receipts)))}
        found.append(f"t.last_receipt IN ({', '.join(f'%({name})s' for name in names)})")
        parameters |= names
    descending = query.descending != bool(query.before)
    if cursor := query.after or query.before:
        found.append(_beyond(query.ordered_by, descending=descending, cursor=cursor))
        parameters |= {"at": cursor.at, "id": cursor.ticket_id, "at_priority": cursor.priority}
    index = _index(query, bool(active), bool(assignee))
    never = query.ordered_by == "read" and descending and cursor is not None and cursor.at == NEVER
    # With what is NULL everywhere in the order as well, MariaDB sorts instead of reading the index backwards.
    order = "t.id DESC" if never else _order(query.ordered_by, descending)
    return Plan(index, order, tuple(found), parameters)


def stored_receipts(choice: str, visible: frozenset[str]) -> Stored:
    """The values of `tickets.last_receipt` that a choice stands for; empty for one that is not offered now."""
    if choice == NO_REPLY:
        return frozenset({None})
    shown = _RECEIPT_GROUPS.get(choice, (choice,)) if choice in visible else ()
    return frozenset[str]().union(*(stored_for(state, visible) for state in shown))


def _beyond(sort: str, *, descending: bool, cursor: Cursor) -> str:
    """Everything behind a cursor. Written out, because no server uses an index for (a, b) < (x, y)."""
    than = "<" if descending else ">"
    column = _SORT_COLUMNS["activity" if sort == "priority" else sort]
    if sort == "read" and cursor.at == NEVER:
        never = f"({column} IS NULL AND t.id {than} %(id)s)"
        return never if descending else f"({never} OR {column} IS NOT NULL)"
    beyond = f"({column} {than} %(at)s OR ({column} = %(at)s AND t.id {than} %(id)s))"
    if sort == "read" and descending:
        return f"({beyond} OR {column} IS NULL)"
    if sort != "priority":
        return beyond
    # An ENUM is compared by its words with < and by its numbers in an index, so the others are named one by one.
    number = PRIORITY_NUMBERS[cursor.priority or ""]
    others = [word for word, n in PRIORITY_NUMBERS.items() if (n < number if descending else n > number)]
    same = f"(t.priority = %(at_priority)s AND {beyond})"
    listed = ", ".join(f"'{word}'" for word in others)
    return f"(t.priority IN ({listed}) OR {same})" if others else same


def _order(sort: str, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    return f"{_SORT_COLUMNS[sort].format(direction)} {direction}, t.id {direction}"


def _index(query: TicketQuery, has_active: bool, has_assignee: bool) -> str:
    if query.contact_id:
        return "tickets_contact"
    if query.view in _VIEW_INDEXES:
        return _VIEW_INDEXES[query.view]
    if query.ordered_by == "activity" and has_active and has_assignee:
        return "tickets_assignee"
    return _INDEXES[query.ordered_by][0 if has_active else 1]


def _agreed(*values: int | None) -> list[int]:
    """The different values that are given; more than one contradict each other."""
    return list(dict.fromkeys(value for value in values if value is not None))


def _active_of_view(view: str) -> int | None:
    return 1 if view in _ACTIVE_VIEWS else 0 if view == "closed" else None


def _active_of_status(status: str | None) -> int | None:
    return None if status is None else int(status != "closed")


def _assignee_of_view(query: TicketQuery) -> int | None:
    return {"mine": query.user_id, "unassigned": NOBODY}.get(query.view)
