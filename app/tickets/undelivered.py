"""What follows in a ticket from a reply that did not arrive: its history says so, it opens again, agents hear of it."""

from __future__ import annotations

from app.database import Connection
from app.notifications import service as notifications
from app.tickets import audience, repository, steps

HISTORY = "bounce"
"""The field of the ticket's history; its value is what happened. History and notifications outlast an erasure."""


async def note(conn: Connection, *, ticket_id: int, reply_id: int, recipient_id: int, words: str, reopen: bool) -> None:
    """Note that a reply did not reach a recipient, in the caller's transaction, after its receipts were reported.

    words: what happened, without the address: "Bounced: mailbox unknown". reopen: a ticket that is closed, waits or
    sleeps is open again. Told are its assignee, or else the reply's author, and who follows it; each once for the same
    news of the same copy.
    Raises TicketNotFound.
    """
    found = await steps.locked(conn, ticket_id)
    await repository.note_activity(conn, ticket_id)
    await repository.insert_change(
        conn, ticket_id=ticket_id, user_id=None, field=HISTORY, old_value="", new_value=words[:500]
    )
    if reopen and found.merged_into is None:
        await steps.apply(conn, found, user=None, status="open", snoozed_until=None)
    told = await audience.concerned(conn, ticket_id)
    if found.assignee_id is None:
        author = await conn.fetch_value(
            "SELECT p.author_user_id FROM ticket_replies AS p WHERE p.id = %(id)s", {"id": reply_id}
        )
        told += [int(author)] if author is not None else []
    await notifications.add(
        conn,
        kind="bounce",
        user_ids=told,
        ticket_id=ticket_id,
        reply_id=reply_id,
        words=words,
        once=f"bounce:{recipient_id}:{words}".encode("ascii", "replace").decode()[:80],
    )
