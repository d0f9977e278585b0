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
                SELECT CAST(COALESCE(SUM(deferred), 0) AS SIGNED) AS events, MIN(pending_until) AS oldest
                  FROM email_tracking_recipients WHERE pending_until <= %(now)s AND deferred > 0
                """,
                {"now": now},
            )
        metrics.DEFERRED.set(row["events"])
        metrics.DEFERRED_OLDEST.set((now - row["oldest"]).total_seconds() if row["oldest"] else 0)

    return Watch("events to be judged", read)
