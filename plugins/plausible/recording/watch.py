"""What `/metrics` says of events, as the database has it, because any process may have judged them: those of today, and
those that a rush left to be judged.
"""

from __future__ import annotations

from itertools import product

from app.database import Connection, Database, utcnow
from app.services.web import Watch
from plugins.plausible.classify.model import Class
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.recording import metrics


def events_watch(database: Database) -> Watch:
    """Keeps the gauges of one process up to date."""

    async def read() -> None:
        async with database.connection() as conn:
            await _deferred(conn)
            await _today(conn)

    return Watch("events", read)


async def _deferred(conn: Connection) -> None:
    now = utcnow()
    [row] = await conn.fetch_all(
        """
        SELECT CAST(COALESCE(SUM(events), 0) AS SIGNED) AS events, MIN(arrived_at) AS oldest
          FROM email_tracking_arrivals
        """
    )
    metrics.DEFERRED.set(row["events"])
    metrics.DEFERRED_OLDEST.set(max(0.0, (now - row["oldest"]).total_seconds()) if row["oldest"] else 0)


async def _today(conn: Connection) -> None:
    rows = await conn.fetch_all(
        """
        SELECT event_type AS kind, class, CAST(SUM(events) AS SIGNED) AS events
          FROM email_tracking_daily
         WHERE day = %(day)s
         GROUP BY event_type, class
        """,
        {"day": utcnow().date()},
    )
    found = {(row["kind"], row["class"]): row["events"] for row in rows}
    # Those of yesterday have to go, too.
    for kind, name in product((OPEN, CLICK), Class):
        metrics.TODAY.labels(kind, name).set(found.get((kind, name), 0))
