"""SQL that only the API needs."""

from __future__ import annotations

from app.database import Connection


async def tracking_ids(conn: Connection, reply_id: int) -> dict[int, str]:
    """The tracking id of each copy of a reply, by the copy's id."""
    sql = """
        SELECT r.id, r.tracking_id FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id = %(reply_id)s
    """
    return {row["id"]: row["tracking_id"] for row in await conn.fetch_all(sql, {"reply_id": reply_id})}


async def kind_of_message(conn: Connection, *, ticket_id: int, message_id: int) -> str | None:
    """'reply', 'note' or 'customer'; None where the ticket has no such message."""
    sql = "SELECT kind FROM ticket_replies WHERE id = %(id)s AND ticket_id = %(ticket_id)s"
    value = await conn.fetch_value(sql, {"id": message_id, "ticket_id": ticket_id})
    return None if value is None else str(value)
