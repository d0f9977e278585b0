"""Refused requests, counted: strangers may send as many as they like, and cost a row for each reason and day."""

from __future__ import annotations

import asyncio
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
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._next = 0.0
        self._later: asyncio.Task[None] | None = None

    async def note(self, provider: str, reason: str) -> None:
        """Count one, now or within a second; never raises for a database that is away."""
        self._waiting[provider, reason] += 1
        if time.monotonic() >= self._next:
            await self._write()
        elif self._later is None:
            self._later = asyncio.get_running_loop().create_task(self._write_later())

    async def close(self) -> None:
        """Write what waits."""
        if self._later is not None:
            self._later.cancel()
        if self._waiting:
            await self._write()

    async def _write_later(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        finally:
            self._later = None
        await self._write()

    async def _write(self) -> None:
        self._next = time.monotonic() + EVERY
        waiting, self._waiting = self._waiting, Counter()
        try:
            async with self._database.transaction() as conn:
                for (name, words), times in sorted(waiting.items()):
                    await repository.add_failures(conn, [Failure(name, words, utcnow())], times=times)
        except (DatabaseUnavailable, pymysql.err.MySQLError) as error:
            self._waiting.update(waiting)
            log.warning("refused delivery events are not counted now", error=type(error).__name__)
