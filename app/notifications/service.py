"""Tell agents what they asked to be told: that a customer read a reply for the first time, or followed a link in it."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection, DatabaseUnavailable, utcnow
from app.live import service as live
from app.notifications import repository
from app.notifications.models import NotificationPage
from app.runtime import current

PAGE = 50


async def first_read(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Tell of copies that became 'read', in the caller's transaction and without a wait of its own.

    Told is the ticket's assignee, or else the author of the reply, once per reply for ever, and only who asked for it.
    Open pages hear of it.
    """
    if not recipient_ids:
        return
    now = utcnow()
    repository.insert_first_reads(conn, sorted(set(recipient_ids)), now=now)
    # Whoever was told at the same microsecond by somebody else asks for a count once more than needed.
    live.publish_notifications(conn, repository.told_at(now))


async def page(user: User, *, before: int = 0, limit: int = PAGE) -> NotificationPage:
    """A user's notifications, newest first. before: `next` of the page before."""
    async with current().database.connection() as conn:
        rows = await repository.page(conn, user.id, before=before, limit=limit + 1)
        unseen = await repository.unseen(conn, user.id)
    return NotificationPage(tuple(rows[:limit]), unseen, rows[limit - 1].id if len(rows) > limit else 0)


async def unseen(user: User) -> int:
    """How many of a user's notifications are not seen; 0 for who does not want any, and while nobody can say.

    Every page shows it, also the one that says that the database is away.
    """
    if not user.notify_reads:
        return 0
    try:
        async with current().database.connection() as conn:
            return await repository.unseen(conn, user.id)
    except DatabaseUnavailable:
        return 0


async def mark_seen(user: User, *, ids: Sequence[int] | None = None, ticket_id: int | None = None) -> int:
    """Mark a user's notifications as seen: all, those with these ids, or those of a ticket; how many are left.

    Ids that are another's, or nobody's, are left out. The user's other open pages hear of it.
    """

    async def work(conn: Connection) -> int:
        if (ids is None or ids) and await repository.mark_seen(conn, user.id, ids=ids, ticket_id=ticket_id):
            live.publish_notifications(conn, f"SELECT {int(user.id)} AS user_id")
        return await repository.unseen(conn, user.id)

    return await current().database.run(work)
