"""Ids that do not carry our mark: made before there was one, under a key that is gone, or made up.

They are asked for in groups, a bounded number of times a second, whatever their rate; those that carry the mark never
wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pymysql

from app.database import Connection, Database, DatabaseUnavailable
from app.sql import in_parts
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy
from plugins.plausible.recording.limits import WINDOW
from plugins.plausible.recording.reading import LOOKUP, tracked_copies

PAUSE = 0.02
"""Seconds between two questions."""
DEADLINE = 0.5
"""Seconds for one question."""
MOST_WAITING = 2000
MOST_UNKNOWN = 20_000
"""Ids that are remembered as unknown."""


class Lookup:
    """Asks whether ids name a tracked copy."""

    def __init__(self, database: Database, known: KnownCopies) -> None:
        self._database = database
        self._known = known
        self._unknown: set[str] = set()
        self._forget_at = 0.0
        self._waiting: dict[str, asyncio.Future[bool | None]] = {}
        self._asker: asyncio.Task[None] | None = None

    async def ask(self, tracking_id: str, *, within: float | None = None) -> bool | None:
        """Whether this is a tracked copy's id; None where the database does not tell, or too many are asked for.

        within: seconds that the caller can wait; None as long as the question takes.
        """
        if self._known.get(tracking_id) is not None:
            return True
        if tracking_id in self._unknown:
            return False
        future = self._waiting.get(tracking_id)
        if future is None:
            if len(self._waiting) >= MOST_WAITING:
                return None
            loop = asyncio.get_running_loop()
            future = self._waiting[tracking_id] = loop.create_future()
            if self._asker is None:
                self._asker = loop.create_task(self._ask())
        done, _ = await asyncio.wait({future}, timeout=within)
        return future.result() if done else None

    async def close(self) -> None:
        """Let everybody go."""
        if self._asker is not None:
            self._asker.cancel()
            await asyncio.gather(self._asker, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            while self._waiting:
                group = list(self._waiting)[:LOOKUP]
                found = await self._resolve(group)
                for tracking_id in group:
                    told = None if found is None else tracking_id in found
                    if told is False:
                        self._unknown.add(tracking_id)
                    self._waiting.pop(tracking_id).set_result(told)
                await asyncio.sleep(PAUSE)
        finally:
            self._asker = None
            for future in self._waiting.values():
                future.set_result(None)
            self._waiting.clear()

    async def _resolve(self, group: list[str]) -> Mapping[str, TrackedCopy] | None:
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at or len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
            self._forget_at = now + WINDOW
        try:
            async with asyncio.timeout(DEADLINE), self._database.connection() as conn:
                return await resolve(conn, group, self._known)
        except (DatabaseUnavailable, TimeoutError, pymysql.err.Error):
            return None


async def resolve(conn: Connection, tracking_ids: Sequence[str], known: KnownCopies) -> dict[str, TrackedCopy]:
    """Which copies these ids name, as far as they are tracked; what `known` does not hold is asked for and added."""
    copies = known.among(tracking_ids)
    missing = [one for one in dict.fromkeys(tracking_ids) if one not in copies]
    for some in in_parts(missing, LOOKUP):
        found = await tracked_copies(conn, some)
        known.add(found)
        copies |= found
    return copies
