"""Wait for what other tasks, threads and processes do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable


async def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until the condition, or what it lets us await, holds; raises TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if await held if isawaitable(held) else held:
                return
            await asyncio.sleep(0.01)
