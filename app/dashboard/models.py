"""What the dashboard is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Now:
    """How many tickets there are at this moment."""

    open: int
    """Not closed, and not asleep: what the view Open holds."""
    waiting: int
    """Of those, where the customer wrote last."""
    unassigned: int
    """Of those, without an owner."""
    overdue: int
    """Not closed, and past their due date, asleep or not."""
    any: bool
    """Whether there is any ticket at all, also a closed one."""


@dataclass(frozen=True)
class Opened:
    """A ticket that was opened in the period."""

    at: datetime
    first_reply_at: datetime | None
    """Not later than `at` where we opened it: nobody waited for an answer then."""


@dataclass(frozen=True)
class Closed:
    """A ticket that was closed in the period and is closed now."""

    at: datetime
    opened_at: datetime
    assignee_id: int | None


@dataclass(frozen=True)
class Agent:
    """Somebody who answers, with how many open tickets they have."""

    id: int
    name: str
    open: int
