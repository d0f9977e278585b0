"""Assignment rules, as pages and tickets use them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Opened:
    """What rules look at of a new ticket."""

    mailbox_id: int | None = None
    """The mailbox by which its mail came; None for tickets that come another way."""
    department_id: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agent:
    """Who may get tickets by a rule."""

    id: int
    name: str
    is_away: bool
    is_disabled: bool

    @property
    def takes(self) -> bool:
        """Whether they get tickets now."""
        return not (self.is_away or self.is_disabled)


@dataclass(frozen=True)
class Rule:
    """One rule: where one of the conditions fits, or where it has none, its agents get the ticket in turn."""

    id: int
    name: str
    mailbox_ids: tuple[int, ...]
    department_ids: tuple[int, ...]
    tags: tuple[str, ...]
    agents: tuple[Agent, ...]
    """By id."""
    last_user_id: int | None
    """Who got the last ticket by it."""


@dataclass(frozen=True)
class Assigned:
    """What a rule decided."""

    rule: Rule
    agent: Agent
