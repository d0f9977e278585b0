"""SQL of merging two tickets."""

from __future__ import annotations

from app.database import Connection

_MOVED = ("ticket_replies", "attachments", "inbound_mails", "notifications")
"""Tables whose rows belong to a ticket by their column ticket_id, and go with it."""


async def merged_into(conn: Connection, ticket_id: int) -> int | None:
    """The ticket that took this one in; None where none did."""
    value = await conn.fetch_value("SELECT t.merged_into FROM tickets AS t WHERE t.id = %(id)s", {"id": ticket_id})
    return int(value) if value is not None else None


async def texts(conn: Connection, ticket_id: int) -> list[str]:
    """The texts of a ticket's messages, for the search."""
    rows = await conn.fetch_all(
        "SELECT r.body_text FROM ticket_replies AS r WHERE r.ticket_id = %(id)s ORDER BY r.id", {"id": ticket_id}
    )
    return [row["body_text"] for row in rows]


async def move(conn: Connection, *, ticket_id: int, into: int) -> None:
    """Let rows of a ticket belong to another one. A draft goes below that which its agent has there."""
    values = {"from": ticket_id, "into": into}
    for table in _MOVED:
        await conn.execute(f"UPDATE {table} SET ticket_id = %(into)s WHERE ticket_id = %(from)s", values)  # noqa: S608
    await conn.execute(
        """
        UPDATE drafts AS theirs JOIN drafts AS moved ON moved.user_id = theirs.user_id AND moved.ticket_id = %(from)s
           SET theirs.body_html = CONCAT(theirs.body_html, moved.body_html)
         WHERE theirs.ticket_id = %(into)s
        """,
        values,
    )
    await conn.execute(
        """
        DELETE moved FROM drafts AS moved JOIN drafts AS theirs
            ON theirs.user_id = moved.user_id AND theirs.ticket_id = %(into)s
         WHERE moved.ticket_id = %(from)s
        """,
        values,
    )
    await conn.execute("UPDATE drafts SET ticket_id = %(into)s WHERE ticket_id = %(from)s", values)
    await conn.execute(
        """
        INSERT INTO ticket_watchers (ticket_id, user_id, created_at)
        SELECT %(into)s, w.user_id, w.created_at FROM ticket_watchers AS w WHERE w.ticket_id = %(from)s
            ON DUPLICATE KEY UPDATE created_at = ticket_watchers.created_at
        """,
        values,
    )


async def take_over_last(conn: Connection, *, ticket_id: int, into: int) -> None:
    """Let the list say of a ticket what its newest message and reply now are, and when it
    is due: at the earlier of the two dates. Call after `move`."""
    values = {"from": ticket_id, "into": into}
    await conn.execute(
        """
        UPDATE tickets AS t JOIN tickets AS s ON s.id = %(from)s
           SET t.last_from = IF(s.last_activity_at > t.last_activity_at, s.last_from, t.last_from),
               t.last_snippet = IF(s.last_activity_at > t.last_activity_at, s.last_snippet, t.last_snippet),
               t.due_at = LEAST(t.due_at, s.due_at), t.last_activity_at = UTC_TIMESTAMP(6)
         WHERE t.id = %(into)s
        """,
        values,
    )
    await conn.execute(
        """
        UPDATE tickets AS t
           SET t.last_reply_id = (SELECT MAX(r.id) FROM ticket_replies AS r
                                    JOIN outgoing_emails AS m ON m.reply_id = r.id WHERE r.ticket_id = t.id)
         WHERE t.id = %(into)s
        """,
        values,
    )


async def last_reply(conn: Connection, ticket_id: int) -> int | None:
    """The reply whose badge the list shows."""
    value = await conn.fetch_value("SELECT t.last_reply_id FROM tickets AS t WHERE t.id = %(id)s", {"id": ticket_id})
    return int(value) if value is not None else None


async def mark_merged(conn: Connection, *, ticket_id: int, into: int) -> None:
    """Keep where a ticket leads, and say so in the list."""
    await conn.execute(
        """
        UPDATE tickets SET merged_into = %(into)s, last_reply_id = NULL, last_receipt = NULL, last_read_at = NULL,
               last_from = 'agent', last_snippet = %(words)s
         WHERE id = %(from)s
        """,
        {"from": ticket_id, "into": into, "words": f"Merged into #{into}"},
    )
