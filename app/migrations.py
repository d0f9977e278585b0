"""Numbered plain SQL files, applied once each, in order; a killed run resumes, of two runners one works.

What ships here lies in `migrations/`; a plugin from elsewhere brings a folder of its own through the hook
`migrations`, and its files are recorded as `slug/0001_name`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pymysql
import structlog
from pymysql.constants import ER

from app.database import ACQUIRE_DEADLINE, Connection, Database, utcnow

log = structlog.get_logger(__name__)

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
LEASE = timedelta(minutes=10)
WAIT = 120.0
"""Seconds to wait for another runner before giving up."""
FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
ALREADY_DONE = {ER.TABLE_EXISTS_ERROR, ER.DUP_FIELDNAME, ER.DUP_KEYNAME, ER.CANT_DROP_FIELD_OR_KEY}
"""Errors of a statement that was run before."""


class MigrationError(Exception):
    """A migration cannot be applied; the message names the file, the statement and the server's words."""


@dataclass(frozen=True)
class Migration:
    """One file: its recorded name, its statements and a checksum of its text."""

    name: str
    statements: tuple[str, ...]
    checksum: str


def read_folder(folder: Path, *, prefix: str = "") -> list[Migration]:
    """The migrations of one folder in the order of their numbers.

    Raises MigrationError for a file whose name is not NNNN_words.sql.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not FILE_NAME.fullmatch(path.name):
            raise MigrationError(f"{path} must be named like 0001_words.sql")
        text = path.read_text(encoding="utf-8")
        found.append(Migration(prefix + path.stem, tuple(_statements(text)), hashlib.sha256(text.encode()).hexdigest()))
    return found


def all_migrations(plugin_folders: Mapping[str, Path] | None = None) -> list[Migration]:
    """What ships here, then each plugin's own, by slug."""
    found = read_folder(FOLDER)
    for slug, folder in sorted((plugin_folders or {}).items()):
        found += read_folder(folder, prefix=f"{slug}/")
    return found


def _statements(text: str) -> Iterable[str]:
    """Statements end with a semicolon at the end of a line; a line that starts with -- is a comment."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for statement in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)):
        if statement.strip():
            yield statement.strip()


async def pending(database: Database, migrations: list[Migration]) -> list[str]:
    """The names of those not applied yet, in order."""
    async with database.connection() as conn:
        try:
            rows = await conn.fetch_all("SELECT name FROM schema_migrations WHERE finished_at IS NOT NULL")
        except pymysql.err.ProgrammingError as error:
            if error.args[0] != ER.NO_SUCH_TABLE:
                raise
            rows = []
    done = {row["name"] for row in rows}
    return [migration.name for migration in migrations if migration.name not in done]


async def migrate(database: Database, migrations: list[Migration]) -> list[str]:
    """Apply what is pending; the names of what this run applied.

    Safe to run twice at once: the second waits for the first. A run that was killed is resumed after its last
    finished statement, because MySQL commits each DDL statement by itself. A statement may take as long as its lease.
    """
    patient = database.sibling(size=1, deadline=LEASE.total_seconds(), acquire=ACQUIRE_DEADLINE)
    try:
        return await _migrate(patient, migrations)
    finally:
        await patient.close()


async def _migrate(database: Database, migrations: list[Migration]) -> list[str]:
    async with database.connection() as conn:
        await conn.execute("SET SESSION lock_wait_timeout = 60")
        await _make_own_table(conn)
        applied = []
        for migration in migrations:
            start = await _claim(conn, migration)
            if start is None:
                continue
            await _apply(conn, migration, start)
            applied.append(migration.name)
            log.info("migration applied", name=migration.name)
        return applied


async def _make_own_table(conn: Connection) -> None:
    try:
        await conn.execute(
            """
            CREATE TABLE schema_migrations (
                name VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
                checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
                statements_done INT NOT NULL DEFAULT 0,
                lease_until DATETIME(6) NOT NULL,
                finished_at DATETIME(6) NULL
            ) ENGINE=InnoDB
            """
        )
    except pymysql.err.OperationalError as error:
        if error.args[0] != ER.TABLE_EXISTS_ERROR:
            raise


async def _claim(conn: Connection, migration: Migration) -> int | None:
    """The number of the first statement to run, or None where the migration is done."""
    deadline = time.monotonic() + WAIT
    while True:
        now = utcnow()
        try:
            await conn.execute(
                """
                INSERT INTO schema_migrations (name, checksum, lease_until)
                VALUES (%(name)s, %(checksum)s, %(until)s)
                """,
                {"name": migration.name, "checksum": migration.checksum, "until": now + LEASE},
            )
            return 0
        except pymysql.err.IntegrityError as error:
            if error.args[0] != ER.DUP_ENTRY:
                raise
        row = await conn.fetch_one(
            "SELECT statements_done, lease_until, finished_at, checksum FROM schema_migrations WHERE name = %(name)s",
            {"name": migration.name},
        )
        assert row is not None  # noqa: S101
        if row["finished_at"] is not None:
            return None
        free = await conn.execute(
            """
            UPDATE schema_migrations SET lease_until = %(until)s, checksum = %(checksum)s
             WHERE name = %(name)s AND finished_at IS NULL AND lease_until < %(now)s
            """,
            {"name": migration.name, "checksum": migration.checksum, "until": now + LEASE, "now": now},
        )
        if free:
            return int(row["statements_done"])
        if time.monotonic() > deadline:
            raise MigrationError(
                f"migration {migration.name} is held by another run until {row['lease_until']:%H:%M:%S} UTC; "
                "wait for it, or run `myportal migrate` again after that time"
            )
        await asyncio.sleep(0.2)


async def _apply(conn: Connection, migration: Migration, start: int) -> None:
    for number, statement in enumerate(migration.statements[start:], start):
        try:
            await conn.execute(statement)
        except pymysql.err.Error as error:
            resumed = number == start and start > 0
            if not (resumed and error.args[0] in ALREADY_DONE):
                await _release(conn, migration)
                first_line = statement.splitlines()[0]
                raise MigrationError(
                    f"migration {migration.name}, statement {number + 1} ({first_line}): {error.args[-1]}"
                ) from error
        await conn.execute(
            "UPDATE schema_migrations SET statements_done = %(done)s, lease_until = %(until)s WHERE name = %(name)s",
            {"done": number + 1, "until": utcnow() + LEASE, "name": migration.name},
        )
    await conn.execute(
        "UPDATE schema_migrations SET finished_at = %(now)s WHERE name = %(name)s",
        {"now": utcnow(), "name": migration.name},
    )


async def _release(conn: Connection, migration: Migration) -> None:
    """Let the next run try at once instead of after the lease."""
    await conn.execute(
        "UPDATE schema_migrations SET lease_until = %(now)s WHERE name = %(name)s",
        {"now": utcnow(), "name": migration.name},
    )
