"""What `/metrics` says of the events that a rush left to be judged, as the database has it: anybody may judge them."""

from __future__ import annotations

from app.database import Database, utcnow
from app.services.web import Watch
from plugins.plausible.recording import metrics


def deferred_watch(database: Database) -> Watch:
    """Keeps the gauges of one process up to date."""

    async def read() -> None:
        now = utcnow()
        async with database.connection() as conn:
            [row] = await conn.fetch_all(
                """
                SELECT CAST(COALESCE(SUM(events), 0) AS SIGNED) AS events, MIN(arrived_at) AS oldest
                  FROM email_tracking_arrivals
                """
            )
        metrics.DEFERRED.set(row["events"])
        metrics.DEFERRED_OLDEST.set(max(0.0, (now - row["oldest"]).total_seconds()) if row["oldest"] else 0)

    return Watch("events to be judged", read)
