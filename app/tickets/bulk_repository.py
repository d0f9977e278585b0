"""SQL of changes to many tickets at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from app.database import Connection, utcnow

KEPT = timedelta(days=2)
"""How long a change can be undone; older ones are deleted when the next one is kept."""


async def keep(conn: Connection, *, user_id: int, changes: Sequence[Mapping[str, Any]]) -> int:
    """Keep what was changed; its number."""
    now = utcnow()
    await conn.execute("DELETE FROM bulk_changes WHERE happened_at < %(before)s LIMIT 100", {"before": now - KEPT})
    return await conn.insert(
        "INSERT INTO bulk_changes (user_id, happened_at, changes) VALUES (%(user)s, %(now)s, %(changes)s)",
        {"user": user_id, "now": now, "changes": json.dumps(list(changes))},
    )


async def kept(conn: Connection, number: int, *, user_id: int, lock: bool = False) -> Sequence[dict[str, Any]] | None:
    """What was changed, where it was this user who did it, and it is not undone yet; None otherwise."""
    found = await conn.fetch_value(
        "SELECT b.changes FROM bulk_changes AS b WHERE b.id = %(id)s AND b.user_id = %(user)s "  # noqa: S608
        f"AND b.undone_at IS NULL{' FOR UPDATE' if lock else ''}",
        {"id": number, "user": user_id},
    )
    return None if found is None else list(json.loads(str(found)))


async def mark_undone(conn: Connection, number: int) -> None:
    """Keep that it was undone."""
    await conn.execute("UPDATE bulk_changes SET undone_at = %(now)s WHERE id = %(id)s", {"id": number, "now": utcnow()})
