"""The dashboard's figures, read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from app.dashboard import repository, rules
from app.dashboard.models import Now
from app.dashboard.rules import AgentLine, Day, Times
from app.database import utcnow
from app.receipts import figures
from app.receipts import service as receipts
from app.runtime import current


@dataclass(frozen=True)
class Dashboard:
    """What the page shows."""

    now: Now
    days: Sequence[Day]
    first_response: Times
    unanswered: int
    """Of the tickets that were opened in the period, those without an answer yet."""
    resolution: Times
    sent: int
    tracked: int
    read: int
    shows_reading: bool
    """Whether a module that reports of reading is on."""
    agents: Sequence[AgentLine]


async def dashboard(days: int, *, zone: tzinfo, now: datetime | None = None) -> Dashboard:
    """The desk now, and over the last `days` days of the reader's time zone, today among them."""
    now = now or utcnow()
    since = rules.start_of(days, now, zone)
    shows_reading = "read" in await receipts.visible_states()
    async with current().database.connection() as conn:
        present = await repository.now(conn)
        opened = await repository.opened(conn, since)
        closed = await repository.closed(conn, since)
        replies = await figures.replies_since(conn, since)
        agents = await repository.agents(conn)
    return Dashboard(
        now=present,
        days=rules.by_day(opened, closed, days=days, now=now, zone=zone),
        first_response=rules.times(rules.response_times(opened), rules.ANSWERED_WITHIN),
        unanswered=rules.unanswered(opened),
        resolution=rules.times(rules.resolution_times(closed), rules.RESOLVED_WITHIN),
        sent=sum(one.sent for one in replies),
        tracked=sum(one.tracked for one in replies),
        read=sum(one.read for one in replies),
        shows_reading=shows_reading,
        agents=rules.lines(agents, replies, closed),
    )
