"""Departments, as pages and tickets use them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Department:
    """A part of the house that answers tickets."""

    id: int
    name: str
    email: str
    """Its address; '' where it has none of its own."""
    tracking: str
    """What is tracked of its mails: one of `app.consent.rules.POLICIES`."""
    updated_at: datetime
