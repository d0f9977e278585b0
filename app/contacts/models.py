"""The people who write to us, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Contact:
    """One person with all their addresses."""

    id: int
    name: str
    email: str
    """The address we write to first."""
    notes: str
    created_at: datetime
    updated_at: datetime
    tracking: str
    """What they decided about being tracked: 'unknown', 'allowed' or 'refused'; see `app.consent`."""
    addresses: tuple[str, ...]
    """All addresses they write from, `email` first."""

    @property
    def version(self) -> str:
        """Changes with each change of name or notes; a form that carries it back can tell."""
        return self.updated_at.strftime("%Y%m%d%H%M%S%f")


@dataclass(frozen=True)
class ContactRow:
    """One line of the list of contacts."""

    id: int
    name: str
    email: str
    addresses: int
    """How many addresses they write from."""
    last_activity_at: datetime | None
    """When something last happened in one of their tickets; None where they have none."""


@dataclass(frozen=True)
class ContactPage:
    """One page of contacts, by name. The places are contacts' ids, 0 where there is no such page."""

    rows: tuple[ContactRow, ...]
    previous: int = 0
    next: int = 0
