"""What is known of consent, as pages and rules use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Decision:
    """What somebody decided about being tracked."""

    decision: str = "unknown"
    """'unknown', 'allowed' or 'refused'."""
    at: datetime | None = None
    """None where nothing was ever decided."""
    source: str = ""
    """'agent', 'page' (the opt-out page), 'api' or 'import'."""
    by: str = ""
    """The name of the user who wrote it down; '' where nobody did."""


UNDECIDED = Decision()


@dataclass(frozen=True)
class DepartmentPolicy:
    """What a department says about tracking."""

    name: str
    tracking: str
    """'inherit', 'off', 'opens', 'clicks' or 'both'."""


@dataclass(frozen=True)
class Tracking:
    """What one copy may report, and why."""

    opens: bool
    clicks: bool
    why: str
    """In a few words without a full stop: "refused on 3 May 2026 by the opt-out page"."""

    @property
    def kinds(self) -> frozenset[str]:
        """'opens' and 'clicks', as far as they may be tracked."""
        return frozenset(kind for kind, on in (("opens", self.opens), ("clicks", self.clicks)) if on)


@dataclass(frozen=True)
class Outlook:
    """What the composer says of tracking before a reply is sent."""

    is_default: bool
    """Whether the reply is tracked when nobody touches the switch."""
    can_switch: bool
    """Whether the switch makes a difference."""
    on: str
    """What is tracked with the switch on, in words."""
    off: str
    """Why nothing is tracked with it off, in words."""
    is_possible: bool = True
    """Whether any module tracks at all."""


@dataclass(frozen=True)
class Reader:
    """The recipient of a mail, as the opt-out page knows them."""

    recipient_id: int
    email: str
    name: str
    decision: Decision
