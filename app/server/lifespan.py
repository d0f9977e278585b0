"""The application's start and end, as the ASGI specification has them (lifespan protocol 2.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class LifespanFailed(Exception):
    """The application did not start, or did not end cleanly; the message is its own."""


class Lifespan:
    """Ours and not Granian's, because Granian ends the application only after the last client has left."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self._to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Raises LifespanFailed."""
        self._task = asyncio.create_task(self._run())
        await self._ask("lifespan.startup")

    async def shutdown(self) -> None:
        """Raises LifespanFailed."""
        await self._ask("lifespan.shutdown")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:
            await self._from_app.put({"type": "failed", "message": f"{type(error).__name__}: {error}"})

    async def _ask(self, what: str) -> None:
        await self._to_app.put({"type": what})
        answer = await self._from_app.get()
        if answer["type"] != f"{what}.complete":
            raise LifespanFailed(answer.get("message") or answer["type"])
