"""SQL of the live events. Times are the database's own: the clocks of the hosts may differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.database import Connection, Row
from app.sql import literal

PAGE = 2000


async def insert(conn: Connection, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Add events (topic, payload; at least one); open pages hear of them within a second of the commit."""
    rows = ", ".join(
        f"({literal(topic)}, {literal(json.dumps(payload))}, UTC_TIMESTAMP(6))" for topic, payload in events
    )
    conn.later(f"INSERT INTO live_events (topic, payload, created_at) VALUES {rows}")  # noqa: S608


async def now(conn: Connection) -> datetime:
    """The database's clock, which stamps the events."""
    moment: datetime = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    return moment


async def since(conn: Connection, moment: datetime, *, limit: int = PAGE) -> list[Row]:
    """Every event since a moment, oldest first, read `limit` at a time.

    By time with an overlap, not by the last id: a transaction that commits late brings an id below those seen.
    """
    sql = """
        SELECT id, topic, payload, created_at FROM live_events
         WHERE created_at >= %(moment)s AND (created_at > %(moment)s OR id > %(last_id)s)
         ORDER BY created_at, id LIMIT %(limit)s
    """
    found: list[Row] = []
    last_id = 0
    while True:
        rows = await conn.fetch_all(sql, {"moment": moment, "last_id": last_id, "limit": limit})
        found += rows
        if len(rows) < limit:
            return found
        moment, last_id = rows[-1]["created_at"], rows[-1]["id"]
