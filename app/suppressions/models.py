"""A line of the list, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Scope = Literal["all", "announcements"]
Reason = Literal["hard_bounce", "soft_bounces", "complaint", "unsubscribed", "manual"]


@dataclass(frozen=True)
class Suppression:
    """An address that gets no mail, or no announcements."""

    id: int
    email: str
    """'' once its person was erased."""
    scope: Scope
    """What it does not get: 'all' mail, or 'announcements' only."""
    reason: Reason
    source: str
    """Who told it: a provider's name, 'bounce_mail', 'agent' or a module's slug."""
    detail: str
    """The words of who told it."""
    since: datetime
    added_by: str = ""
    """The agent's name; '' where no agent did it, or the agent left."""
    removed_at: datetime | None = None
    """When it was taken off the list; None while it stands."""
    removed_by: str = ""
    """The agent's name; '' where the address's owner did it, or the agent left."""
    contact_id: int | None = None
    """Whose address it is, on pages."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Suppression:
        """From a row with the columns of `repository.COLUMNS`."""
        names = {name: row[name] or "" for name in ("email", "added_by", "removed_by")}
        return cls(**{**row, **names})


@dataclass(frozen=True)
class New:
    """An address to put on the list."""

    email: str
    reason: Reason
    source: str
    since: datetime
    """When what it is for happened: what happened before an address was taken off does not bring it back."""
    scope: Scope = "all"
    detail: str = ""
    added_by: int | None = None
    contact_id: int | None = None
    """Who decided that, where it holds for all their addresses."""
    mailing: str | None = None
    """The mails to whose link it goes back."""


@dataclass(frozen=True)
class Query:
    """Which lines a page shows."""

    words: str = ""
    """In the address."""
    reason: str = ""
    scope: str = ""
    is_removed: bool = False
    """Those that were taken off, instead of those that stand."""


@dataclass(frozen=True)
class SuppressionPage:
    """Some lines, newest first."""

    rows: tuple[Suppression, ...]
    total: int
    """Of all that the query finds."""
    newer: int = 0
    """The id after which the page before it starts; 0 on the first. `older`: before which the next starts."""
    older: int = 0
