"""Tell open pages that something changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    await repository.insert(conn, [(ticket_topic(ticket_id), payload), (TICKETS, payload)])


async def publish_receipts(conn: Connection, replies: Mapping[int, int], changed: Collection[int]) -> None:
    """Publish 'receipt' of many replies at once, in the caller's transaction: to their tickets' pages, and to the lists
    for those whose badge may look different.

    replies: ticket by reply id; changed: ids of replies.
    """
    events = [
        (topic, {"kind": "receipt", "ticket_id": ticket_id, "reply_id": reply_id})
        for reply_id, ticket_id in replies.items()
        for topic in ((ticket_topic(ticket_id), TICKETS) if reply_id in changed else (ticket_topic(ticket_id),))
    ]
    await repository.insert(conn, events)


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
