"""Who follows a ticket: was in copy of a mail of somebody who takes part, and may answer to it from then on."""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection, utcnow
from app.email.addresses import Address

MOST = 50
"""Followers of one ticket."""


async def add(conn: Connection, ticket_id: int, addresses: Sequence[Address]) -> None:
    """Let these addresses follow a ticket, in the caller's transaction; the ticket's contact and users are left out."""
    for one in addresses[:MOST]:
        await conn.execute(
            """
            INSERT INTO ticket_followers (ticket_id, email, name, created_at)
            SELECT t.id, %(email)s, %(name)s, %(now)s FROM tickets AS t
             WHERE t.id = %(ticket_id)s
               AND NOT EXISTS (SELECT 1 FROM contact_addresses AS a
                                WHERE a.contact_id = t.contact_id AND a.email = %(email)s)
               AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.email = %(email)s)
               AND (SELECT COUNT(*) FROM ticket_followers AS f WHERE f.ticket_id = t.id) < %(most)s
            ON DUPLICATE KEY UPDATE name = ticket_followers.name
            """,
            {"ticket_id": ticket_id, "email": one.email, "name": one.name[:200], "now": utcnow(), "most": MOST},
        )


async def of_ticket(conn: Connection, ticket_id: int) -> list[tuple[str, str]]:
    """Names and addresses of who follows a ticket, in the order in which they came."""
    sql = """
        SELECT f.name, f.email FROM ticket_followers AS f
         WHERE f.ticket_id = %(ticket_id)s ORDER BY f.created_at, f.email
    """
    return [(row["name"], row["email"]) for row in await conn.fetch_all(sql, {"ticket_id": ticket_id})]


async def remove(conn: Connection, ticket_id: int, email: str) -> bool:
    """Let an address follow a ticket no more."""
    sql = "DELETE FROM ticket_followers WHERE ticket_id = %(ticket_id)s AND email = %(email)s"
    return bool(await conn.execute(sql, {"ticket_id": ticket_id, "email": email}))
