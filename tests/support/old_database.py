"""A database as an earlier release left it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate


@asynccontextmanager
async def old_database(server: LocalDatabase, *, before: str) -> AsyncIterator[Database]:
    """A database of its own with the migrations before one of them: `before` is how its name begins."""
    name = f"old_{secrets.token_hex(4)}"
    url = server.url.replace("portal_test", name, 1)
    assert url != server.url
    others = Database(server.url)
    async with others.connection() as conn:
        await conn.execute(f"CREATE DATABASE {name}")
    database = Database(url)
    await migrate(database, [one for one in all_migrations() if one.name < before])
    yield database
    await database.close()
    async with others.connection() as conn:
        await conn.execute(f"DROP DATABASE {name}")
    await others.close()
