"""The pool, transactions, deadlines and retries: the only place that touches a connection.

aiomysql has no read timeout and silently drops work that is open when a connection goes back to its pool. So every
statement here has a deadline, a connection that was cancelled or broke is closed and never reused, and all writing
happens inside `transaction()` or `run()`. Times are UTC; DATETIME columns come back as aware datetimes.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiomysql
import pymysql
import structlog
from pymysql.constants import CLIENT, ER, FIELD_TYPE, SERVER_STATUS
from pymysql.converters import conversions, convert_datetime

from app.settings import DatabaseAddress

log = structlog.get_logger(__name__)

Row = dict[str, Any]
Parameters = Mapping[str, Any] | Sequence[Any] | None
T = TypeVar("T")

STATEMENT_DEADLINE = 10.0
"""Seconds that one statement may take before its connection is given up."""
ACQUIRE_DEADLINE = 5.0
"""Seconds to wait for a free connection, or for the server to answer a new one."""
IDLE_CHECK = 2.0
"""A connection unused for longer than this many seconds is pinged before use: the server may have restarted."""
RETRIES = 5
SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE"

DEADLOCK = {ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT}
LOST = {2003, 2006, 2013, 2055}
DUPLICATE = ER.DUP_ENTRY


class DatabaseUnavailable(Exception):
    """The database does not answer: no connection, lost in the middle, or past the deadline."""


def utcnow() -> datetime:
    """Now, aware, with microseconds, as DATETIME(6) keeps them."""
    return datetime.now(UTC)


def _aware(text: str) -> datetime | str:
    value = convert_datetime(text)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else text


def _in_utc(value: Any) -> Any:
    """Datetimes as the server wants them; a naive one is a mistake of ours and must not be guessed at."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"a naive datetime must not reach the database: {value!r}; use app.database.utcnow()")
    return value.astimezone(UTC).replace(tzinfo=None)


def _prepared(parameters: Parameters) -> Parameters:
    if isinstance(parameters, Mapping):
        return {name: _in_utc(value) for name, value in parameters.items()}
    return [_in_utc(value) for value in parameters] if parameters is not None else None


_CONVERSIONS: dict[Any, Any] = {
    **conversions,
    FIELD_TYPE.DATETIME: _aware,
    FIELD_TYPE.TIMESTAMP: _aware,
}


class Connection:
    """One connection with the few verbs that repositories use; every statement has a deadline.

    first: statements that go out with the first one.
    """

    def __init__(self, raw: Any, deadline: float, *first: str) -> None:
        self._raw = raw
        self._deadline = deadline
        self._queued = list(first)

    async def fetch_all(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """All rows of one SELECT, as dictionaries."""
        _, rows, _ = await self._run(sql, parameters)
        return rows

    async def fetch_one(self, sql: str, parameters: Parameters = None) -> Row | None:
        """The first row of one SELECT, or None."""
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None where there is no row."""
        row = await self.fetch_one(sql, parameters)
        return next(iter(row.values())) if row else None

    async def execute(self, sql: str, parameters: Parameters = None) -> int:
        """Run one statement; the number of rows it touched (found rows, not only changed ones)."""
        count, _, _ = await self._run(sql, parameters)
        return count

    async def insert(self, sql: str, parameters: Parameters = None) -> int:
        """Run one INSERT; the AUTO_INCREMENT id it made."""
        _, _, last_id = await self._run(sql, parameters)
        return last_id

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> int:
        """Run one `INSERT ... VALUES (...)` for many rows as multi-row statements."""
        if not rows:
            return 0
        await self.flush()
        async with _answering(self._deadline), self._raw.cursor() as cursor:
            await cursor.executemany(sql, [_prepared(row) for row in rows])
            return int(cursor.rowcount)

    def later(self, statement: str) -> None:
        """Send a statement that returns no rows together with the next one, or with the commit: one round trip less.

        Its error is raised there. For values use `app.sql.literal`: there are no parameters here.
        """
        self._queued.append(statement)

    async def flush(self, *last: str) -> None:
        """Send what is queued, then `last`; they run in order, the first that fails ends it."""
        statements, self._queued = [*self._queued, *last], []
        if not statements:
            return
        async with _answering(self._deadline):
            await self._raw.query(_in_one(statements) if _is_mariadb(self._raw) else "; ".join(statements))
            while self._raw.server_status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS:
                await self._raw.next_result()

    async def _run(self, sql: str, parameters: Parameters) -> tuple[int, list[Row], int]:
        async with _answering(self._deadline), self._raw.cursor(aiomysql.DictCursor) as cursor:
            # Before anything is sent: a parameter that cannot be written must not cost what is queued, BEGIN above all.
            statement = cursor.mogrify(sql, _prepared(parameters)) if parameters is not None else sql
            queued, self._queued = self._queued, []
            count = await cursor.execute("; ".join([*queued, statement]))
            while await cursor.nextset():
                count = cursor.rowcount
            rows = await cursor.fetchall() if cursor.description else []
            return int(count or 0), list(rows), int(cursor.lastrowid or 0)


def _is_mariadb(raw: Any) -> bool:
    return "mariadb" in raw.get_server_info().lower()


def _in_one(statements: Sequence[str]) -> str:
    """Statements that return no rows as one that is answered once: each answer wakes this process up, and to read the
    four of a transaction takes as long as to write thirty events into it.

    Source: https://mariadb.com/kb/en/using-compound-statements-outside-of-stored-programs/; MySQL has no such thing.
    """
    if len(statements) == 1:
        return statements[0]
    return f"BEGIN NOT ATOMIC {'; '.join(statements)}; END"


@asynccontextmanager
async def _answering(deadline: float) -> AsyncIterator[None]:
    """Turn a silent or lost server into DatabaseUnavailable; other database errors pass."""
    try:
        async with asyncio.timeout(deadline):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable(f"the database did not answer within {deadline:g} s") from error
    except pymysql.err.InterfaceError as error:
        raise DatabaseUnavailable(f"the database connection was lost: {error}") from error
    except pymysql.err.OperationalError as error:
        if error.args[0] in LOST:
            raise DatabaseUnavailable(f"the database connection was lost: {error.args[-1]}") from error
        raise
    except (OSError, EOFError) as error:
        raise DatabaseUnavailable(f"the database connection was lost: {error}") from error


class Database:
    """A pool of connections to one MySQL-protocol database."""

    def __init__(
        self, url: str, *, size: int = 10, deadline: float = STATEMENT_DEADLINE, acquire: float = ACQUIRE_DEADLINE
    ) -> None:
        self._url = url
        self._address = DatabaseAddress(url)
        self._size = size
        self._deadline = deadline
        self._acquire = acquire
        self._free: list[tuple[Any, float]] = []
        self._slots = asyncio.Semaphore(size)
        self._closed = False
        self._siblings: weakref.WeakSet[Database] = weakref.WeakSet()

    def sibling(self, *, size: int, deadline: float, acquire: float) -> Database:
        """A pool of its own to the same server, for work that must not wait for the others' connections. Closed with
        this one at the latest.
        """
        made = Database(self._url, size=size, deadline=deadline, acquire=acquire)
        self._siblings.add(made)
        return made

    async def close(self) -> None:
        """Close what is idle; connections in use close when they are given back."""
        self._closed = True
        for sibling in list(self._siblings):
            await sibling.close()
        while self._free:
            raw, _ = self._free.pop()
            await _goodbye(raw)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises DatabaseUnavailable when the server does not answer. After an error at COMMIT the outcome is unknown.
        """
        async with self._lend() as raw:
            # This travels with the first statement, COMMIT with the last ones. Not BEGIN, which may be that of a block.
            conn = Connection(raw, self._deadline, "START TRANSACTION")
            yield conn
            await conn.flush("COMMIT")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading; each statement stands alone (autocommit)."""
        async with self._lend() as raw:
            yield Connection(raw, self._deadline)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again when it deadlocks or fails certification (1213, 1205).

        `work` must be repeatable: it may run up to five times, only the last one counts.
        """
        for attempt in range(RETRIES):
            try:
                async with self.transaction() as conn:
                    return await work(conn)
            except pymysql.err.OperationalError as error:
                if error.args[0] not in DEADLOCK or attempt == RETRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Any]:
        try:
            if self._slots.locked():
                async with asyncio.timeout(self._acquire):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()  # at once
        except TimeoutError:
            raise DatabaseUnavailable(
                f"no free database connection within {self._acquire:g} s; all {self._size} are busy"
            ) from None
        raw: Any = None
        sound = False
        try:
            raw = await self._take()
            yield raw
            sound = True
        finally:
            try:
                await self._give_back(raw, sound)
            finally:
                self._slots.release()

    async def _take(self) -> Any:
        while self._free:
            raw, since = self._free.pop()
            if time.monotonic() - since < IDLE_CHECK:
                return raw
            try:
                async with asyncio.timeout(self._acquire):
                    await raw.ping(reconnect=False)
                return raw
            except Exception:
                raw.close()
        return await self._connect()

    async def _connect(self) -> Any:
        address = self._address
        where: dict[str, Any] = (
            {"unix_socket": address.unix_socket}
            if address.unix_socket
            else {"host": address.host, "port": address.port}
        )
        try:
            async with asyncio.timeout(self._acquire):
                raw = await aiomysql.connect(
                    **where,
                    user=address.user,
                    password=address.password,
                    db=address.name,
                    charset="utf8mb4",
                    autocommit=True,
                    conv=_CONVERSIONS,
                    client_flag=CLIENT.FOUND_ROWS,
                )
                await self._prepare(raw)
                return raw
        except (TimeoutError, OSError, pymysql.err.Error) as error:
            place = address.unix_socket or f"{address.host}:{address.port}"
            reason = error.args[-1] if error.args else f"no answer within {self._acquire:g} s"
            raise DatabaseUnavailable(f"no connection to the database at {place}: {reason}") from error

    async def _prepare(self, raw: Any) -> None:
        """Set what every session relies on: UTC, strict mode, no gap locks, and a server-side end of what takes long.

        A network that forgets a connection tells the server nothing: without an end of its own the transaction that
        was open there would keep its locks for hours, and everybody else waiting.
        """
        idle = math.ceil(self._deadline)
        limit = (
            f"max_statement_time = {self._deadline:g}, idle_transaction_timeout = {idle}"
            if _is_mariadb(raw)
            else f"max_execution_time = {int(self._deadline * 1000)}, wait_timeout = {max(60, idle)}"
        )
        async with raw.cursor() as cursor:
            await cursor.execute(f"SET time_zone = '+00:00', sql_mode = '{SQL_MODE}', {limit}")
            await cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")

    async def _give_back(self, raw: Any, sound: bool) -> None:
        if raw is None:
            return
        if not sound and not raw.closed:
            # A statement may still be running, or rows still be on the way: only a rollback that answers at once
            # shows that the connection can be trusted.
            try:
                async with asyncio.timeout(1):
                    await raw.rollback()
                sound = not raw.closed
            except Exception:
                raw.close()
            except BaseException:
                raw.close()
                raise
        if raw.closed:
            return
        if self._closed or not sound:
            await _goodbye(raw)
            return
        self._free.append((raw, time.monotonic()))


async def _goodbye(raw: Any) -> None:
    try:
        async with asyncio.timeout(1):
            await raw.ensure_closed()
    except Exception:
        raw.close()
