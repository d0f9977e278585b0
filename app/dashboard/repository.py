"""SQL of the dashboard. Indexes are named, so that each figure costs its own rows and never all tickets."""

from __future__ import annotations

from datetime import datetime

from app.dashboard.models import Agent, Closed, Now, Opened
from app.database import Connection
from app.tickets import access
from app.tickets.listing_plan import AWAKE, OVERDUE


async def now(conn: Connection) -> Now:
    """What there is at this moment: one pass over the open tickets in an index."""
    row = await conn.fetch_one(
        f"""
        SELECT COUNT(*) AS open, COALESCE(SUM(t.last_from = 'customer'), 0) AS waiting,
               COALESCE(SUM(t.assignee_id IS NULL), 0) AS unassigned,
               (SELECT COUNT(*) FROM tickets AS t FORCE INDEX (tickets_active_due)
                 WHERE t.active = 1 AND {OVERDUE} AND {access.condition()}) AS overdue,
               EXISTS (SELECT 1 FROM tickets AS t WHERE {access.condition()}) AS any_ticket
          FROM tickets AS t FORCE INDEX (tickets_active) WHERE t.active = 1 AND {AWAKE} AND {access.condition()}
        """  # noqa: S608
    )
    assert row is not None  # noqa: S101
    return Now(
        int(row["open"]), int(row["waiting"]), int(row["unassigned"]), int(row["overdue"]), bool(row["any_ticket"])
    )


async def opened(conn: Connection, since: datetime) -> list[Opened]:
    """The tickets that were opened since, oldest first; those that were merged into another are part of that."""
    sql = f"""
        SELECT t.created_at, t.first_reply_at FROM tickets AS t FORCE INDEX (tickets_created)
         WHERE t.created_at >= %(since)s AND t.merged_into IS NULL AND {access.condition()}
         ORDER BY t.created_at, t.id
    """  # noqa: S608
    return [Opened(row["created_at"], row["first_reply_at"]) for row in await conn.fetch_all(sql, {"since": since})]


async def closed(conn: Connection, since: datetime) -> list[Closed]:
    """The tickets that were closed since, and are closed still, in the order of closing."""
    sql = f"""
        SELECT t.closed_at, t.created_at, t.assignee_id FROM tickets AS t FORCE INDEX (tickets_closed)
         WHERE t.closed_at >= %(since)s AND t.merged_into IS NULL AND {access.condition()}
         ORDER BY t.closed_at
    """  # noqa: S608
    rows = await conn.fetch_all(sql, {"since": since})
    return [Closed(row["closed_at"], row["created_at"], row["assignee_id"]) for row in rows]


async def agents(conn: Connection) -> list[Agent]:
    """Everybody who may have tickets, by name, with their open ones."""
    sql = f"""
        SELECT u.id, u.name,
               (SELECT COUNT(*) FROM tickets AS t FORCE INDEX (tickets_assignee)
                 WHERE t.assignee_id = u.id AND t.active = 1 AND {AWAKE} AND {access.condition()}) AS open
          FROM users AS u WHERE u.disabled_at IS NULL ORDER BY u.name, u.id LIMIT 200
    """  # noqa: S608
    return [Agent(row["id"], row["name"], int(row["open"])) for row in await conn.fetch_all(sql)]
