"""SQL of splitting a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.database import Connection
from app.sql import in_list


async def moments(conn: Connection, ticket_id: int, message_ids: Sequence[int]) -> dict[int, datetime]:
    """When those of these messages (at least one) were written that belong to a ticket."""
    listed, values = in_list("id", message_ids)
    rows = await conn.fetch_all(
        f"SELECT r.id, r.created_at FROM ticket_replies AS r WHERE r.ticket_id = %(ticket)s AND r.id IN {listed}",  # noqa: S608
        {**values, "ticket": ticket_id},
    )
    return {row["id"]: row["created_at"] for row in rows}


async def count(conn: Connection, ticket_id: int) -> int:
    """Messages and notes of a ticket."""
    return int(
        await conn.fetch_value("SELECT COUNT(*) FROM ticket_replies WHERE ticket_id = %(id)s", {"id": ticket_id})
    )


async def move(conn: Connection, message_ids: Sequence[int], *, into: int) -> None:
    """Let messages (at least one) belong to another ticket, with their files, the mails that brought them, and what was
    told of them."""
    listed, values = in_list("id", message_ids)
    values["into"] = into
    for table, key in (("ticket_replies", "id"), ("attachments", "reply_id"), ("inbound_mails", "reply_id")):
        await conn.execute(f"UPDATE {table} SET ticket_id = %(into)s WHERE {key} IN {listed}", values)  # noqa: S608
    await conn.execute(
        f"UPDATE notifications SET ticket_id = %(into)s WHERE reply_id IN {listed}",  # noqa: S608
        values,
    )


async def copy_people(conn: Connection, *, source: int, into: int, opened_at: datetime) -> None:
    """Let everybody who follows a ticket follow a new one too, and let the new one be as old as its first message."""
    values = {"source": source, "into": into, "opened": opened_at}
    await conn.execute(
        """
        INSERT INTO ticket_followers (ticket_id, email, name, created_at)
        SELECT %(into)s, f.email, f.name, f.created_at FROM ticket_followers AS f WHERE f.ticket_id = %(source)s
        """,
        values,
    )
    await conn.execute(
        """
        INSERT INTO ticket_watchers (ticket_id, user_id, created_at)
        SELECT %(into)s, w.user_id, w.created_at FROM ticket_watchers AS w WHERE w.ticket_id = %(source)s
        """,
        values,
    )
    await conn.execute("UPDATE tickets SET created_at = %(opened)s WHERE id = %(into)s", values)
