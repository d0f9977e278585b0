"""SQL of notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from app.database import Connection, Row, utcnow
from app.notifications.models import Notification
from app.sql import in_list, literal
from app.tickets import access

COLUMNS = """
    n.id, n.user_id, n.kind, n.ticket_id, n.reply_id, n.words AS own_words, n.created_at, n.seen_at, t.subject,
    COALESCE(CASE n.kind WHEN 'read' THEN IF(r.name = '', r.email, r.name)
                         WHEN 'customer' THEN IF(c.name = '', c.email, c.name)
                         WHEN 'assigned' THEN actor.name WHEN 'mention' THEN actor.name END, '') AS who,
    n.kind = 'read' AND COALESCE(p.author_user_id = n.user_id, 0) AS is_own, COALESCE(author.name, '') AS author,
    n.kind = 'read' AND COALESCE(r.receipt, '') IN ('', 'machine', 'delivered') AS is_taken_back
"""
TABLES = """
    notifications AS n
    JOIN tickets AS t ON t.id = n.ticket_id
    LEFT JOIN ticket_replies AS p ON p.id = n.reply_id
    LEFT JOIN email_recipients AS r ON r.id = n.recipient_id
    LEFT JOIN contacts AS c ON c.id = p.contact_id
    LEFT JOIN users AS author ON author.id = p.author_user_id
    LEFT JOIN users AS actor ON actor.id = n.actor_id
"""


def insert_first_reads(conn: Connection, recipient_ids: Sequence[int], *, now: datetime) -> None:
    """Tell whoever wants it that these copies (at least one, ascending) were read, by a statement that goes out with
    the next one, or with the commit. Who was told of a reply before is not told again, and of a mail that bounced, was
    answered or judged by an agent reading is no news.

    While nobody wants to be told, the server ends the statement at its first condition.
    """
    ids = ",".join(map(str, recipient_ids))
    conn.later(
        "INSERT INTO notifications "  # noqa: S608
        "(user_id, kind, once, ticket_id, reply_id, recipient_id, created_at, email_wanted) "
        f"SELECT u.id, 'read', CONCAT('read:', p.id), t.id, p.id, r.id, {literal(now)}, "
        "FIND_IN_SET('read', u.mailed_of) > 0 "
        "FROM email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id "
        "JOIN ticket_replies AS p ON p.id = m.reply_id JOIN tickets AS t ON t.id = p.ticket_id "
        "JOIN users AS u ON u.id = COALESCE(t.assignee_id, p.author_user_id) "
        "AND FIND_IN_SET('read', u.told_of) AND u.disabled_at IS NULL "
        f"AND {access.user_condition()} "
        f"WHERE r.id IN ({ids}) AND r.judged IS NULL AND r.replied_at IS NULL "
        "AND COALESCE(r.fate, '') NOT IN ('bounced', 'complained') "
        "AND EXISTS (SELECT 1 FROM users AS wanting WHERE FIND_IN_SET('read', wanting.told_of)) "
        "ORDER BY r.id ON DUPLICATE KEY UPDATE notifications.id = notifications.id"
    )


@dataclass(frozen=True)
class News:
    """What `insert` stores for each user."""

    kind: str
    ticket_id: int
    reply_id: int | None
    actor_id: int | None
    words: str
    once: str | None
    """Told to a user once and for ever under this name; None each time."""


async def insert(conn: Connection, news: News, user_ids: Sequence[int], *, now: datetime) -> None:
    """Tell those of these users (at least one) who want this kind and may see the ticket."""
    listed, values = in_list("id", sorted(set(user_ids)))
    await conn.execute(
        f"""
        INSERT INTO notifications
               (user_id, kind, ticket_id, reply_id, actor_id, words, once, created_at, email_wanted)
        SELECT u.id, %(kind)s, %(ticket_id)s, %(reply_id)s, %(actor_id)s, %(words)s, %(once)s, %(now)s,
               FIND_IN_SET(%(kind)s, u.mailed_of) > 0
          FROM users AS u JOIN tickets AS t ON t.id = %(ticket_id)s
         WHERE u.id IN {listed} AND u.disabled_at IS NULL AND FIND_IN_SET(%(kind)s, u.told_of)
           AND {access.user_condition()}
         ORDER BY u.id ON DUPLICATE KEY UPDATE notifications.id = notifications.id
        """,  # noqa: S608
        {**values, **asdict(news), "now": now},
    )


def told_at(moment: datetime) -> str:
    """A query for the users who were told something at this very moment, as `user_id`."""
    return f"SELECT DISTINCT n.user_id FROM notifications AS n WHERE n.created_at = {literal(moment)}"  # noqa: S608


async def page(
    conn: Connection, user_id: int, *, before: int, limit: int, kind: str = "", unseen: bool = False
) -> list[Notification]:
    """A user's notifications, newest first. before: only those with a smaller id; 0 for all. kind: '' for all."""
    rows = await conn.fetch_all(
        f"""
        SELECT {COLUMNS} FROM {TABLES}
         WHERE n.user_id = %(user_id)s AND (%(before)s = 0 OR n.id < %(before)s) AND {access.condition()}
               {"AND n.kind = %(kind)s" if kind else ""} {"AND n.seen_at IS NULL" if unseen else ""}
         ORDER BY n.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        {"user_id": user_id, "before": before, "limit": limit, "kind": kind},
    )
    return [_notification(row) for row in rows]


async def unseen(conn: Connection, user_id: int) -> int:
    """How many of a user's notifications are not seen."""
    seen = access.condition()
    only = "" if seen == access.EVERYTHING else f"JOIN tickets AS t ON t.id = n.ticket_id AND {seen}"
    sql = f"SELECT COUNT(*) FROM notifications AS n {only} WHERE n.user_id = %(user_id)s AND n.seen_at IS NULL"  # noqa: S608
    return int(await conn.fetch_value(sql, {"user_id": user_id}))


async def mark_seen(
    conn: Connection, user_id: int, *, ids: Sequence[int] | None = None, ticket_id: int | None = None
) -> int:
    """Mark a user's notifications as seen: all, or those with these ids (at least one), or those of a ticket.

    Gives how many were not seen before.
    """
    which, values = in_list("id", ids) if ids is not None else ("", {})
    condition = (f"AND id IN {which} " if which else "") + ("AND ticket_id = %(ticket_id)s" if ticket_id else "")
    return await conn.execute(
        f"UPDATE notifications SET seen_at = %(now)s WHERE user_id = %(user_id)s AND seen_at IS NULL {condition}",  # noqa: S608
        {**values, "user_id": user_id, "ticket_id": ticket_id, "now": utcnow()},
    )


async def lock_to_mail(conn: Connection, *, limit: int) -> list[int]:
    """Ids of notifications that wait to be mailed, locked; what another process holds is left to it."""
    rows = await conn.fetch_all(
        """
        SELECT id FROM notifications WHERE email_wanted = 1 AND emailed_at IS NULL
         ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,
        {"limit": limit},
    )
    return [row["id"] for row in rows]


async def to_mail(conn: Connection, ids: Sequence[int]) -> list[tuple[Notification, str]]:
    """Of these notifications (at least one id) those whose user still wants mail, with the user's address."""
    listed, values = in_list("id", ids)
    rows = await conn.fetch_all(
        f"""
        SELECT {COLUMNS}, u.email AS address FROM {TABLES} JOIN users AS u ON u.id = n.user_id
         WHERE n.id IN {listed} AND FIND_IN_SET(n.kind, u.told_of) AND FIND_IN_SET(n.kind, u.mailed_of)
               AND u.disabled_at IS NULL
               AND {access.user_condition()}
         ORDER BY n.id
        """,  # noqa: S608
        values,
    )
    return [(_notification(row), row["address"]) for row in rows]


async def set_emailed(conn: Connection, ids: Sequence[int]) -> None:
    """Note that these (at least one) are in the outbox."""
    listed, values = in_list("id", ids)
    sql = f"UPDATE notifications SET emailed_at = %(now)s WHERE id IN {listed}"  # noqa: S608
    await conn.execute(sql, {**values, "now": utcnow()})


async def give_up(conn: Connection, ids: Sequence[int]) -> None:
    """Mail these (at least one) no more."""
    listed, values = in_list("id", ids)
    await conn.execute(f"UPDATE notifications SET email_wanted = 0 WHERE id IN {listed}", values)  # noqa: S608


def _notification(row: Row) -> Notification:
    own = bool(row["is_own"])
    return Notification(
        id=row["id"],
        user_id=row["user_id"],
        kind=row["kind"],
        ticket_id=row["ticket_id"],
        reply_id=row["reply_id"],
        subject=row["subject"],
        who=row["who"],
        author="" if own else row["author"],
        is_own=own,
        own_words=row["own_words"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
        is_taken_back=bool(row["is_taken_back"]),
    )
