"""How templates/tickets/_rows.html writes what a line of tickets says."""

from __future__ import annotations

from app.receipts.models import Badge
from app.tickets.page import with_time
from app.tickets.rules import PRIORITIES, STATUSES

_BADGE_HOLDS = 18
"""Letters that the badge's column shows whole; "Read by 1 of 4 17:05" is longer."""


def row_badge(badge: Badge) -> Badge:
    """The badge with its moment in its words where the column has room for both; the popover has it in any case."""
    timed = with_time(badge)
    return timed if len(timed.word) <= _BADGE_HOLDS else badge


ROW_WORDS = {"statuses": STATUSES, "priorities": PRIORITIES, "badge": row_badge}
