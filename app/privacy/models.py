"""Erasures, as pages and commands show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Part:
    """What one part of the portal has to erase. name: 'portal' or a module's slug."""

    erasure_id: int
    name: str
    state: str
    """'waiting', 'failed' or 'done'."""
    counts: Mapping[str, int]
    words: str
    """Why it is not done."""
    attempts: int
    next_at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class Erasure:
    """One request to erase a contact."""

    id: int
    contact_id: int
    requested_at: datetime
    requested_by: str
    """The admin's name; '' for the command line, or where the account is gone."""
    keeps_ours: bool
    finished_at: datetime | None
    parts: tuple[Part, ...]

    @property
    def failed(self) -> tuple[Part, ...]:
        """The parts that could not be done so far."""
        return tuple(part for part in self.parts if part.state == "failed")
