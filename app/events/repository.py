"""SQL of the outbox's own events, and of where events belong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.database import Connection, Row
from app.events.models import EventQuery
from app.events.positions import position, read_position
from app.hookspecs import MailEvent, MailEventQuery
from app.sql import in_list

MOST_COPIES = 1000
"""Copies that are looked at for one recipient, ticket or reply; the newest."""
STATES = ("sent", "failed", "unknown")


async def copies(conn: Connection, query: EventQuery) -> list[int] | None:
    """The copies that recipient, ticket and reply leave, ascending; None where nothing of it is given. Where there are
    more than MOST_COPIES, one more than that.
    """
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if query.recipient:
        if "@" in query.recipient and "." in query.recipient.rpartition("@")[2]:
            conditions.append("r.email = %(email)s")
            values["email"] = query.recipient
        else:
            conditions.append("r.email LIKE %(email)s")
            escaped = query.recipient.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            values["email"] = f"{escaped}%"
    if query.reply_id is not None:
        conditions.append("e.reply_id = %(reply)s")
        values["reply"] = query.reply_id
    if query.ticket_id is not None:
        conditions.append("p.ticket_id = %(ticket)s")
        values["ticket"] = query.ticket_id
    if not conditions:
        return None
    rows = await conn.fetch_all(
        f"""
        SELECT r.id FROM email_recipients AS r JOIN outgoing_emails AS e ON e.id = r.email_id
          LEFT JOIN ticket_replies AS p ON p.id = e.reply_id
         WHERE {" AND ".join(conditions)} ORDER BY r.id DESC LIMIT {MOST_COPIES + 1}
        """,  # noqa: S608
        values,
    )
    return sorted(row["id"] for row in rows)


async def queued(conn: Connection, query: MailEventQuery) -> list[MailEvent]:
    """Copies of replies by when they were put into the outbox."""
    conditions, values = _bounds("m.queued_at", "r.id", query)
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, m.queued_at AS at FROM report_mails AS m JOIN email_recipients AS r ON r.email_id = m.email_id
         WHERE {conditions} ORDER BY m.queued_at DESC, r.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        values,
    )
    return [_event(row, "queued") for row in rows]


async def settled(conn: Connection, query: MailEventQuery, state: str) -> list[MailEvent]:
    """Copies that are in one of STATES, by when they came into it."""
    conditions, values = _bounds("r.next_attempt_at", "r.id", query)
    index = "" if query.recipient_ids is not None else "FORCE INDEX (email_recipients_due)"
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, r.next_attempt_at AS at, r.smtp_code, r.smtp_text FROM email_recipients AS r {index}
         WHERE r.state = %(state)s AND {conditions} ORDER BY r.next_attempt_at DESC, r.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        {**values, "state": state},
    )
    return [_event(row, state) for row in rows]


async def places(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, Row]:
    """Where copies (at least one id) belong: `email`, `reply_id`, `ticket_id`."""
    ids, values = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, r.email, e.reply_id, p.ticket_id FROM email_recipients AS r
          JOIN outgoing_emails AS e ON e.id = r.email_id LEFT JOIN ticket_replies AS p ON p.id = e.reply_id
         WHERE r.id IN {ids}
        """,  # noqa: S608
        values,
    )
    return {row["id"]: row for row in rows}


def _bounds(column: str, number: str, query: MailEventQuery) -> tuple[str, dict[str, Any]]:
    conditions = [f"{column} >= %(since)s", f"{column} < %(until)s"]
    values: dict[str, Any] = {"since": query.since, "until": query.until, "limit": query.limit}
    if query.after is not None:
        at, after_id = read_position(query.after)
        conditions += [f"{column} <= %(at)s", f"({column} < %(at)s OR {number} < %(after_id)s)"]
        values |= {"at": at, "after_id": after_id}
    if query.recipient_ids is not None:
        ids, found = in_list("id", query.recipient_ids or [0])
        conditions.append(f"r.id IN {ids}")
        values |= found
    return " AND ".join(conditions), values


def _event(row: Row, kind: str) -> MailEvent:
    at: datetime = row["at"]
    return MailEvent(
        position=position(at, row["id"]),
        happened_at=at,
        kind=kind,
        recipient_id=row["id"],
        reason=row.get("smtp_text") or "",
        detail=str(row.get("smtp_code") or ""),
    )
