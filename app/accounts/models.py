"""Who works here, as the rest of the portal sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class User:
    """An admin or agent. `disabled_at` set: may not log in, sessions and tokens are void."""

    id: int
    email: str
    name: str
    role: str
    signature: str
    timezone: str
    disabled_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    has_password: bool
    told_of: frozenset[str]
    """Kinds of notifications that they want; see `app.notifications.rules.KINDS`."""
    mailed_of: frozenset[str]
    """Kinds that they want by mail too."""
    undo_seconds: int
    """How long a reply of theirs can be taken back before it is sent; 0: it is sent at once."""
    is_away: bool
    """Whether assignment rules leave them out."""
    departments: frozenset[int] = frozenset()
    """The ids of those that an agent is limited to; without any they see all. Means nothing for an admin."""

    @property
    def is_limited(self) -> bool:
        """Whether they see the tickets of some departments only; `app.tickets.access` says which."""
        return bool(self.departments) and not self.is_admin

    @property
    def is_admin(self) -> bool:
        """Whether this user may change accounts and modules."""
        return self.role == "admin"

    @property
    def state(self) -> str:
        """'active', 'invited' (has no password yet) or 'disabled'."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.has_password else "invited"

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> User:
        """From a row with the columns of USER_COLUMNS."""
        return cls(
            id=row["id"],
            email=row["email"],
            name=row["name"],
            role=row["role"],
            signature=row["signature"],
            timezone=row["timezone"],
            disabled_at=row["disabled_at"],
            last_login_at=row["last_login_at"],
            created_at=row["created_at"],
            has_password=row["password_hash"] is not None,
            told_of=frozenset(filter(None, row["told_of"].split(","))),
            undo_seconds=row["undo_seconds"],
            is_away=bool(row["is_away"]),
            mailed_of=frozenset(filter(None, row["mailed_of"].split(","))),
            departments=frozenset(map(int, str(row["departments"]).split(","))) if row["departments"] else frozenset(),
        )


@dataclass(frozen=True)
class Session:
    """One login of a user, as its owner sees it; the token itself is nowhere but in the browser's cookie."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str
    is_this_one: bool


@dataclass(frozen=True)
class ApiToken:
    """A token that is not revoked, as its owner sees it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class OneTimeLink:
    """A link that was just made; `url` is known only now, the database keeps a hash."""

    user: User
    purpose: str
    """'invite' or 'reset'."""
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Welcome:
    """What the page behind a one-time link needs to know."""

    user: User
    purpose: str
    expires_at: datetime


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit log."""

    id: int
    happened_at: datetime
    user_name: str
    """Who did it; empty for the command line and for users that are gone."""
    action: str
    """What was done, 'user.disable'."""
    subject: str
    """What it was done to: 'user:12', 'module:plausible'."""
    subject_name: str
    """The user's name or address where the subject is one that exists; otherwise ''."""
    detail: Mapping[str, Any]
