"""What providers tell of who opened a mailing and followed its links, where no module of the portal does.

An event of which the provider does not say whether it was a person's claims nothing here, as in badges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.database import Database
from app.hookspecs import CopySums, MailingActivity
from plugins.delivery.activity import entry

LINKS, EVENTS = 50, 50
BY_HOUR = timedelta(days=3)
"""A mailing whose opens lie within this is told by the hour."""
_EVENTS = """
    outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
      JOIN delivery_events AS d ON d.recipient_id = r.id
     WHERE m.mailing = %(mailing)s AND FIND_IN_SET('opens', r.reports) = 0 AND FIND_IN_SET('clicks', r.reports) = 0
       AND d.kind IN ('opened', 'clicked') AND d.machine IS NOT NULL
"""
_SUMS = f"""
    SELECT d.recipient_id, CAST(SUM(d.kind = 'opened' AND d.machine = 0) AS SIGNED) AS opens,
           CAST(SUM(d.kind = 'clicked' AND d.machine = 0) AS SIGNED) AS clicks,
           CAST(SUM(d.kind = 'opened' AND d.machine = 1) AS SIGNED) AS machine_opens,
           CAST(SUM(d.kind = 'clicked' AND d.machine = 1) AS SIGNED) AS machine_clicks,
           MIN(IF(d.kind = 'opened' AND d.machine = 0, d.happened_at, NULL)) AS first_opened_at,
           MAX(IF(d.kind = 'opened' AND d.machine = 0, d.happened_at, NULL)) AS last_opened_at,
           MIN(d.happened_at) AS first, MAX(d.happened_at) AS last
      FROM {_EVENTS} AND d.recipient_id > %(after)s GROUP BY d.recipient_id
"""  # noqa: S608


async def activity(database: Database, mailing: str) -> MailingActivity | None:
    """All of it; None where nothing was told."""
    values = {"mailing": mailing, "after": 0}
    async with database.connection() as conn:
        row = await conn.fetch_one(
            f"""
            SELECT COUNT(*) AS copies, SUM(opens > 0) AS unique_opens, SUM(opens) AS opens,
                   SUM(clicks > 0) AS unique_clicks, SUM(clicks) AS clicks, SUM(machine_opens) AS machine_opens,
                   SUM(machine_clicks) AS machine_clicks,
                   SUM(opens = 0 AND clicks = 0 AND machine_opens > 0) AS only_machines,
                   MIN(first) AS first, MAX(last) AS last FROM ({_SUMS}) AS s
            """,  # noqa: S608
            values,
        )
        sums = dict(row or {})
        first, last = sums.pop("first", None), sums.pop("last", None)
        if not sums.pop("copies", 0):
            return None
        by_hour = first is not None and last is not None and last - first <= BY_HOUR
        form = "%%Y-%%m-%%d %%H:00" if by_hour else "%%Y-%%m-%%d 00:00"
        times = await conn.fetch_all(
            f"""
            SELECT DATE_FORMAT(d.happened_at, '{form}') AS start, CAST(SUM(d.machine = 0) AS SIGNED) AS people,
                   CAST(SUM(d.machine = 1) AS SIGNED) AS machines
              FROM {_EVENTS} AND d.kind = 'opened' GROUP BY start ORDER BY start
            """,  # noqa: S608
            values,
        )
        links = await conn.fetch_all(
            f"""
            SELECT d.url, COUNT(*) AS clicks, COUNT(DISTINCT d.recipient_id) AS people
              FROM {_EVENTS} AND d.kind = 'clicked' AND d.machine = 0 AND d.url <> ''
             GROUP BY d.url ORDER BY clicks DESC, d.url LIMIT {LINKS}
            """,  # noqa: S608
            values,
        )
        newest = await conn.fetch_all(
            f"""
            SELECT d.recipient_id, d.provider, d.kind, d.bounce, d.machine, d.happened_at, d.reason, d.code, d.url
              FROM {_EVENTS} ORDER BY d.happened_at DESC, d.id DESC LIMIT {EVENTS}
            """,  # noqa: S608
            values,
        )
    return MailingActivity(
        **{name: int(value or 0) for name, value in sums.items()},
        links=tuple((one["url"], int(one["clicks"]), int(one["people"])) for one in links),
        opens_by_time=tuple(
            (datetime.fromisoformat(one["start"]).replace(tzinfo=UTC), int(one["people"]), int(one["machines"]))
            for one in times
        ),
        by_hour=by_hour,
        events=tuple(map(entry, newest)),
    )


async def copies(database: Database, mailing: str, *, after: int, limit: int) -> Sequence[CopySums]:
    """Sums of its copies with ids greater than `after`, ascending."""
    names = "recipient_id, opens, clicks, machine_opens, machine_clicks, first_opened_at, last_opened_at"
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"SELECT {names} FROM ({_SUMS}) AS s ORDER BY recipient_id LIMIT %(limit)s",  # noqa: S608
            {"mailing": mailing, "after": after, "limit": limit},
        )
    return [CopySums(**row) for row in rows]
