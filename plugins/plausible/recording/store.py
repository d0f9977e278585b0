"""Puts batches into the database: repeats what may be repeated, sets aside what the database refuses."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

import pymysql
import structlog

from app.database import DUPLICATE, Database, DatabaseUnavailable
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording import metrics, statements
from plugins.plausible.recording.codec import encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.writing import write

log = structlog.get_logger(__name__)

REFUSES_ALL = frozenset({
    1015, 1021, 1026, 1030, 1036, 1037, 1038, 1040, 1041, 1047, 1053, 1114, 1135, 1180, 1203, 1205, 1206, 1213, 1226,
    1290, 1317, 1792, 1836, 1927, 1969, 3024, 3100, 3101, 3572, 4031,
})  # fmt: skip
"""Errors that say nothing of the event: the disk or a table is full, the server is read-only, out of memory, of
connections or of locks, is shutting down, is no part of its cluster, or ended the statement.

Source: https://mariadb.com/kb/en/mariadb-error-code-reference/ and MySQL's Server Error Message Reference.
"""
NO_PARENT = 1452


class Store:
    """One process's way into the tables."""

    def __init__(self, database: Database, known: KnownCopies) -> None:
        self._database = database
        self._known = known

    async def put(
        self, events: Sequence[TrackingEvent], *, check_keys: bool = False, lane: int = 0
    ) -> dict[bytes, str]:
        """Store events; by key 'stored', 'duplicate', 'unknown' or 'quarantined'.

        Afterwards each is durable or, if unknown, not ours. check_keys: some of them may be there already. Raises
        DatabaseUnavailable where the database takes none of them now; some may be stored all the same, so that
        whoever puts them again must check the keys. lane: which of several that put at the same time this is.
        """
        started = time.perf_counter()
        try:
            outcome = await self._attempt(events, check_keys, lane)
        except pymysql.err.Error as error:
            raise DatabaseUnavailable(f"the database takes no events now: {error.args[-1]}") from error
        metrics.COMMIT.observe(time.perf_counter() - started)
        metrics.BATCH.observe(len(events))
        return outcome

    async def _attempt(self, events: Sequence[TrackingEvent], check_keys: bool, lane: int) -> dict[bytes, str]:
        try:
            return await self._database.run(
                partial(write, events=events, known=self._known, check_keys=check_keys, lane=lane)
            )
        except pymysql.err.IntegrityError as error:
            if error.args[0] == DUPLICATE and not check_keys:
                return await self._attempt(events, True, lane)
            return await self._divide(events, error, lane)
        except pymysql.err.Error as error:
            if error.args and error.args[0] in REFUSES_ALL:
                raise
            return await self._divide(events, error, lane)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            # The driver cannot write it (a lone surrogate), or it trips over a fault of ours.
            return await self._divide(events, error, lane)

    async def _divide(self, events: Sequence[TrackingEvent], error: Exception, lane: int) -> dict[bytes, str]:
        """Find the event that is at fault by halves; whatever was remembered may be wrong by now."""
        self._known.clear()
        if len(events) > 1:
            middle = len(events) // 2
            found = await self._attempt(events[:middle], True, lane)
            return found | await self._attempt(events[middle:], True, lane)
        [event] = events
        async with self._database.transaction() as conn:
            await statements.quarantine(conn, encode(event), _words(error))
        metrics.QUARANTINED.inc()
        log.error("an event was set aside", kind=event.kind, error=type(error).__name__)
        return {event.key: "quarantined"}

    async def set_aside(self, record: bytes, error: Exception) -> None:
        """Quarantine a record that is no event. Raises DatabaseUnavailable."""
        try:
            async with self._database.transaction() as conn:
                await statements.quarantine(conn, record, _words(error))
        except pymysql.err.Error as refused:
            raise DatabaseUnavailable(f"the database takes no events now: {refused.args[-1]}") from refused
        metrics.QUARANTINED.inc()


def _words(error: Exception) -> str:
    """What went wrong, without the values that an error may repeat."""
    code = f" {error.args[0]}" if isinstance(error, pymysql.err.Error) and error.args else ""
    return f"{type(error).__name__}{code}"


def tally(outcomes: dict[bytes, str]) -> Counter[str]:
    """How many events ended in each way."""
    return Counter(outcomes.values())
