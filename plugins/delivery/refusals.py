"""Refused requests, counted: strangers may send as many as they like, and cost a row for each reason and day."""

from __future__ import annotations

import time
from collections import Counter

import pymysql
import structlog

from app.database import Database, DatabaseUnavailable, utcnow
from plugins.delivery import repository
from plugins.delivery.codec import Failure

log = structlog.get_logger(__name__)

EVERY = 1.0
"""Seconds between two writes of one process."""


class Refusals:
    """One per process; what is still in memory when it ends is lost, which only makes a count too low."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._next = 0.0

    async def note(self, provider: str, reason: str) -> None:
        """Count one; never raises for a database that is away."""
        self._waiting[provider, reason] += 1
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        waiting, self._waiting = self._waiting, Counter()
        try:
            async with self._database.transaction() as conn:
                for (name, words), times in sorted(waiting.items()):
                    await repository.add_failures(conn, [Failure(name, words, utcnow())], times=times)
        except (DatabaseUnavailable, pymysql.err.MySQLError) as error:
            self._waiting.update(waiting)
            log.warning("refused delivery events are not counted now", error=type(error).__name__)
