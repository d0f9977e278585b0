"""SQL of stored mails: what all copies have in common, and which copies there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.database import Connection, Row, utcnow
from app.email.addresses import Address
from app.email.models import CopyState, NewMail
from app.sql import in_list

IS_AGENT = """
    EXISTS (SELECT 1 FROM users AS u
             WHERE u.email = r.email AND LOWER(u.email) = LOWER(r.email) COLLATE utf8mb4_bin)
"""
"""Whether the address of email_recipients AS r is that of a user. The columns themselves take 'é' for 'e'."""


_INSERT_MAIL = """
    INSERT INTO outgoing_emails
           (reply_id, message_id, subject, sender, reply_to, html_body, text_body, in_reply_to, reference_ids,
            headers, auto_submitted, enable_tracking, tracking_said, is_sensitive, metadata, mailing, created_at)
    VALUES (%(reply_id)s, %(message_id)s, %(subject)s, %(sender)s, %(reply_to)s, %(html_body)s, %(text_body)s,
            %(in_reply_to)s, %(references)s, %(headers)s, %(auto_submitted)s, %(enable_tracking)s,
            %(tracking_said)s, %(sensitive)s, %(metadata)s, %(mailing)s, %(now)s)
"""
_INSERT_COPY = """
    INSERT INTO email_recipients (email_id, role, name, email, tracking_id, next_attempt_at, created_at)
    VALUES (%(mail_id)s, %(role)s, %(name)s, %(email)s, %(tracking_id)s, %(due)s, %(now)s)
"""


@dataclass(frozen=True)
class MailRow:
    """A mail as it is inserted: what `NewMail` says, and what the outbox adds."""

    mail: NewMail
    message_id: str
    sender: str
    text_body: str

    def values(self, now: datetime) -> dict[str, object]:
        """The parameters of the statement."""
        mail = self.mail
        return {
            "reply_id": mail.reply_id,
            "message_id": self.message_id,
            "subject": mail.subject,
            "sender": self.sender,
            "reply_to": mail.reply_to or "",
            "html_body": mail.html_body,
            "text_body": self.text_body,
            "in_reply_to": mail.in_reply_to or "",
            "references": " ".join(mail.references),
            "headers": json.dumps(dict(mail.headers)),
            "auto_submitted": mail.auto_submitted or "",
            "enable_tracking": mail.enable_tracking,
            "tracking_said": mail.tracking_said,
            "sensitive": mail.sensitive,
            "metadata": json.dumps(dict(mail.metadata), default=str),
            "mailing": mail.mailing,
            "now": now,
        }


async def insert_mail(conn: Connection, row: MailRow) -> int:
    """Store what all copies have in common."""
    return await conn.insert(_INSERT_MAIL, row.values(utcnow()))


async def insert_mails(conn: Connection, rows: Sequence[MailRow]) -> dict[str, int]:
    """Store many mails (at least one) by few statements; their ids by Message-ID."""
    now = utcnow()
    await conn.execute_many(_INSERT_MAIL, [row.values(now) for row in rows])
    listed, parameters = in_list("message", [row.message_id for row in rows])
    found = await conn.fetch_all(
        f"SELECT m.id, m.message_id FROM outgoing_emails AS m WHERE m.message_id IN {listed}",  # noqa: S608
        parameters,
    )
    return {row["message_id"]: int(row["id"]) for row in found}


async def insert_copies(conn: Connection, copies: Sequence[tuple[int, str, Address, str]], *, wait: int = 0) -> None:
    """Store one row per recipient: (id of the mail, role, address, tracking id). wait: seconds before the first try."""
    now = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    common = {"now": now, "due": now + timedelta(seconds=wait)}
    rows = [
        {**common, "mail_id": mail_id, "role": role, "name": who.name[:200], "email": who.email, "tracking_id": token}
        for mail_id, role, who, token in copies
    ]
    await conn.execute_many(_INSERT_COPY, rows)


async def attach(conn: Connection, *, mail_id: int, attachment_ids: Sequence[int]) -> None:
    """Let stored files go out with a mail."""
    sql = "INSERT INTO email_attachments (email_id, attachment_id) VALUES (%(mail_id)s, %(attachment_id)s)"
    await conn.execute_many(sql, [{"mail_id": mail_id, "attachment_id": one} for one in attachment_ids])


async def copies_of(conn: Connection, mail_id: int) -> list[CopyState]:
    """All copies of a mail, To before Cc before Bcc."""
    return (await copies_of_mails(conn, [mail_id])).get(mail_id, [])


async def copies_of_mails(conn: Connection, mail_ids: Sequence[int]) -> dict[int, list[CopyState]]:
    """All copies of these mails (at least one), by mail."""
    listed, parameters = in_list("mail", mail_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT r.email_id, r.id, r.role, r.email, r.tracking_id, r.state, r.smtp_text, r.reports,
               {IS_AGENT} AS is_agent
          FROM email_recipients AS r
         WHERE r.email_id IN {listed} ORDER BY r.email_id, r.id
        """,  # noqa: S608
        parameters,
    )
    found: dict[int, list[CopyState]] = {}
    for row in rows:
        found.setdefault(row["email_id"], []).append(_copy(row))
    return found


def _copy(row: Row) -> CopyState:
    return CopyState(
        id=row["id"],
        role=row["role"],
        email=row["email"],
        tracking_id=row["tracking_id"],
        state=row["state"],
        detail=row["smtp_text"],
        reports=frozenset(filter(None, row["reports"].split(","))),
        is_agent=bool(row["is_agent"]),
    )


async def mail_row(conn: Connection, mail_id: int) -> Row | None:
    """The stored columns of a mail."""
    return await conn.fetch_one("SELECT * FROM outgoing_emails WHERE id = %(id)s", {"id": mail_id})


async def recipient_rows(conn: Connection, mail_id: int) -> list[Row]:
    """Role, name and address of all recipients, in the order in which they were given."""
    return await conn.fetch_all(
        "SELECT role, name, email FROM email_recipients WHERE email_id = %(id)s ORDER BY id", {"id": mail_id}
    )


async def attachment_rows(conn: Connection, mail_id: int, mailing: str | None) -> list[Row]:
    """The files of a mail, its own and those that all mails of its mailing carry, without their contents."""
    return await conn.fetch_all(
        """
        SELECT a.id, a.filename, a.content_type
          FROM (SELECT e.attachment_id FROM email_attachments AS e WHERE e.email_id = %(id)s
                 UNION SELECT f.attachment_id FROM mailing_files AS f WHERE f.mailing = %(mailing)s) AS carried
          JOIN attachments AS a ON a.id = carried.attachment_id
         ORDER BY a.id
        """,
        {"id": mail_id, "mailing": mailing},
    )


async def lock_mail(conn: Connection, mail_id: int) -> None:
    """Keep others from settling copies of this mail until the transaction ends."""
    await conn.fetch_one("SELECT id FROM outgoing_emails WHERE id = %(id)s FOR UPDATE", {"id": mail_id})


async def forget_sensitive(conn: Connection, mail_id: int) -> None:
    """Throw away the body of a sensitive mail once every copy is sent: a login link must not be read here later."""
    sql = """
        UPDATE outgoing_emails SET html_body = '', text_body = ''
         WHERE id = %(id)s AND is_sensitive = 1
           AND NOT EXISTS (SELECT 1 FROM email_recipients WHERE email_id = %(id)s AND state <> 'sent')
    """
    await conn.execute(sql, {"id": mail_id})


async def reply_of_mail(conn: Connection, mail_id: int) -> int | None:
    """The reply that a mail carries."""
    value = await conn.fetch_value("SELECT reply_id FROM outgoing_emails WHERE id = %(id)s", {"id": mail_id})
    return int(value) if value is not None else None


async def reply_of_message(conn: Connection, message_id: str) -> Row | None:
    """Ticket and reply that a mail of ours carried, by its Message-ID."""
    return await conn.fetch_one(
        """
        SELECT m.id AS mail_id, r.id AS reply_id, r.ticket_id FROM outgoing_emails AS m
          JOIN ticket_replies AS r ON r.id = m.reply_id
         WHERE m.message_id = %(message_id)s
        """,
        {"message_id": message_id},
    )


async def is_ours(conn: Connection, message_id: str) -> bool:
    """Whether we sent a mail with this Message-ID, angle brackets included."""
    if not message_id.isascii() or len(message_id) > 255:
        return False
    sql = "SELECT 1 FROM outgoing_emails AS m WHERE m.message_id = %(message_id)s"
    return await conn.fetch_value(sql, {"message_id": message_id}) is not None


async def reply_exists(conn: Connection, reply_id: int) -> bool:
    """Whether there is such a reply."""
    return await conn.fetch_value("SELECT id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id}) is not None
