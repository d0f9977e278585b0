"""What of the news a page may hear: nothing of tickets that its reader may not see."""

from __future__ import annotations

import time
from collections.abc import Sequence

from app.live.events import Event
from app.tickets import access, visibility

KEPT = 5.0
"""Seconds for which what was found of a ticket is believed: busy tickets have many news a second."""


class Sight:
    """For one page of whoever looks. Costs nothing for those who see everything."""

    def __init__(self) -> None:
        self._visible: dict[int, bool] = {}
        self._since = 0.0

    async def of(self, events: Sequence[Event]) -> list[Event]:
        """Those of these events that may be told. Raises DatabaseUnavailable."""
        if not access.is_limited():
            return list(events)
        now = time.monotonic()
        if now - self._since > KEPT:
            self._visible, self._since = {}, now
        tickets = {one.detail["ticket_id"] for one in events if "ticket_id" in one.detail}
        if unknown := tickets - self._visible.keys():
            seen = await visibility.visible(unknown)
            self._visible |= {one: one in seen for one in unknown}
        return [one for one in events if self._visible.get(one.detail.get("ticket_id", 0), "user_id" in one.detail)]
