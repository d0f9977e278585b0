"""What the portal and its modules give each other about what became of mails: figures for the reports, single events.

Plugins import them from `app.hookspecs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EVENT_KINDS = (
    "queued", "sent", "failed", "unknown", "open", "click", "delivered", "deferred", "bounced", "complained",
    "unsubscribed",
)  # fmt: skip
"""Of `MailEvent.kind`; the first four are the portal's own."""
MADE_BY = ("human", "human_proxy", "privacy_prefetch", "scanner", "bot", "preview", "self")
"""Of `MailEvent.made_by`."""


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Opens and clicks of one copy that have a link, or a mail program, in common."""

    kind: Literal["link", "client"]
    name: str
    """Of a link its whole address, of which the portal keeps host and path; of a program its name for people."""
    opens: int = 0
    machine_opens: int = 0
    clicks: int = 0
    machine_clicks: int = 0
    unknown_clicks: int = 0
    """Of which nobody says whether a person made them."""


@dataclass(frozen=True, slots=True)
class CopyCounts:
    """What a module counts of one copy; the portal's own looks are in none of these."""

    recipient_id: int
    clicked: int = 0
    """1 where a person followed a link; of a change, -1 where that is taken back."""
    opens: int = 0
    """By people, and by machines."""
    machine_opens: int = 0
    clicks: int = 0
    machine_clicks: int = 0
    unknown_opens: int = 0
    """Of which nobody says whether a person made them; likewise the next."""
    unknown_clicks: int = 0
    items: tuple[ItemCounts, ...] | None = ()
    """None: no longer known, because single events are gone. A copy's row may be missing where all of it is zero."""


@dataclass(frozen=True)
class MailEventQuery:
    """Which events a page of them is about, newest first."""

    since: datetime
    until: datetime
    """From `since` to before `until`; aware."""
    limit: int
    after: str | None = None
    """`MailEvent.position` of the last of the module's own that was shown; None: from `until` on."""
    kinds: frozenset[str] | None = None
    """Out of EVENT_KINDS; None for all. Likewise the others."""
    made_by: frozenset[str] | None = None
    """Out of MADE_BY; what has no class is left out where it is given."""
    recipient_ids: tuple[int, ...] | None = None
    """Copies, ascending, at most 1,000."""


@dataclass(frozen=True)
class MailEvent:
    """One thing that happened to one copy of a mail."""

    position: str
    """The place in the module's own order, which is by time: any text of at most 64 printable ASCII characters without
    '~' or ','. It comes back as `MailEventQuery.after`."""
    happened_at: datetime
    kind: str
    recipient_id: int | None
    """None where nobody knows whose it is."""
    email: str = ""
    """The address where `recipient_id` is None."""
    made_by: str = ""
    """Who made a request, out of MADE_BY; '' where that is no question, or not known."""
    reason: str = ""
    """Why we say so, or the other side's words."""
    detail: str = ""
    """The followed link, a status code."""
    client: str = ""
    """The program, for people."""
    times: int = 1
    """Requests that this stands for."""
