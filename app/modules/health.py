"""Writes down plugin failures, so that the module page shows those of every process."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from app.database import Database, DatabaseUnavailable
from app.modules import repository

log = structlog.get_logger(__name__)

INTERVAL = 1.0
"""Seconds between two notes, so that a plugin that fails on every mail costs one UPDATE a second."""


class HealthNotes:
    """Collects failures in memory and writes them in the background."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[str] = Counter()
        self._words: dict[str, str] = {}
        self._writing = asyncio.Lock()

    def note(self, slug: str, hook: str, message: str) -> None:
        """Remember one failure. Callable from any hook call; never waits."""
        self._counts[slug] += 1
        self._words[slug] = f"{hook}: {message}"

    async def flush(self) -> None:
        """Write what was remembered; what cannot be written now stays for the next time."""
        async with self._writing:
            counts, self._counts = self._counts, Counter()
            for slug, count in counts.items():
                try:
                    async with self._database.transaction() as conn:
                        await repository.record_error(conn, slug=slug, message=self._words[slug], count=count)
                except DatabaseUnavailable as error:
                    self._counts[slug] += count
                    log.warning("plugin failures not written down yet", plugin=slug, error=str(error))

    async def watch(self) -> None:
        """Flush for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            await self.flush()
