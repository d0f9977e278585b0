"""Puts batches into the database: repeats what may be repeated, sets aside what the database refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import pymysql
import structlog

from app.database import DUPLICATE, Database, DatabaseUnavailable
from plugins.plausible.events import LONGEST_REFERRER, LONGEST_USER_AGENT, TrackingEvent
from plugins.plausible.links import LONGEST
from plugins.plausible.recording import arrivals, metrics, statements
from plugins.plausible.recording.codec import encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.refusals import Refusals
from plugins.plausible.recording.writing import write

log = structlog.get_logger(__name__)

REFUSES_ALL = frozenset({
    1015, 1016, 1021, 1026, 1030, 1034, 1036, 1037, 1038, 1040, 1041, 1044, 1045, 1047, 1049, 1053, 1054, 1114, 1135,
    1142, 1143, 1146, 1180, 1194, 1195, 1203, 1205, 1206, 1213, 1223, 1226, 1227, 1290, 1317, 1364, 1412, 1615, 1637,
    1712, 1792, 1836, 1877, 1927, 1932, 1969, 3024, 3100, 3101, 3572, 4031,
})  # fmt: skip
"""Errors that say nothing of the event: the disk or a table is full, the server is read-only, out of memory, of
connections or of locks, is shutting down, is no part of its cluster, or ended the statement; a table or column is
missing or damaged (a migration that did not run), or the user may not write.

Source: https://mariadb.com/kb/en/mariadb-error-code-reference/ and MySQL's Server Error Message Reference.
"""
MOST_TEXT = 500_000
"""Characters in one transaction: at four bytes each and with escapes still below the least `max_allowed_packet` that is
usual (4 MB). Strangers choose how long their headers are.
"""

FEW = MOST_TEXT // (LONGEST + LONGEST_USER_AGENT + LONGEST_REFERRER)
"""Events that never have more."""


class Store:
    """One process's way into the tables."""

    def __init__(self, database: Database, known: KnownCopies, around: Surroundings | None = None) -> None:
        self._database = database
        self._known = known
        self._around = around or Surroundings()
        self._refusals = Refusals(database, known)

    async def put(
        self, events: Sequence[TrackingEvent], *, check_keys: bool = False, defer: bool = False, lane: int = 0
    ) -> dict[bytes, str]:
        """Store events; by key 'stored', 'duplicate', 'unknown' or 'quarantined'.

        Afterwards each is durable or, if unknown, not ours. check_keys: some of them may be there already. Raises
        DatabaseUnavailable where the database takes none of them now; some may be stored all the same, so that
        whoever puts them again must check the keys. lane: which of several that put at the same time this is.

        defer: store them now and judge them later. All are 'stored' then: which of them are ours and which are there
        already is asked when they are judged.
        """
        outcome: dict[bytes, str] = {}
        for part in _parts(events):
            started = time.perf_counter()
            try:
                outcome |= await (self._append(part) if defer else self._put(part, check_keys, lane))
            except pymysql.err.Error as error:
                raise _takes_none(error) from error
            metrics.COMMIT.observe(time.perf_counter() - started)
            metrics.BATCH.observe(len(part))
        return outcome

    async def _put(self, events: Sequence[TrackingEvent], check_keys: bool, lane: int) -> dict[bytes, str]:
        await self._refusals.heed()
        return await self._attempt(events, check_keys, lane)

    async def _append(self, events: Sequence[TrackingEvent]) -> dict[bytes, str]:
        """Store events without judging them; where that fails for another reason than the database, one by one."""
        try:
            # One statement, which is a transaction of its own.
            async with self._database.connection() as conn:
                conn.later(arrivals.add(events))
                await conn.flush()
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if _code(error) in REFUSES_ALL:
                raise
            # One of them is at fault.
            return await self._put(events, True, 0)
        return dict.fromkeys([event.key for event in events], "stored")

    async def _attempt(
        self, events: Sequence[TrackingEvent], check_keys: bool, lane: int, *, afresh: bool = False
    ) -> dict[bytes, str]:
        """afresh: nothing was remembered when these events failed before, alone."""
        try:
            work = partial(
                write, events=events, known=self._known, around=self._around, check_keys=check_keys, lane=lane
            )
            written = await self._database.run(work)
            self._known.add_records(written.records)
            return written.outcome
        except DatabaseUnavailable:
            raise
        except Exception as error:
            # Not only the database's errors: the driver cannot write a lone surrogate, or trips over a fault of ours.
            code = _code(error)
            if code in REFUSES_ALL:
                raise
            if code == DUPLICATE and not check_keys:
                return await self._attempt(events, True, lane)
            return await self._divide(events, error, lane, afresh=afresh)

    async def _divide(
        self, events: Sequence[TrackingEvent], error: Exception, lane: int, *, afresh: bool
    ) -> dict[bytes, str]:
        """Find the event that is at fault by halves."""
        # Whatever was remembered may be wrong by now.
        self._known.clear()
        if len(events) > 1:
            middle = len(events) // 2
            found = await self._attempt(events[:middle], True, lane)
            return found | await self._attempt(events[middle:], True, lane)
        if not afresh:
            # What was remembered may have been at fault; or another transaction, that nobody could see when the keys
            # were checked, stored this very event meanwhile.
            return await self._attempt(events, True, lane, afresh=True)
        [event] = events
        await self._quarantine(encode(event), error)
        log.error("an event was set aside", kind=event.kind, error=type(error).__name__)
        return {event.key: "quarantined"}

    async def set_aside(self, record: bytes, error: Exception) -> None:
        """Quarantine a record that is no event. Raises DatabaseUnavailable."""
        try:
            await self._quarantine(record, error)
        except pymysql.err.Error as refused:
            raise _takes_none(refused) from refused

    async def _quarantine(self, record: bytes, error: Exception) -> None:
        async with self._database.transaction() as conn:
            is_new = await statements.quarantine(conn, record, _words(error))
        metrics.QUARANTINED.inc(is_new)


def _takes_none(error: pymysql.err.Error) -> DatabaseUnavailable:
    reason = error.args[-1] if error.args and error.args[0] in REFUSES_ALL else _words(error)
    return DatabaseUnavailable(f"the database takes no events now: {reason}")


def _code(error: Exception) -> int | None:
    """The server's number of an error; None for errors of others."""
    return error.args[0] if isinstance(error, pymysql.err.Error) and error.args else None


def _words(error: Exception) -> str:
    """What went wrong, without the values that an error may repeat."""
    code = _code(error)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def _parts(events: Sequence[TrackingEvent]) -> Iterator[Sequence[TrackingEvent]]:
    """The events in order, in parts of at most MOST_TEXT characters or one event."""
    if len(events) <= FEW:
        yield events
        return
    start = size = 0
    for number, event in enumerate(events):
        added = len(event.url or "") + len(event.user_agent or "") + len(event.referrer or "")
        if size + added > MOST_TEXT and number > start:
            yield events[start:number]
            start, size = number, 0
        size += added
    yield events[start:]
