"""Canned replies as the rest of the portal sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Canned:
    """One canned reply."""

    id: int
    user_id: int | None
    """Whose it is; None where that account is gone."""
    user_name: str | None
    is_shared: bool
    """Whether all agents see it; otherwise only its owner."""
    title: str
    body_html: str
    used: int
    """How often it was put into an answer."""
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Canned:
        """From a row with the columns of `repository.COLUMNS`."""
        return cls(**{**row, "is_shared": bool(row["is_shared"])})
