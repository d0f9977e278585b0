"""Tags as the rest of the portal sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """One tag. tickets: how many have it."""

    id: int
    name: str
    tickets: int = 0
