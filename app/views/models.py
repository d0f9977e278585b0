"""A saved view."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A name for a list of tickets."""

    id: int
    user_id: int
    owner: str
    """The name of the agent who saved it."""
    name: str
    query: str
    """Arguments of /tickets; "me" in it is whoever looks."""
    is_shared: bool
    """All agents see it; only its owner and admins change it."""

    @property
    def href(self) -> str:
        """Where the list is."""
        return f"/tickets?{self.query}" if self.query else "/tickets"
