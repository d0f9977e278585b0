"""A ticket with one mailed reply, written straight into the tables."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from app.database import Connection, Database, utcnow
from app.email.copy_ids import CopyIds
from app.hookspecs import Recipient
from tests.conftest import SECRET_KEY

CONTACT = "bob@example.org"
READING_TIME = timedelta(minutes=10)


@dataclass(frozen=True)
class MailedReply:
    """Ids of what was made."""

    ticket_id: int
    reply_id: int
    mail_id: int
    recipients: tuple[Recipient, ...]


async def mailed_reply(
    database: Database,
    *addresses: str,
    ticket_id: int | None = None,
    state: str = "sent",
    reports: str = "opens,clicks",
    enable_tracking: bool = True,
) -> MailedReply:
    """A reply with one copy per address ('cc:ann@example.org' makes a Cc), all in `state`."""
    async with database.transaction() as conn:
        ticket = ticket_id if ticket_id is not None else await _ticket(conn)
        now = utcnow()
        reply_id = await conn.insert(
            """
            INSERT INTO ticket_replies (ticket_id, kind, body_html, body_text, created_at)
            VALUES (%(ticket)s, 'reply', '<p>Hello</p>', 'Hello', %(now)s)
            """,
            {"ticket": ticket, "now": now},
        )
        mail_id = await conn.insert(
            """
            INSERT INTO outgoing_emails (reply_id, message_id, subject, sender, html_body, text_body, reference_ids,
                                         headers, enable_tracking, metadata, created_at)
            VALUES (%(reply)s, %(message)s, 'Hello', 'support@portal.test', '<p>Hello</p>', 'Hello', '', '{}',
                    %(tracking)s, '{}', %(now)s)
            """,
            {
                "reply": reply_id,
                "message": f"<{secrets.token_hex(8)}@portal.test>",
                "tracking": enable_tracking,
                "now": now,
            },
        )
        recipients = [
            await _copy(conn, mail_id, address, state=state, reports=reports) for address in addresses or (CONTACT,)
        ]
        await conn.execute(
            "UPDATE tickets SET last_reply_id = %(reply)s WHERE id = %(ticket)s", {"reply": reply_id, "ticket": ticket}
        )
    return MailedReply(ticket, reply_id, mail_id, tuple(recipients))


async def set_copy(database: Database, recipient_id: int, **values: object) -> None:
    """Change columns of one copy."""
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    async with database.transaction() as conn:
        await conn.execute(
            f"UPDATE email_recipients SET {columns} WHERE id = %(id)s",  # noqa: S608
            {**values, "id": recipient_id},
        )


async def last_receipt(database: Database, ticket_id: int) -> str | None:
    """What the ticket list filters by."""
    async with database.connection() as conn:
        value = await conn.fetch_value("SELECT last_receipt FROM tickets WHERE id = %(id)s", {"id": ticket_id})
    return str(value) if value is not None else None


async def _ticket(conn: Connection) -> int:
    now = utcnow()
    contact_id = await conn.insert(
        """
        INSERT INTO contacts (name, email, notes, created_at, updated_at)
        VALUES ('Bob', %(email)s, '', %(now)s, %(now)s)
        """,
        {"email": CONTACT, "now": now},
    )
    return await conn.insert(
        """
        INSERT INTO tickets (subject, contact_id, created_at, last_activity_at)
        VALUES ('Printer', %(contact)s, %(now)s, %(now)s)
        """,
        {"contact": contact_id, "now": now},
    )


async def _copy(conn: Connection, mail_id: int, address: str, *, state: str, reports: str) -> Recipient:
    role, _, email = address.rpartition(":")
    tracking_id = CopyIds([SECRET_KEY]).new()
    now = utcnow()
    recipient_id = await conn.insert(
        """
        INSERT INTO email_recipients (email_id, role, email, tracking_id, state, next_attempt_at, sent_at, reports,
                                      created_at)
        VALUES (%(mail)s, %(role)s, %(email)s, %(tracking)s, %(state)s, %(now)s, %(sent_at)s, %(reports)s, %(made_at)s)
        """,
        {
            "mail": mail_id,
            "role": role or "to",
            "email": email,
            "tracking": tracking_id,
            "state": state,
            "now": now,
            "made_at": now - READING_TIME,
            # Whoever opens a mail at once is a machine; these have lain in the mailbox for a while.
            "sent_at": now - READING_TIME if state == "sent" else None,
            "reports": reports,
        },
    )
    return Recipient(recipient_id, role or "to", email, tracking_id)
