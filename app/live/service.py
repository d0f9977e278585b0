"""Tell open pages that something changed."""

from __future__ import annotations

from typing import Any

from app.database import Connection
from app.live import repository
from app.live.events import OVERLAP, Cursor, Event, Heard, unheard
from app.runtime import current

TICKETS = "tickets"
"""Topic of every ticket list."""


def ticket_topic(ticket_id: int) -> str:
    """Topic of one ticket's page."""
    return f"ticket:{ticket_id}"


async def publish(conn: Connection, *, ticket_id: int, kind: str, **detail: Any) -> None:
    """Publish a change of one ticket to its page and to the lists, in the caller's transaction.

    kind: 'receipt' (with reply_id), 'message' (with reply_id) or 'ticket' (properties changed).
    """
    payload = {"kind": kind, "ticket_id": ticket_id, **detail}
    await repository.insert(conn, topic=ticket_topic(ticket_id), also=TICKETS, payload=payload)


async def cursor(*topics: str) -> str:
    """Where a page starts to listen, for `data-live-cursor`: take it before reading what the page shows.

    What comes between this and the page's own connection is told then, and what the page already shows is not.
    """
    async with current().database.connection() as conn:
        start = Cursor(await repository.now(conn))
        rows = await repository.since(conn, start.moment - OVERLAP)
    heard = Heard.up_to(start)
    for event in unheard(map(Event.from_row, rows), frozenset(topics), start):
        heard.add(event)
    return str(heard.cursor)
