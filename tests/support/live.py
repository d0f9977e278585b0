"""What open pages would hear."""

from __future__ import annotations

from app.database import Database
from app.live.events import Event
from app.live.packing import expand


class AllTopics:
    """Holds every topic."""

    def __contains__(self, topic: object) -> bool:
        return True


async def published(db: Database) -> list[Event]:
    """Every event that is stored, oldest first."""
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT id, changes, created_at FROM live_events ORDER BY id")
    return [event for row in rows for event in expand(row, AllTopics())]
