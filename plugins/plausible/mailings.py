"""What the module knows of a mailing: sums of all copies together, and by copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.database import Connection, Database
from app.hookspecs import CopySums, MailingActivity, TimelineEntry
from plugins.plausible.activity import entry_of
from plugins.plausible.repository import SeenEvent

LINKS = 50
EVENTS = 50
BY_HOUR = timedelta(days=3)
"""A mailing whose opens lie within this is told by the hour."""
_COPIES = "outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id"
_EVENTS = f"{_COPIES} JOIN email_tracking_events AS e ON e.recipient_id = r.id"
_PEOPLE = "e.class IN ('human', 'human_proxy')"
_OURSELVES = "e.class = 'self'"


async def activity(database: Database, mailing: str) -> MailingActivity:
    """All of it; zeros where nothing came."""
    async with database.connection() as conn:
        sums, first, last = await _sums(conn, mailing)
        by_hour = first is not None and last is not None and last - first <= BY_HOUR
        return MailingActivity(
            **sums,
            links=await _links(conn, mailing),
            opens_by_time=await _opens(conn, mailing, by_hour=by_hour),
            by_hour=by_hour,
            events=await _newest(conn, mailing),
        )


async def copies(database: Database, mailing: str, *, after: int, limit: int) -> Sequence[CopySums]:
    """Sums of its copies with ids greater than `after` that were opened or followed, ascending."""
    async with database.connection() as conn:
        rows = await conn.fetch_all(
            f"""
            SELECT s.recipient_id, s.person_opens AS opens, s.person_clicks AS clicks, s.machine_opens,
                   s.machine_clicks, s.first_read_at AS first_opened_at, s.last_read_at AS last_opened_at
              FROM {_COPIES} JOIN email_tracking_recipients AS s ON s.recipient_id = r.id
             WHERE m.mailing = %(mailing)s AND r.id > %(after)s ORDER BY r.id LIMIT %(limit)s
            """,  # noqa: S608
            {"mailing": mailing, "after": after, "limit": limit},
        )
    return [CopySums(**row) for row in rows]


async def _sums(conn: Connection, mailing: str) -> tuple[dict[str, int], datetime | None, datetime | None]:
    """The figures, and when the first and the last open came."""
    row = await conn.fetch_one(
        f"""
        SELECT SUM(s.person_opens > 0) AS unique_opens, SUM(s.person_opens) AS opens,
               SUM(s.person_clicks > 0) AS unique_clicks, SUM(s.person_clicks) AS clicks,
               SUM(s.machine_opens) AS machine_opens, SUM(s.machine_clicks) AS machine_clicks,
               SUM(s.person_opens = 0 AND s.person_clicks = 0 AND s.machine_opens > 0) AS only_machines,
               MIN(s.first_opened_at) AS first, MAX(s.last_opened_at) AS last
          FROM {_COPIES} JOIN email_tracking_recipients AS s ON s.recipient_id = r.id
         WHERE m.mailing = %(mailing)s
        """,  # noqa: S608
        {"mailing": mailing},
    )
    found = dict(row or {})
    first, last = found.pop("first", None), found.pop("last", None)
    return {name: int(value or 0) for name, value in found.items()}, first, last


async def _links(conn: Connection, mailing: str) -> tuple[tuple[str, int, int], ...]:
    rows = await conn.fetch_all(
        f"""
        SELECT e.event_url AS url, CAST(SUM(e.repeats) AS SIGNED) AS clicks, COUNT(DISTINCT e.recipient_id) AS people
          FROM {_EVENTS}
         WHERE m.mailing = %(mailing)s AND e.event_type = 'click' AND {_PEOPLE} AND e.event_url IS NOT NULL
         GROUP BY e.event_url ORDER BY clicks DESC, url LIMIT {LINKS}
        """,  # noqa: S608
        {"mailing": mailing},
    )
    return tuple((row["url"], int(row["clicks"]), int(row["people"])) for row in rows)


async def _opens(conn: Connection, mailing: str, *, by_hour: bool) -> tuple[tuple[datetime, int, int], ...]:
    form = "%%Y-%%m-%%d %%H:00" if by_hour else "%%Y-%%m-%%d 00:00"
    rows = await conn.fetch_all(
        f"""
        SELECT DATE_FORMAT(e.occurred_at, '{form}') AS start,
               CAST(SUM(IF({_PEOPLE}, e.repeats, 0)) AS SIGNED) AS people,
               CAST(SUM(IF({_PEOPLE}, 0, e.repeats)) AS SIGNED) AS machines
          FROM {_EVENTS}
         WHERE m.mailing = %(mailing)s AND e.event_type = 'open' AND NOT {_OURSELVES}
         GROUP BY start ORDER BY start
        """,  # noqa: S608
        {"mailing": mailing},
    )
    return tuple(
        (datetime.fromisoformat(row["start"]).replace(tzinfo=UTC), int(row["people"]), int(row["machines"]))
        for row in rows
    )


async def _newest(conn: Connection, mailing: str) -> tuple[TimelineEntry, ...]:
    rows = await conn.fetch_all(
        f"""
        SELECT e.recipient_id, e.event_type, e.event_url, e.user_agent, e.occurred_at, e.repeats, e.class,
               e.confidence, e.reason
          FROM {_EVENTS} WHERE m.mailing = %(mailing)s ORDER BY e.occurred_at DESC, e.id DESC LIMIT {EVENTS}
        """,  # noqa: S608
        {"mailing": mailing},
    )
    return tuple(entry_of(SeenEvent.from_row(row)) for row in rows)
