"""Figures of `/metrics` that stand in the database: each web process reads them now and then.

The worker, of whose work they tell, has no address that Prometheus could ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from app.database import DatabaseUnavailable

INTERVAL = 30.0
"""Seconds between two looks."""
MODE: Final = "livemostrecent"
"""How several web processes' figures become one: they all read the same."""
log = structlog.get_logger(__name__)


class Watch:
    """Keeps the gauges of one process up to date. name: of what, for the log. read: reads and sets them."""

    def __init__(self, name: str, read: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._read = read
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
        try:
            await self._read()
        except DatabaseUnavailable:
            pass
        except Exception as error:
            log.warning("figures are not read", of=self._name, reason=f"{type(error).__name__}: {error}")

    async def _repeat(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL)
