"""The portal's own copy of Plausible's script: fetched now and then, and kept while Plausible is away."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx
import structlog

from app.services import outbound

log = structlog.get_logger(__name__)

FRESH = 6 * 3600.0
"""Seconds after which a copy is fetched anew; until the new one is there, the old one is given."""
PAUSE = 60.0
"""Seconds between two tries after one failed."""
PATIENCE = 3.0
"""Seconds for which a browser waits for the first copy; the page waits for none."""
TIMEOUT = 5.0
MOST = 200_000
"""Bytes; the script has some 8,000."""
KINDS = frozenset({"application/javascript", "text/javascript", "application/x-javascript"})


@dataclass(frozen=True)
class Copy:
    """A script as it came."""

    url: str
    body: bytes
    fetched_at: float

    @property
    def etag(self) -> str:
        """What tells this content from others."""
        return hashlib.sha256(self.body).hexdigest()[:20]


class NoScript(Exception):
    """What came is no script; the message says what it was."""


class ScriptCopy:
    """One process's copy."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._copy: Copy | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._fetching_url = ""
        self._not_before = 0.0

    async def get(self, url: str) -> Copy | None:
        """The copy of the script at `url`, old or new; None where there is none yet."""
        if self._fetching_url != url:
            await self.close()
            self._fetching_url, self._not_before = url, 0.0
        copy = self._copy if self._copy and self._copy.url == url else None
        is_due = copy is None or self._clock() - copy.fetched_at >= FRESH
        if is_due and self._fetching is None and self._clock() >= self._not_before:
            self._fetching = asyncio.create_task(self._fetch(url))
        if copy is None and self._fetching is not None:
            await asyncio.wait({self._fetching}, timeout=PATIENCE)
            copy = self._copy if self._copy and self._copy.url == url else None
        return copy

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching
            self._fetching = None

    async def _fetch(self, url: str) -> None:
        try:
            body = await fetched(url)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, NoScript) as error:
            self._not_before = self._clock() + PAUSE
            log.warning("Plausible's script could not be fetched", error=str(error) or type(error).__name__)
        else:
            self._copy = Copy(url, body, self._clock())
        finally:
            if self._fetching is asyncio.current_task():
                self._fetching = None


async def fetched(url: str) -> bytes:
    """A script from Plausible. Raises NoScript, and what `outbound.client` raises."""
    async with outbound.client(timeout=TIMEOUT, max_bytes=MOST, connections=1) as client:
        response = await client.get(url)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code != 200:
        raise NoScript(f"Plausible answered {response.status_code}")
    if kind not in KINDS:
        raise NoScript(f"Plausible answered with {kind or 'something without a content type'}, which is no script")
    if not response.content.strip():
        raise NoScript("Plausible answered with an empty script")
    return response.content
