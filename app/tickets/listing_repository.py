"""SQL of the ticket list. Indexes are named, because the choice depends on what the planner cannot see: the LIMIT."""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection
from app.sql import located
from app.tickets import access
from app.tickets import search_repository as search
from app.tickets.listing_models import TicketRow
from app.tickets.listing_plan import AWAKE, OVERDUE, SNOOZED, Plan
from app.words import Needle

ROW_COLUMNS = (
    "t.id, t.subject, t.status, t.active, t.priority, t.contact_id, c.name AS contact_name, c.email AS contact_email, "
    "t.assignee_id, u.name AS assignee_name, d.id AS department_id, d.name AS department_name, "
    "t.created_at, t.last_activity_at, t.last_snippet, t.last_from, "
    "t.last_reply_id, t.last_read_at, t.due_at, t.snoozed_until"
)


def page_sql(plan: Plan) -> str:
    """The statement of `page_ids`."""
    return f"""
        SELECT t.id FROM tickets AS t FORCE INDEX ({plan.index})
         WHERE {plan.where} ORDER BY {plan.order} LIMIT %(limit)s
    """  # noqa: S608


async def page_ids(conn: Connection, plan: Plan, *, limit: int) -> list[int]:
    """The ids of a page, in the plan's order."""
    rows = await conn.fetch_all(page_sql(plan), {**plan.parameters, "limit": limit})
    return [int(row["id"]) for row in rows]


async def matching_ids(
    conn: Connection, plan: Plan, needles: Sequence[Needle], *, limit: int, seconds: float
) -> list[int]:
    """The ids of the first tickets of the plan's list that have all needles: looks at one after the other."""
    condition, patterns = located("w.words", [needle.located for needle in needles])
    sql = f"""
        {search.bounded(seconds)} STRAIGHT_JOIN t.id
          FROM tickets AS t FORCE INDEX ({plan.index}) JOIN ticket_words AS w ON w.ticket_id = t.id
         WHERE {plan.where} AND {condition} ORDER BY {plan.order} LIMIT %(limit)s
    """
    values = {**plan.parameters, **patterns, "limit": limit}
    return [int(row["id"]) for row in await conn.fetch_all(sql, values)]


async def matching_of(
    conn: Connection, plan: Plan, needles: Sequence[Needle], ticket_ids: Sequence[int], *, limit: int
) -> list[int]:
    """As `matching_ids`, but only of the tickets given."""
    if not ticket_ids:
        return []
    condition, patterns = located("w.words", [needle.located for needle in needles])
    sql = f"""
        SELECT STRAIGHT_JOIN t.id
          FROM tickets AS t FORCE INDEX (PRIMARY) JOIN ticket_words AS w ON w.ticket_id = t.id
         WHERE t.id IN %(found)s AND {plan.where} AND {condition} ORDER BY {plan.order} LIMIT %(limit)s
    """  # noqa: S608
    values = {**plan.parameters, **patterns, "found": list(ticket_ids), "limit": limit}
    return [int(row["id"]) for row in await conn.fetch_all(sql, values)]


async def rows(conn: Connection, ticket_ids: Sequence[int]) -> list[TicketRow]:
    """The lines of these tickets, in the given order."""
    if not ticket_ids:
        return []
    sql = f"""
        SELECT {ROW_COLUMNS}
          FROM tickets AS t JOIN contacts AS c ON c.id = t.contact_id LEFT JOIN users AS u ON u.id = t.assignee_id
          LEFT JOIN departments AS d ON d.id = t.department_id
         WHERE t.id IN %(ids)s
    """  # noqa: S608
    found = {row["id"]: TicketRow.from_row(row) for row in await conn.fetch_all(sql, {"ids": list(ticket_ids)})}
    return [found[one] for one in ticket_ids if one in found]


async def view_counts(conn: Connection, *, user_id: int, limit: int) -> dict[str, int]:
    """How many tickets that the viewer may see the views hold, none counted beyond `limit`."""
    views = {
        "mine": ("tickets_assignee", f"t.assignee_id = %(user)s AND t.active = 1 AND {AWAKE}"),
        "unassigned": ("tickets_assignee", f"t.assignee_id IS NULL AND t.active = 1 AND {AWAKE}"),
        "open": ("tickets_active", f"t.active = 1 AND {AWAKE}"),
        "overdue": ("tickets_active_due", f"t.active = 1 AND {OVERDUE}"),
        "snoozed": ("tickets_snoozed", f"t.active = 1 AND {SNOOZED}"),
    }
    seen = access.condition()
    counts = [
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM tickets AS t FORCE INDEX ({index}) "  # noqa: S608
        f"WHERE {condition} AND {seen} LIMIT %(limit)s) AS x) AS {view}"
        for view, (index, condition) in views.items()
    ]
    sql = f"SELECT {', '.join(counts)}"
    row = await conn.fetch_one(sql, {"user": user_id, "limit": limit})
    return {name: int(count) for name, count in (row or {}).items()}
