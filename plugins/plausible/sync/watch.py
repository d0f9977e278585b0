"""What `/metrics` says of the sync: the account as the database has it, read by each web process now and then.

The worker, which sends, has no address that Prometheus could ask; docs/operations.md says what each means.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prometheus_client import Gauge

from app.database import Database, utcnow
from app.services.web import WATCH_MODE as MODE
from app.services.web import Watch
from plugins.plausible.sync.account import Account, account
from plugins.plausible.sync.outcome import Outcome

EVENTS = Gauge(
    "myportal_plausible_events",
    "Events that are done with, by what became of them, since the first one.",
    ["outcome"],
    multiprocess_mode=MODE,
)
WAITING = Gauge("myportal_plausible_waiting_events", "Events that are still to be sent.", multiprocess_mode=MODE)
OLDEST = Gauge(
    "myportal_plausible_oldest_waiting_seconds", "Age of the oldest event that waits.", multiprocess_mode=MODE
)
PACE = Gauge("myportal_plausible_minute_events", "Events done with in the last whole minute.", multiprocess_mode=MODE)
FAILING = Gauge("myportal_plausible_failing", "Whether the instance fails: 1 or 0.", multiprocess_mode=MODE)


def show(found: Account, now: datetime) -> None:
    """Set the gauges."""
    for outcome in Outcome:
        if outcome is not Outcome.WAITING:
            EVENTS.labels(outcome.value).set(found.totals[outcome])
    WAITING.set(found.totals[Outcome.WAITING])
    OLDEST.set(max(0.0, (now - found.oldest_waiting).total_seconds()) if found.oldest_waiting else 0.0)
    PACE.set(found.pace)
    FAILING.set(bool(found.problem))


def sync_watch(database: Database, is_enabled: Callable[[], bool]) -> Watch:
    """Keeps the gauges of one process up to date while the module is enabled."""

    async def read() -> None:
        if not is_enabled():
            return
        async with database.connection() as conn:
            now = utcnow()
            show(await account(conn, now=now), now)

    return Watch("the sync", read)
