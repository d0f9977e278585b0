"""SQL of the outbox. Times that leases and tries hang on are the database's own: hosts disagree about theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app.database import Connection, Row, utcnow
from app.email.addresses import Address
from app.email.models import CopyState, DueCopy, NewMail

WAITING = ("queued", "retry")


async def insert_mail(conn: Connection, mail: NewMail, *, message_id: str, sender: str, text_body: str) -> int:
    """Store what all copies have in common."""
    sql = """
        INSERT INTO outgoing_emails
               (reply_id, message_id, subject, sender, reply_to, html_body, text_body, in_reply_to, reference_ids,
                headers, auto_submitted, enable_tracking, is_sensitive, metadata, created_at)
        VALUES (%(reply_id)s, %(message_id)s, %(subject)s, %(sender)s, %(reply_to)s, %(html_body)s, %(text_body)s,
                %(in_reply_to)s, %(references)s, %(headers)s, %(auto_submitted)s, %(enable_tracking)s, %(sensitive)s,
                %(metadata)s, %(now)s)
    """
    values = {
        "reply_id": mail.reply_id,
        "message_id": message_id,
        "subject": mail.subject,
        "sender": sender,
        "reply_to": mail.reply_to or "",
        "html_body": mail.html_body,
        "text_body": text_body,
        "in_reply_to": mail.in_reply_to or "",
        "references": " ".join(mail.references),
        "headers": json.dumps(dict(mail.headers)),
        "auto_submitted": mail.auto_submitted or "",
        "enable_tracking": mail.enable_tracking,
        "sensitive": mail.sensitive,
        "metadata": json.dumps(dict(mail.metadata), default=str),
        "now": utcnow(),
    }
    return await conn.insert(sql, values)


async def insert_copies(conn: Connection, *, mail_id: int, copies: Sequence[tuple[str, Address, str]]) -> None:
    """Store one row per recipient: (role, address, tracking id)."""
    sql = """
        INSERT INTO email_recipients (email_id, role, name, email, tracking_id, next_attempt_at, created_at)
        VALUES (%(mail_id)s, %(role)s, %(name)s, %(email)s, %(tracking_id)s, %(now)s, %(now)s)
    """
    now = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    rows = [
        {"mail_id": mail_id, "role": role, "name": who.name[:200], "email": who.email, "tracking_id": token, "now": now}
        for role, who, token in copies
    ]
    await conn.execute_many(sql, rows)


async def attach(conn: Connection, *, mail_id: int, attachment_ids: Sequence[int]) -> None:
    """Let stored files go out with a mail."""
    sql = "INSERT INTO email_attachments (email_id, attachment_id) VALUES (%(mail_id)s, %(attachment_id)s)"
    await conn.execute_many(sql, [{"mail_id": mail_id, "attachment_id": one} for one in attachment_ids])


async def copies_of(conn: Connection, mail_id: int) -> list[CopyState]:
    """All copies of a mail, To before Cc before Bcc."""
    rows = await conn.fetch_all(
        """
        SELECT id, role, email, tracking_id, state, smtp_text, reports FROM email_recipients
         WHERE email_id = %(mail_id)s ORDER BY id
        """,
        {"mail_id": mail_id},
    )
    return [
        CopyState(
            row["id"], row["role"], row["email"], row["tracking_id"], row["state"], row["smtp_text"],
            frozenset(filter(None, row["reports"].split(","))),
        )
        for row in rows
    ]  # fmt: skip


async def mail_row(conn: Connection, mail_id: int) -> Row | None:
    """The stored columns of a mail."""
    return await conn.fetch_one("SELECT * FROM outgoing_emails WHERE id = %(id)s", {"id": mail_id})


async def recipient_rows(conn: Connection, mail_id: int) -> list[Row]:
    """Role, name and address of all recipients, in the order in which they were given."""
    return await conn.fetch_all(
        "SELECT role, name, email FROM email_recipients WHERE email_id = %(id)s ORDER BY id", {"id": mail_id}
    )


async def attachment_rows(conn: Connection, mail_id: int) -> list[Row]:
    """The files of a mail with their contents."""
    return await conn.fetch_all(
        """
        SELECT a.id, a.filename, a.content_type, a.content FROM email_attachments AS e
          JOIN attachments AS a ON a.id = e.attachment_id
         WHERE e.email_id = %(id)s ORDER BY a.id
        """,
        {"id": mail_id},
    )


async def claim(
    conn: Connection, *, owner: str, lease: timedelta, limit: int, mail_id: int | None = None
) -> list[DueCopy]:
    """Take up to `limit` copies that are due, of any mail or of one, for the length of a lease.

    Rows that another process is taking are skipped. To be committed before any work begins.
    """
    found: list[Row] = []
    for state in WAITING:
        if len(found) < limit:
            found += await _lock_due(conn, state, limit - len(found), mail_id)
    if not found:
        return []
    await conn.execute(
        """
        UPDATE email_recipients
           SET state = 'claimed', lease_owner = %(owner)s, attempts = attempts + 1,
               lease_until = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND
         WHERE id IN %(ids)s
        """,
        {"owner": owner, "seconds": lease.total_seconds(), "ids": [row["id"] for row in found]},
    )
    return await _copies(conn, [{**row, "attempts": row["attempts"] + 1} for row in found])


async def _copies(conn: Connection, rows: Sequence[Row]) -> list[DueCopy]:
    reply_ids = await _reply_ids(conn, [row["email_id"] for row in rows])
    return [
        DueCopy(
            row["id"], row["email_id"], reply_ids.get(row["email_id"]), row["role"], row["email"], row["tracking_id"],
            row["attempts"], row["created_at"],
        )
        for row in rows
    ]  # fmt: skip


async def _lock_due(conn: Connection, state: str, limit: int, mail_id: int | None) -> list[Row]:
    # No join here: FOR UPDATE would lock the mail's row too, and make its other copies wait for each other.
    one_mail = "AND email_id = %(mail_id)s" if mail_id is not None else ""
    return await conn.fetch_all(
        f"""
        SELECT id, email_id, role, email, tracking_id, attempts, created_at FROM email_recipients
         WHERE state = %(state)s AND next_attempt_at <= UTC_TIMESTAMP(6) {one_mail}
         ORDER BY next_attempt_at, id LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        {"state": state, "limit": limit, "mail_id": mail_id},
    )


async def _reply_ids(conn: Connection, mail_ids: Sequence[int]) -> dict[int, int | None]:
    rows = await conn.fetch_all(
        "SELECT id, reply_id FROM outgoing_emails WHERE id IN %(ids)s", {"ids": sorted(set(mail_ids))}
    )
    return {row["id"]: row["reply_id"] for row in rows}


async def mark_sending(conn: Connection, *, copy_id: int, owner: str, reports: str, lease: timedelta) -> bool:
    """Note that DATA begins, for the length of a lease from now; False where the copy is no longer ours.

    Then nothing may be sent.
    """
    sql = """
        UPDATE email_recipients
           SET state = 'sending', reports = %(reports)s, lease_until = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND
         WHERE id = %(id)s AND state = 'claimed' AND lease_owner = %(owner)s AND lease_until > UTC_TIMESTAMP(6)
    """
    values = {"id": copy_id, "owner": owner, "reports": reports, "seconds": lease.total_seconds()}
    return await conn.execute(sql, values) == 1


async def settle(
    conn: Connection,
    *,
    copy_id: int,
    owner: str,
    state: str,
    code: int | None,
    text: str,
    wait: float,
    counts: bool = True,
) -> bool:
    """Store how a try ended; False where somebody else has decided about the copy meanwhile.

    A copy that was taken for unknown when its lease ran out is still ours to settle: we know. wait: seconds until it
    is due again. counts: whether it was a try at all.
    """
    sql = """
        UPDATE email_recipients
           SET state = %(state)s, smtp_code = %(code)s, smtp_text = %(text)s,
               next_attempt_at = UTC_TIMESTAMP(6) + INTERVAL %(wait)s SECOND,
               sent_at = IF(%(state)s = 'sent', %(now)s, sent_at), lease_owner = '', lease_until = NULL,
               attempts = attempts - %(uncounted)s
         WHERE id = %(id)s AND state IN ('claimed', 'sending', 'unknown') AND lease_owner = %(owner)s
    """
    values: dict[str, Any] = {"id": copy_id, "owner": owner, "state": state, "code": code, "text": text[:1000]}
    values |= {"wait": wait, "now": utcnow(), "uncounted": 0 if counts else 1}
    return await conn.execute(sql, values) == 1


async def in_progress(conn: Connection, mail_id: int) -> bool:
    """Whether somebody is delivering copies of this mail, or should be."""
    sql = """
        SELECT COUNT(*) FROM email_recipients
         WHERE email_id = %(id)s
           AND (state IN ('claimed', 'sending') OR state IN %(waiting)s AND next_attempt_at <= UTC_TIMESTAMP(6))
    """
    return bool(await conn.fetch_value(sql, {"id": mail_id, "waiting": WAITING}))


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


async def put_back(conn: Connection, *, copy_id: int, owner: str) -> None:
    """Give back a copy of which the caller knows that nothing was sent, even if it was about to be."""
    sql = """
        UPDATE email_recipients
           SET state = 'queued', attempts = attempts - 1, lease_owner = '', lease_until = NULL
         WHERE id = %(id)s AND state IN ('claimed', 'sending') AND lease_owner = %(owner)s
    """
    await conn.execute(sql, {"id": copy_id, "owner": owner})


async def overdue(conn: Connection, *, limit: int = 100) -> list[tuple[DueCopy, str]]:
    """Copies whose lease ran out, with their state: their process died or lost the database. Locked for the caller."""
    rows = await conn.fetch_all(
        """
        SELECT id, email_id, state, role, email, tracking_id, attempts, created_at FROM email_recipients
         WHERE state IN ('claimed', 'sending') AND lease_until < UTC_TIMESTAMP(6)
         ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,
        {"limit": limit},
    )
    if not rows:
        return []
    return list(zip(await _copies(conn, rows), [str(row["state"]) for row in rows], strict=True))


async def reclaim(conn: Connection, *, copy_id: int, state: str, text: str) -> None:
    """Bring an overdue copy to where it belongs: 'queued' where nothing was sent, 'unknown' where perhaps it was.

    An unknown one keeps its owner's name: should it still live, it knows the outcome.
    """
    sql = """
        UPDATE email_recipients
           SET state = %(state)s, smtp_text = %(text)s, lease_owner = IF(%(state)s = 'unknown', lease_owner, ''),
               lease_until = NULL, next_attempt_at = UTC_TIMESTAMP(6)
         WHERE id = %(id)s
    """
    await conn.execute(sql, {"id": copy_id, "state": state, "text": text})


async def reply_of_mail(conn: Connection, mail_id: int) -> int | None:
    """The reply that a mail carries."""
    value = await conn.fetch_value("SELECT reply_id FROM outgoing_emails WHERE id = %(id)s", {"id": mail_id})
    return int(value) if value is not None else None


async def lock_copy(conn: Connection, copy_id: int) -> Row | None:
    """One copy with its mail, locked."""
    return await conn.fetch_one(
        "SELECT id, email_id, email, state FROM email_recipients WHERE id = %(id)s FOR UPDATE", {"id": copy_id}
    )


async def requeue(conn: Connection, copy_id: int) -> None:
    """Let a copy be sent from the start again."""
    sql = """
        UPDATE email_recipients
           SET state = 'queued', attempts = 0, next_attempt_at = UTC_TIMESTAMP(6), created_at = %(now)s,
               lease_owner = ''
         WHERE id = %(id)s
    """
    await conn.execute(sql, {"id": copy_id, "now": utcnow()})


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


async def reply_exists(conn: Connection, reply_id: int) -> bool:
    """Whether there is such a reply."""
    return await conn.fetch_value("SELECT id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id}) is not None
