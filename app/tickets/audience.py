"""Which agents may see a ticket, and who follows it. Whoever tells or offers a ticket to agents asks here."""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection, utcnow
from app.sql import in_list
from app.tickets import access


async def may_see(conn: Connection, ticket_id: int, user_ids: Sequence[int]) -> list[int]:
    """Those of these users who can log in and may see the ticket, by their ids."""
    if not user_ids:
        return []
    listed, values = in_list("id", sorted(set(user_ids)))
    rows = await conn.fetch_all(
        f"""
        SELECT u.id FROM users AS u JOIN tickets AS t ON t.id = %(ticket_id)s
         WHERE u.id IN {listed} AND u.disabled_at IS NULL AND {access.user_condition()} ORDER BY u.id
        """,  # noqa: S608
        {**values, "ticket_id": ticket_id},
    )
    return [int(row["id"]) for row in rows]


async def concerned(conn: Connection, ticket_id: int) -> list[int]:
    """Who has the ticket and who follows it."""
    sql = """
        SELECT t.assignee_id AS id FROM tickets AS t WHERE t.id = %(id)s AND t.assignee_id IS NOT NULL
         UNION
        SELECT w.user_id FROM ticket_watchers AS w WHERE w.ticket_id = %(id)s
    """
    return [int(row["id"]) for row in await conn.fetch_all(sql, {"id": ticket_id})]


async def follow(conn: Connection, ticket_id: int, user_ids: Sequence[int]) -> None:
    """Let users follow a ticket; who does already goes on."""
    rows = [{"ticket": ticket_id, "user": one, "now": utcnow()} for one in sorted(set(user_ids))]
    if rows:
        await conn.execute_many(
            "INSERT INTO ticket_watchers (ticket_id, user_id, created_at) VALUES (%(ticket)s, %(user)s, %(now)s) "
            "ON DUPLICATE KEY UPDATE created_at = ticket_watchers.created_at",
            rows,
        )


async def unfollow(conn: Connection, ticket_id: int, user_id: int) -> None:
    """Let a user follow a ticket no more."""
    sql = "DELETE FROM ticket_watchers WHERE ticket_id = %(ticket)s AND user_id = %(user)s"
    await conn.execute(sql, {"ticket": ticket_id, "user": user_id})


async def following(conn: Connection, ticket_id: int) -> list[tuple[int, str]]:
    """Ids and names of the agents who follow a ticket, in the order in which they came."""
    sql = """
        SELECT u.id, u.name FROM ticket_watchers AS w JOIN users AS u ON u.id = w.user_id
         WHERE w.ticket_id = %(id)s AND u.disabled_at IS NULL ORDER BY w.created_at, u.id
    """
    return [(row["id"], row["name"]) for row in await conn.fetch_all(sql, {"id": ticket_id})]
