"""SQL of the live events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.database import Connection, Row, utcnow


async def insert(conn: Connection, *, topic: str, payload: Mapping[str, Any]) -> None:
    """Add one event; open pages hear of it within a second of the commit."""
    sql = "INSERT INTO live_events (topic, payload, created_at) VALUES (%(topic)s, %(payload)s, %(now)s)"
    await conn.execute(sql, {"topic": topic, "payload": json.dumps(payload), "now": utcnow()})


async def since(conn: Connection, moment: datetime, *, limit: int = 5000) -> list[Row]:
    """Events since a moment, oldest first.

    By time with an overlap, not by the last id: a transaction that commits late brings an id below those seen.
    """
    sql = """
        SELECT id, topic, payload FROM live_events
         WHERE created_at >= %(moment)s ORDER BY created_at, id LIMIT %(limit)s
    """
    return await conn.fetch_all(sql, {"moment": moment, "limit": limit})


async def delete_before(conn: Connection, moment: datetime) -> int:
    """Forget old events."""
    return await conn.execute("DELETE FROM live_events WHERE created_at < %(moment)s LIMIT 5000", {"moment": moment})
