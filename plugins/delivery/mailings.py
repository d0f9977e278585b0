"""What providers tell of who opened a mailing and followed its links, where no module of the portal does: `readings`
says which events count.

Those of which the provider does not say whether they were a person's are counted apart, and claim nothing.
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
_COPIES = "outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id"
_EVENTS = (
    f"{_COPIES} JOIN delivery_events AS d ON d.recipient_id = r.id WHERE m.mailing = %(mailing)s AND d.counted = 1"
)
_SUMS = f"""
    {_COPIES} JOIN delivery_readers AS s ON s.recipient_id = r.id WHERE m.mailing = %(mailing)s AND s.events > 0
"""


async def activity(database: Database, mailing: str) -> MailingActivity | None:
    """All of it; None where nothing was told."""
    values = {"mailing": mailing}
    async with database.connection() as conn:
        row = await conn.fetch_one(
            f"""
            SELECT COUNT(*) AS copies, SUM(s.opens > 0) AS unique_opens, SUM(s.opens) AS opens,
                   SUM(s.clicks > 0) AS unique_clicks, SUM(s.clicks) AS clicks, SUM(s.machine_opens) AS machine_opens,
                   SUM(s.machine_clicks) AS machine_clicks, SUM(s.unknown_opens) AS unknown_opens,
                   SUM(s.unknown_clicks) AS unknown_clicks,
                   SUM(s.opens = 0 AND s.clicks = 0 AND s.machine_opens > 0) AS only_machines,
                   MIN(s.first_opened_at) AS first, MAX(s.last_opened_at) AS last FROM {_SUMS}
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
              FROM {_EVENTS} AND d.kind = 'opened' AND d.machine IS NOT NULL GROUP BY start ORDER BY start
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
              FROM {_EVENTS} AND d.machine IS NOT NULL ORDER BY d.happened_at DESC, d.id DESC LIMIT {EVENTS}
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
    names = "s.opens, s.clicks, s.machine_opens, s.machine_clicks, s.first_opened_at, s.last_opened_at"
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"SELECT s.recipient_id, {names} FROM {_SUMS} AND r.id > %(after)s ORDER BY r.id LIMIT %(limit)s",  # noqa: S608
            {"mailing": mailing, "after": after, "limit": limit},
        )
    return [CopySums(**row) for row in rows]
