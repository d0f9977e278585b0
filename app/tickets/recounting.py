"""What a ticket's row says of its messages, made anew after messages went away or came from elsewhere."""

from __future__ import annotations

from app.database import Connection
from app.receipts import service as receipts
from app.tickets import rules, search_index
from app.tickets import search_repository as search


async def recount(conn: Connection, ticket_id: int) -> None:
    """Bring last message, last reply, badge, first answer and the words of the search up to date, in the caller's
    transaction, with the ticket's row locked."""
    values = {"id": ticket_id}
    newest = await conn.fetch_one(
        """
        SELECT r.kind, r.body_text FROM ticket_replies AS r
         WHERE r.ticket_id = %(id)s AND r.kind <> 'note' ORDER BY r.id DESC LIMIT 1
        """,
        values,
    )
    await conn.execute(
        """
        UPDATE tickets AS t
           SET t.last_from = %(last_from)s, t.last_snippet = %(snippet)s,
               t.last_activity_at = COALESCE(
                   (SELECT MAX(r.created_at) FROM ticket_replies AS r WHERE r.ticket_id = t.id), t.created_at),
               t.last_reply_id = (SELECT MAX(r.id) FROM ticket_replies AS r
                                    JOIN outgoing_emails AS m ON m.reply_id = r.id WHERE r.ticket_id = t.id),
               t.first_reply_at = (SELECT IF(MIN(r.created_at) < t.created_at + INTERVAL 1 SECOND, t.created_at,
                                             MIN(r.created_at))
                                     FROM ticket_replies AS r WHERE r.ticket_id = t.id AND r.kind = 'reply'),
               t.last_receipt = NULL, t.last_read_at = NULL
         WHERE t.id = %(id)s
        """,
        {
            **values,
            "last_from": "customer" if newest and newest["kind"] == "customer" else "agent",
            "snippet": rules.snippet(newest["body_text"]) if newest else "",
        },
    )
    await search.forget_words(conn, ticket_id)
    await search_index.add(conn, ticket_id)
    last = await conn.fetch_value("SELECT t.last_reply_id FROM tickets AS t WHERE t.id = %(id)s", values)
    if last is not None:
        await receipts.refresh(conn, int(last))
