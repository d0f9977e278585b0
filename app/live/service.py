"""Tell open pages that something changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.database import Connection
from app.live import repository
from app.live.events import Cursor, Heard
from app.live.packing import Change, Receipt
from app.live.reader import unheard
from app.runtime import current


async def publish(conn: Connection, *, ticket_id: int, kind: str, lists: bool = True, **detail: Any) -> None:
    """Publish a change of one ticket to its page and to the lists, in the caller's transaction.

    kind: 'receipt' (with reply_id), 'message' (with reply_id), 'ticket' (properties changed) or 'presence' (who has it
    open). lists: whether lists show it too. Raises ValueError for more detail than fits (`packing.LONGEST`).
    """
    repository.insert(conn, [Change({"kind": kind, "ticket_id": ticket_id, **detail}, lists=lists)])


async def publish_receipts(conn: Connection, replies: Mapping[int, int], changed: Collection[int]) -> None:
    """Publish 'receipt' of many replies (at least one) at once, in the caller's transaction: to their tickets' pages,
    and to the lists for those whose badge may look different.

    replies: ticket by reply id; changed: ids of replies.
    """
    repository.insert(
        conn, (Receipt(ticket_id, reply_id, reply_id in changed) for reply_id, ticket_id in replies.items())
    )


def publish_notifications(conn: Connection, users: str) -> None:
    """Publish 'notification' to users: what they were told changed. In the caller's transaction.

    users: a query for their ids, as `user_id`, so that nobody has to wait for its answer.
    """
    repository.insert_for_users(conn, {"kind": "notification"}, users)


async def cursor(*topics: str) -> str:
    """Where a page starts to listen, for `data-live-cursor`: take it before reading what the page shows.

    What comes between this and the page's own connection is told then, and what the page already shows is not.
    """
    async with current().database.connection() as conn:
        start = Cursor(await repository.now(conn))
        events = await unheard(conn, topics, start)
    heard = Heard.up_to(start)
    for event in events:
        heard.add(event)
    return str(heard.cursor)
