"""What `/metrics` says of the sync: the account as the database has it, read by each web process now and then.

The worker, which sends, has no address that Prometheus could ask; docs/operations.md says what each means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import Gauge

from app.database import Database, DatabaseUnavailable, utcnow
from plugins.plausible.sync.account import Account, account
from plugins.plausible.sync.outcome import Outcome

INTERVAL = 30.0
"""Seconds between two looks."""
MODE: Final = "livemostrecent"
log = structlog.get_logger(__name__)

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


class SyncWatch:
    """Keeps the gauges of one process up to date while the module is enabled."""

    def __init__(self, database: Database, is_enabled: Callable[[], bool]) -> None:
        self._database = database
        self._is_enabled = is_enabled
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on, in a task of its own."""
        self._task = asyncio.create_task(self._repeat())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Once. While the database is away the last figures stay; other alarms tell of that."""
        if not self._is_enabled():
            return
        try:
            async with self._database.connection() as conn:
                now = utcnow()
                show(await account(conn, now=now), now)
        except DatabaseUnavailable:
            pass
        except Exception as error:
            log.warning("the account of the sync is not read", reason=f"{type(error).__name__}: {error}")

    async def _repeat(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL)
