"""What the worker does about due dates: it tells who has a ticket, and who follows it, that it is due soon or late."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.database import Connection, utcnow
from app.notifications import service as notifications
from app.runtime import Runtime
from app.tickets import access, moments

INTERVAL = 20.0
"""Seconds between looks."""
BATCH = 100
LOOKED_BACK = timedelta(days=7)
"""What was due before that is told to nobody: an import or an upgrade brings no flood."""
SOON, LATE = "Due soon", "Overdue"

_NAME = """CONVERT(CONCAT('due:', t.id, ':', IF(t.due_at <= %(now)s, 'late', 'soon'), ':',
                          DATE_FORMAT(t.due_at, '%%Y%%m%%d%%H%%i%%s')) USING ascii) COLLATE ascii_bin"""
_DUE = f"""
    SELECT t.id, u.id AS user_id, t.due_at <= %(now)s AS is_late, {_NAME} AS once
      FROM tickets AS t {{whom}}
      LEFT JOIN notifications AS n ON n.user_id = u.id AND n.once = {_NAME}
     WHERE t.active = 1 AND t.due_at > %(since)s AND t.due_at <= %(until)s AND n.id IS NULL
       AND u.disabled_at IS NULL AND FIND_IN_SET('due', u.told_of)
       AND {access.user_condition()}
"""  # noqa: S608
_FIND = " UNION ".join(
    (
        _DUE.format(whom="JOIN users AS u ON u.id = t.assignee_id"),
        _DUE.format(whom="JOIN ticket_watchers AS w ON w.ticket_id = t.id JOIN users AS u ON u.id = w.user_id"),
    )
)


async def tell_due(runtime: Runtime) -> int:
    """Tell of what became due soon, or late, since the last look; how many were told. Each is told once for a date."""
    told = 0
    while found := await runtime.database.run(lambda conn: _some(conn, utcnow())):
        told += found
        if found < BATCH:
            break
    return told


async def _some(conn: Connection, now: datetime) -> int:
    values = {"now": now, "since": now - LOOKED_BACK, "until": now + moments.SOON, "limit": BATCH}
    rows = await conn.fetch_all(f"{_FIND} ORDER BY id, user_id LIMIT %(limit)s", values)
    for row in rows:
        await notifications.add(
            conn,
            kind="due",
            user_ids=[row["user_id"]],
            ticket_id=row["id"],
            words=LATE if row["is_late"] else SOON,
            once=row["once"],
        )
    return len(rows)
