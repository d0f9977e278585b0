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

    @property
    def is_admin(self) -> bool:
        """Whether this user may change accounts and modules."""
        return self.role == "admin"

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
        )
