"""Tell agents what they want to be told: the kinds of `rules.KINDS`."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection, DatabaseUnavailable, utcnow
from app.live import service as live
from app.notifications import repository, rules
from app.notifications.models import NotificationPage
from app.runtime import current
from app.tickets import audience

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


async def add(
    conn: Connection,
    *,
    kind: str,
    user_ids: Sequence[int],
    ticket_id: int,
    reply_id: int | None = None,
    words: str = "",
    by: int | None = None,
    once: str | None = None,
) -> None:
    """Tell users of something about a ticket, in the caller's transaction; open pages hear of it.

    Left out are who does not want this kind, who is disabled or may not see the ticket, and who did it.
    kind: one of `rules.KINDS`. words: what kind, who and ticket do not say, as plain text, cut at 500 characters.
    by: the user who did it, None for a customer or the portal. once: a name under which a user is told once and for
    ever, at most 80 ASCII characters; None tells each time. Raises ValueError for a kind that is none.
    """
    if kind not in rules.KINDS:
        raise ValueError(f"a kind must be one of {', '.join(rules.KINDS)}, got {kind[:40]!r}")
    others = await audience.may_see(conn, ticket_id, [one for one in user_ids if one != by])
    if not others:
        return
    now = utcnow()
    news = repository.News(kind, ticket_id, reply_id, by, words[: rules.LONGEST_WORDS], once)
    await repository.insert(conn, news, others, now=now)
    live.publish_notifications(conn, repository.told_at(now))


async def page(
    user: User, *, before: int = 0, limit: int = PAGE, kind: str = "", unseen_only: bool = False
) -> NotificationPage:
    """A user's notifications, newest first. before: `next` of the page before. kind: '' for all kinds."""
    async with current().database.connection() as conn:
        rows = await repository.page(conn, user.id, before=before, limit=limit + 1, kind=kind, unseen=unseen_only)
        unseen = await repository.unseen(conn, user.id)
    return NotificationPage(tuple(rows[:limit]), unseen, rows[limit - 1].id if len(rows) > limit else 0)


async def unseen(user: User) -> int:
    """How many of a user's notifications are not seen; 0 for who does not want any, and while nobody can say.

    Every page shows it, also the one that says that the database is away.
    """
    if not user.told_of:
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
