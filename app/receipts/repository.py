"""SQL of receipts: reads copies, writes `email_recipients.receipt` and `tickets.last_receipt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection
from app.receipts.models import Copy, CopyState
from app.sql import in_list

COPY_COLUMNS = (
    "r.id, e.reply_id, r.role, r.name, r.email, r.state, r.reports, r.receipt, r.receipt_at, r.sent_at, r.smtp_text, "
    "r.created_at"
)


@dataclass(frozen=True)
class Reported:
    """What was reported of one copy so far, and the reply it belongs to."""

    receipt: str | None
    reply_id: int | None


@dataclass(frozen=True)
class LastReply:
    """A ticket's last reply that went out."""

    id: int | None
    receipt: str | None


async def copies_of(conn: Connection, reply_ids: Sequence[int]) -> list[Copy]:
    """All copies of these replies (at least one id), To before Cc before Bcc."""
    replies, parameters = in_list("reply", reply_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT {COPY_COLUMNS} FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id IN {replies} ORDER BY e.reply_id, r.role, r.id
        """,  # noqa: S608
        parameters,
    )
    return [Copy.from_row(row) for row in rows]


async def kinds_of_copies(conn: Connection, reply_id: int) -> list[CopyState]:
    """The different states that the copies of a reply are in; a mail to 200 people has few of them."""
    rows = await conn.fetch_all(
        """
        SELECT DISTINCT r.state, r.reports <> '' AS tracked, r.receipt
          FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id = %(reply_id)s
        """,
        {"reply_id": reply_id},
    )
    return [CopyState(row["state"], bool(row["tracked"]), row["receipt"]) for row in rows]


async def lock_reported(conn: Connection, recipient_id: int) -> Reported | None:
    """Lock one copy's row and tell what is known of it; None where there is no such copy."""
    row = await conn.fetch_one(
        "SELECT receipt, email_id FROM email_recipients WHERE id = %(id)s FOR UPDATE", {"id": recipient_id}
    )
    if row is None:
        return None
    reply_id = await conn.fetch_value("SELECT reply_id FROM outgoing_emails WHERE id = %(id)s", {"id": row["email_id"]})
    return Reported(row["receipt"], reply_id)


async def set_receipt(conn: Connection, *, recipient_id: int, receipt: str, at: datetime) -> None:
    """Keep what a plugin reported of one copy."""
    await conn.execute(
        "UPDATE email_recipients SET receipt = %(receipt)s, receipt_at = %(at)s WHERE id = %(id)s",
        {"receipt": receipt, "at": at, "id": recipient_id},
    )


async def ticket_of(conn: Connection, reply_id: int) -> int | None:
    """The ticket that a reply belongs to."""
    value = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    return int(value) if value is not None else None


async def lock_last_reply(conn: Connection, ticket_id: int) -> LastReply:
    """Lock the ticket's row; its last reply that went out, and the badge stored for it."""
    row = await conn.fetch_one(
        "SELECT last_reply_id, last_receipt FROM tickets WHERE id = %(id)s FOR UPDATE", {"id": ticket_id}
    )
    return LastReply(row["last_reply_id"], row["last_receipt"]) if row else LastReply(None, None)


async def set_last_receipt(conn: Connection, *, ticket_id: int, state: str | None) -> None:
    """Keep the badge of the ticket's last reply where the ticket list can filter by it."""
    await conn.execute(
        "UPDATE tickets SET last_receipt = %(state)s WHERE id = %(id)s", {"state": state, "id": ticket_id}
    )
