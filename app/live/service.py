"""Tell open pages that something changed."""

from __future__ import annotations

from typing import Any

from app.database import Connection
from app.live import repository

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
    await repository.insert(conn, topic=ticket_topic(ticket_id), payload=payload)
    await repository.insert(conn, topic=TICKETS, payload=payload)
