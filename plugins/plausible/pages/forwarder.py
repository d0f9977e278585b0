"""Passes events on to Plausible beside the requests: what does not get through soon is dropped, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx

from app.database import utcnow
from app.services import outbound
from plugins.plausible.pages import metrics
from plugins.plausible.sync.outcome import Outcome, of_answer, of_error

MOST_WAITING = 500
LANES = 4
TIMEOUT = 5.0
MAX_ANSWER = 64_000
LATEST = 30.0
"""Seconds: Plausible dates an event when it comes, so that one that waited longer would lie."""


@dataclass(frozen=True)
class Waiting:
    """An event on its way."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    since: float


class Forwarder:
    """One web process's way out."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(MOST_WAITING)
        self._lanes: list[asyncio.Task[None]] = []
        self._client: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Begin, inside a running portal."""
        self._lanes = [asyncio.create_task(self._lane()) for _ in range(LANES)]

    async def close(self) -> None:
        """End; what still waits is dropped."""
        for lane in self._lanes:
            lane.cancel()
        for lane in self._lanes:
            with suppress(asyncio.CancelledError):
                await lane
        self._lanes = []
        while not self._queue.empty():
            self._queue.get_nowait()
            metrics.count("late")
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def take(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send this soon; never waits."""
        try:
            self._queue.put_nowait(Waiting(url, body, headers, time.monotonic()))
        except asyncio.QueueFull:
            metrics.count("overload")

    async def _lane(self) -> None:
        while True:
            event = await self._queue.get()
            metrics.count("late" if time.monotonic() - event.since > LATEST else await self._sent(event))

    async def _sent(self, event: Waiting) -> str:
        if self._client is None:
            self._client = outbound.client(timeout=TIMEOUT, max_bytes=MAX_ANSWER, connections=LANES)
        headers = {"Content-Type": "application/json", **event.headers}
        try:
            response = await self._client.post(event.url, content=event.body, headers=headers)
            result = of_answer(response.status_code, response.headers, response.content, now=utcnow())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            result = of_error(error)
        known = {Outcome.ACCEPTED: "accepted", Outcome.DROPPED: "dropped", Outcome.REJECTED: "rejected"}
        return known.get(result.outcome, "failed")
