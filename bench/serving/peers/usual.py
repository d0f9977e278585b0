"""The writes of the usual way through a pool of aiomysql: INSERT and UPDATE per hit, each its own commit."""

from __future__ import annotations

from typing import Any

import aiomysql

from bench.serving.peers import writes


class Pool:
    """Opened with the server."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def open(self) -> None:
        """Connect."""
        self._pool = await aiomysql.create_pool(
            **writes.database(), charset="utf8mb4", autocommit=True, minsize=writes.POOL, maxsize=writes.POOL
        )

    async def close(self) -> None:
        """Disconnect."""
        self._pool.close()
        await self._pool.wait_closed()

    async def store(
        self, kind: str, tracking_id: str, url: str | None, agent: str | None, address: str | None, referrer: str | None
    ) -> None:
        """Write one hit; both statements are committed when it returns."""
        async with self._pool.acquire() as conn, conn.cursor() as cursor:
            await cursor.execute(writes.INSERT, (tracking_id, kind, url, agent, address, referrer))
            await cursor.execute(writes.UPDATE_OPEN if kind == "open" else writes.UPDATE_CLICK, (tracking_id,))
