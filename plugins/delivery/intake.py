"""The one way in for events. They are durable when `take` returns: stored with all that follows, or on disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pymysql
import structlog

from app.database import Database, DatabaseUnavailable, utcnow
from app.hookspecs import CheckResult
from app.spool import Spool, SpoolUnavailable
from plugins.delivery import store
from plugins.delivery.codec import Arrived, BadRecord, Entry, Failure, decode, encode
from plugins.delivery.errors import Unavailable
from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.grouping import Groups
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.store import Taken

log = structlog.get_logger(__name__)

CONNECTIONS = 3
DEADLINE = 5.0
"""Seconds for one statement; providers wait for ten."""
ACQUIRE = 2.0
BATCH = 500
"""Events that are replayed by one transaction."""
LOOK = 1.0
"""Seconds between two looks at the spool."""
AWAY = 1.0
"""Seconds for which the database is not tried again after it failed."""


class Intake:
    """One per process.

    folder: of the spool, shared by all processes of the host. rules: the settings of what follows, as they are now.
    """

    def __init__(
        self,
        database: Database,
        *,
        folder: Path,
        cap_bytes: int,
        rules: Callable[[], FollowSettings] = FollowSettings,
    ) -> None:
        self._rules = rules
        self._database = database.sibling(size=CONNECTIONS, deadline=DEADLINE, acquire=ACQUIRE)
        self.spool = Spool(folder, cap_bytes=cap_bytes)
        self._groups = Groups(self._put)
        self._away_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    async def take(
        self, events: Sequence[DeliveryEvent], *, failures: Sequence[Failure] = (), token: str = ""
    ) -> Taken:
        """Keep events, match them with their copies and let follow what follows; each once, however often it comes.

        failures: what could not be read beside them. token: may vouch for one event only. Raises Unavailable where
        neither the database nor the spool takes them: whoever sent them shall come again.
        """
        now = utcnow()
        entries: list[Entry] = [Arrived(one, now, token) for one in events]
        entries += failures
        if not entries:
            return Taken()
        if time.monotonic() >= self._away_until:
            try:
                return await self._groups.put(entries)
            except (DatabaseUnavailable, pymysql.err.MySQLError) as error:
                self._gone(error)
        return await self._spool(entries)

    async def try_out(self, events: Sequence[DeliveryEvent]) -> Taken:
        """All that `take` does, taken back at the end. Raises DatabaseUnavailable."""
        return await store.put(
            self._database, [Arrived(one, utcnow()) for one in events], trial=True, rules=self._rules()
        )

    async def _put(self, entries: Sequence[Entry]) -> Taken:
        try:
            return await store.put(self._database, entries, rules=self._rules())
        except (pymysql.err.DataError, pymysql.err.IntegrityError):
            if len(entries) > 1:
                return await self._one_by_one(entries)
            return await store.put(self._database, [_refused(entries[0])])

    async def _one_by_one(self, entries: Sequence[Entry]) -> Taken:
        """One that the database refuses for what is in it must not hold up the others."""
        found = Taken()
        for one in entries:
            found += await self._put([one])
        return found

    async def _spool(self, entries: Sequence[Entry]) -> Taken:
        try:
            await self.spool.append_all([encode(one) for one in entries])
        except SpoolUnavailable as error:
            raise Unavailable(str(error)) from None
        return Taken(spooled=len(entries))

    def _gone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY
        log.error("delivery events go to the spool", error=type(error).__name__)

    # --- the replay -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to replay what waits, also what an ended process left."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; what is not replayed stays in the spool."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.spool.close()
        await self._database.close()

    async def _run(self) -> None:
        while True:
            try:
                await self.replay()
                self._said = ""
            except Exception as error:
                words = type(error).__name__
                if words != self._said:
                    log.warning("delivery events are not replayed", error=words)
                self._said = words
            await asyncio.sleep(LOOK)

    async def replay(self) -> int:
        """Store what waits; how many records. Raises DatabaseUnavailable, SpoolUnavailable."""
        if self.spool.is_empty:
            return 0
        async with self._database.connection() as conn:
            await conn.fetch_value("SELECT 1")
        count = await self.spool.replay(self._take_records, limit=BATCH)
        self._away_until = 0.0
        if count:
            log.info("delivery events were replayed", records=count)
        return count

    async def _take_records(self, records: Sequence[bytes]) -> None:
        entries: list[Entry] = []
        for record in records:
            try:
                entries.append(decode(record))
            except BadRecord as error:
                entries.append(Failure("spool", str(error), utcnow(), record.decode("ascii", "replace")))
        await self._put(entries)

    def readiness(self) -> CheckResult:
        """How the spool stands."""
        state = self.spool.state()
        words = f"{state.records:,} delivery events wait for the database" if state.records else "empty"
        return CheckResult("Delivery spool", not state.alarm, f"{state.alarm} ({words})" if state.alarm else words)


def _refused(entry: Entry) -> Failure:
    if isinstance(entry, Failure):
        return Failure(entry.provider, entry.reason[:200], entry.at)
    return Failure(entry.event.provider, "The database refused what is in the event.", entry.at, entry.event.raw)
