"""SQL of the page of machines."""

from __future__ import annotations

from datetime import date

from app.database import Connection
from plugins.plausible.machines import Count


async def counts(conn: Connection, *, first_monday: date, since: date) -> list[Count]:
    """What was recorded from `first_monday` or `since` on, by week, class and rule.

    A shard can be below zero, where another process took back what it had counted: only the sum counts.
    """
    # The inner sums follow the primary key, so that the temporary table of the outer ones has few rows.
    rows = await conn.fetch_all(
        """
        SELECT FLOOR(DATEDIFF(day, %(monday)s) / 7) AS week, event_type, class, rule,
               CAST(SUM(events) AS SIGNED) AS events,
               CAST(SUM(CASE WHEN day >= %(since)s THEN events ELSE 0 END) AS SIGNED) AS in_period
          FROM (SELECT day, event_type, class, rule, SUM(events) AS events
                  FROM email_tracking_daily
                 WHERE day >= %(first)s
                 GROUP BY day, event_type, class, rule) AS days
         GROUP BY week, event_type, class, rule
        """,
        {"monday": first_monday, "since": since, "first": min(first_monday, since)},
    )
    return [
        Count(int(row["week"]), row["event_type"], row["class"], row["rule"], row["events"], row["in_period"])
        for row in rows
    ]
