"""SQL of the page of a ticket: where a link leads, what a person may see, sessions, and the portal's settings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from app.customer.models import Person, Place, SeenCopy
from app.database import Connection, utcnow
from app.sql import in_list
from app.tickets.models import Message
from app.tickets.repository import MESSAGE_COLUMNS

GONE_OUT = "('sending', 'sent', 'unknown', 'retry', 'failed')"
"""States of copies that were handed to a mail server once; before that a reply can still be taken back."""


async def place(conn: Connection, recipient_id: int) -> Place | None:
    """Where the copy of a reply belongs; None where it is gone, or its recipient was erased."""
    row = await conn.fetch_one(
        """
        SELECT p.id AS recipient_id, p.email, p.name, t.id AS ticket_id, t.subject, t.status, t.last_activity_at,
               COALESCE(d.tracking, '') AS department_tracking
          FROM email_recipients AS p JOIN outgoing_emails AS m ON m.id = p.email_id
          JOIN ticket_replies AS r ON r.id = m.reply_id JOIN tickets AS t ON t.id = r.ticket_id
          LEFT JOIN departments AS d ON d.id = t.department_id
         WHERE p.id = %(id)s AND p.erased_at IS NULL
        """,
        {"id": recipient_id},
    )
    return Place(**row) if row else None


async def person(conn: Connection, email: str) -> Person:
    """Whose address it is, with all addresses of the same contact."""
    rows = await conn.fetch_all(
        """
        SELECT other.email, a.contact_id FROM contact_addresses AS a
          JOIN contact_addresses AS other ON other.contact_id = a.contact_id
         WHERE a.email = %(email)s
        """,
        {"email": email},
    )
    emails = dict.fromkeys([email.lower(), *(row["email"].lower() for row in rows)])
    return Person(tuple(emails), rows[0]["contact_id"] if rows else None)


async def copies(conn: Connection, ticket_id: int, emails: Sequence[str]) -> list[SeenCopy]:
    """The copies of a ticket's replies that went out to these addresses (at least one)."""
    listed, parameters = in_list("email", emails)
    rows = await conn.fetch_all(
        f"""
        SELECT p.id, r.id AS reply_id, m.tracking_said = 0 OR m.enable_tracking = 1 AS may_report
          FROM ticket_replies AS r JOIN outgoing_emails AS m ON m.reply_id = r.id
          JOIN email_recipients AS p ON p.email_id = m.id
         WHERE r.ticket_id = %(ticket)s AND r.kind = 'reply' AND p.email IN {listed} AND p.erased_at IS NULL
           AND p.state IN {GONE_OUT}
         ORDER BY p.id
        """,  # noqa: S608
        {**parameters, "ticket": ticket_id},
    )
    return [SeenCopy(row["id"], row["reply_id"], bool(row["may_report"])) for row in rows]


async def messages(
    conn: Connection,
    ticket_id: int,
    *,
    contact_id: int | None,
    reply_ids: Collection[int],
    before: int | None,
    limit: int,
) -> list[Message]:
    """What a contact wrote in a ticket, and these of its replies: the newest, or the newest before a message; newest
    first."""
    listed, parameters = in_list("reply", sorted(reply_ids) or [0])
    rows = await conn.fetch_all(
        f"""
        SELECT {MESSAGE_COLUMNS}
          FROM ticket_replies AS r LEFT JOIN users AS u ON u.id = r.author_user_id
          LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.ticket_id = %(ticket)s AND r.id < %(before)s
           AND ((r.kind = 'customer' AND r.contact_id = %(contact)s) OR (r.kind = 'reply' AND r.id IN {listed}))
           AND NOT EXISTS (SELECT 1 FROM held_replies AS h WHERE h.reply_id = r.id AND h.until > UTC_TIMESTAMP(6))
         ORDER BY r.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        {**parameters, "ticket": ticket_id, "contact": contact_id, "before": before or 2**31, "limit": limit},
    )
    return [Message.from_row(row) for row in rows]


async def was_mailed(conn: Connection, file_id: int, recipient_ids: Collection[int]) -> bool:
    """Whether a file went along with the mail of one of these copies."""
    listed, parameters = in_list("copy", sorted(recipient_ids) or [0])
    sql = f"""
        SELECT 1 FROM email_attachments AS a JOIN email_recipients AS p ON p.email_id = a.email_id
         WHERE a.attachment_id = %(file)s AND p.id IN {listed} LIMIT 1
    """  # noqa: S608
    return await conn.fetch_value(sql, {**parameters, "file": file_id}) is not None


async def insert_session(conn: Connection, *, token_hash: bytes, recipient_id: int, expires_at: datetime) -> None:
    """Start a session for the ticket of one copy."""
    sql = """
        INSERT INTO ticket_page_sessions (token_hash, recipient_id, created_at, last_seen_at, expires_at)
        VALUES (%(hash)s, %(recipient)s, %(now)s, %(now)s, %(expires_at)s)
    """
    values = {"hash": token_hash, "recipient": recipient_id, "now": utcnow(), "expires_at": expires_at}
    await conn.execute(sql, values)


async def last_seen(conn: Connection, token_hash: bytes, *, recipient_id: int, idle_since: datetime) -> datetime | None:
    """When a live session of this copy was last used; None where there is none."""
    value: datetime | None = await conn.fetch_value(
        """
        SELECT last_seen_at FROM ticket_page_sessions
         WHERE token_hash = %(hash)s AND recipient_id = %(recipient)s AND expires_at > %(now)s
           AND last_seen_at > %(idle_since)s
        """,
        {"hash": token_hash, "recipient": recipient_id, "now": utcnow(), "idle_since": idle_since},
    )
    return value


async def touch_session(conn: Connection, token_hash: bytes) -> None:
    """Note that the session was used."""
    sql = "UPDATE ticket_page_sessions SET last_seen_at = %(now)s WHERE token_hash = %(hash)s"
    await conn.execute(sql, {"now": utcnow(), "hash": token_hash})


async def delete_session(conn: Connection, token_hash: bytes) -> None:
    """End a session."""
    await conn.execute("DELETE FROM ticket_page_sessions WHERE token_hash = %(hash)s", {"hash": token_hash})


async def setting(conn: Connection, name: str) -> str | None:
    """A setting of the portal; None where nobody set it."""
    value = await conn.fetch_value("SELECT value FROM portal_settings WHERE name = %(name)s", {"name": name})
    return str(value) if value is not None else None


async def set_setting(conn: Connection, name: str, value: str) -> None:
    """Set a setting of the portal."""
    sql = """
        INSERT INTO portal_settings (name, value, updated_at) VALUES (%(name)s, %(value)s, %(now)s)
            ON DUPLICATE KEY UPDATE value = %(value)s, updated_at = %(now)s
    """
    await conn.execute(sql, {"name": name, "value": value, "now": utcnow()})
