"""SQL of receipts: reads copies, writes `email_recipients.receipt` and `tickets.last_receipt`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.database import Connection
from app.receipts.models import Copy, CopyState, Report
from app.sql import derived, in_list, literal

COPY_COLUMNS = (
    "r.id, e.reply_id, r.role, r.name, r.email, r.state, r.reports, r.receipt, r.receipt_at, r.sent_at, r.smtp_text, "
    "r.created_at"
)


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


async def kinds_of_copies(conn: Connection, reply_ids: Sequence[int]) -> dict[int, list[CopyState]]:
    """The different states that the copies of these replies are in, by reply; a mail to 200 people has few of them."""
    if not reply_ids:
        return {}
    replies, parameters = in_list("reply", reply_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT DISTINCT e.reply_id, r.state, r.reports <> '' AS tracked, r.receipt
          FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id IN {replies}
        """,  # noqa: S608
        parameters,
    )
    found: defaultdict[int, list[CopyState]] = defaultdict(list)
    for row in rows:
        found[row["reply_id"]].append(CopyState(row["state"], bool(row["tracked"]), row["receipt"]))
    return found


async def lock_reported(conn: Connection, copy_ids: Sequence[int], below: Collection[str]) -> dict[int, str | None]:
    """Lock those of these copies of which nothing is known, or one of `below`; by id, what is known.

    The others are not even read: most opens are those of mails that were read before.
    """
    copies, parameters = in_list("copy", copy_ids)
    known, more = in_list("receipt", below) if below else ("('')", {})
    rows = await conn.fetch_all(
        f"""
        SELECT id, receipt FROM email_recipients
         WHERE id IN {copies} AND (receipt IS NULL OR receipt IN {known}) ORDER BY id FOR UPDATE
        """,  # noqa: S608
        {**parameters, **more},
    )
    return {row["id"]: row["receipt"] for row in rows}


def set_receipts(conn: Connection, reports: Sequence[Report]) -> None:
    """Keep what plugins reported (at least one, one per copy)."""
    rows = [(literal(one.recipient_id), literal(one.receipt), literal(one.at)) for one in reports]
    news = derived(("id", "receipt", "receipt_at"), rows)
    conn.later(
        f"UPDATE {news} AS news STRAIGHT_JOIN email_recipients AS r ON r.id = news.id "  # noqa: S608
        "SET r.receipt = news.receipt, r.receipt_at = news.receipt_at"
    )


async def ticket_of(conn: Connection, reply_id: int) -> int | None:
    """The ticket that a reply belongs to."""
    value = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    return int(value) if value is not None else None


async def lock_last_replies(conn: Connection, ticket_ids: Sequence[int]) -> dict[int, LastReply]:
    """Lock these tickets' rows (at least one id); by ticket, its last reply that went out, and the badge stored."""
    tickets, parameters = in_list("ticket", ticket_ids)
    rows = await conn.fetch_all(
        f"SELECT id, last_reply_id, last_receipt FROM tickets WHERE id IN {tickets} ORDER BY id FOR UPDATE",  # noqa: S608
        parameters,
    )
    return {row["id"]: LastReply(row["last_reply_id"], row["last_receipt"]) for row in rows}


async def set_last_receipt(conn: Connection, *, ticket_ids: Sequence[int], state: str | None) -> None:
    """Keep the badge of these tickets' (at least one id) last reply where the ticket list can filter by it."""
    tickets, parameters = in_list("ticket", ticket_ids)
    await conn.execute(
        f"UPDATE tickets SET last_receipt = %(state)s WHERE id IN {tickets}",  # noqa: S608
        {**parameters, "state": state},
    )
