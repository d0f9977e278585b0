"""SQL of replies that can still be taken back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import Connection
from app.sql import in_list


@dataclass(frozen=True)
class HeldReply:
    """A reply that waits to be sent, unless it is taken back."""

    reply_id: int
    ticket_id: int
    user_id: int
    form: Mapping[str, Any]


@dataclass(frozen=True)
class Waiting:
    """Until when a reply waits, and for whom."""

    user_id: int
    until: datetime
    seconds: float
    """From now, by the database's clock."""


async def insert(conn: Connection, *, reply_id: int, user_id: int, seconds: int, form: Mapping[str, Any]) -> None:
    """Keep what a reply was made from, for as long as it can be taken back."""
    sql = """
        INSERT INTO held_replies (reply_id, user_id, until, form)
        VALUES (%(reply_id)s, %(user_id)s, UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND, %(form)s)
    """
    await conn.execute(
        sql, {"reply_id": reply_id, "user_id": user_id, "seconds": seconds, "form": json.dumps(dict(form))}
    )


async def waiting(conn: Connection, reply_ids: Collection[int]) -> dict[int, Waiting]:
    """Those of these replies that can be taken back now."""
    if not reply_ids:
        return {}
    listed, values = in_list("reply", sorted(reply_ids))
    rows = await conn.fetch_all(
        f"""
        SELECT h.reply_id, h.user_id, h.until,
               TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), h.until) / 1000000 AS seconds
          FROM held_replies AS h WHERE h.reply_id IN {listed} AND h.until > UTC_TIMESTAMP(6)
        """,  # noqa: S608
        values,
    )
    return {row["reply_id"]: Waiting(row["user_id"], row["until"], float(row["seconds"])) for row in rows}


async def held(conn: Connection, reply_id: int) -> HeldReply | None:
    """A reply with what it was made from, held until the end of the transaction."""
    row = await conn.fetch_one(
        "SELECT h.reply_id, h.user_id, h.form FROM held_replies AS h WHERE h.reply_id = %(id)s FOR UPDATE",
        {"id": reply_id},
    )
    if row is None:
        return None
    ticket_id = await conn.fetch_value("SELECT ticket_id FROM ticket_replies WHERE id = %(id)s", {"id": reply_id})
    return HeldReply(reply_id, int(ticket_id), row["user_id"], json.loads(row["form"]))


async def lock_untried(conn: Connection, reply_id: int) -> bool:
    """Hold the copies of a reply's mail, so that no worker takes them; whether none was ever taken.

    Workers skip rows that are locked. Where one holds a copy, this waits until its claim is committed.
    """
    rows = await conn.fetch_all(
        """
        SELECT r.state, r.attempts FROM email_recipients AS r
         WHERE r.email_id IN (SELECT m.id FROM outgoing_emails AS m WHERE m.reply_id = %(id)s)
         ORDER BY r.id FOR UPDATE
        """,
        {"id": reply_id},
    )
    return bool(rows) and all(row["state"] == "queued" and row["attempts"] == 0 for row in rows)


async def make_due(conn: Connection, reply_id: int) -> None:
    """Let the worker take a reply's mail now."""
    values = {"id": reply_id}
    await conn.execute(
        """
        UPDATE email_recipients SET next_attempt_at = UTC_TIMESTAMP(6)
         WHERE state = 'queued' AND email_id IN (SELECT m.id FROM outgoing_emails AS m WHERE m.reply_id = %(id)s)
        """,
        values,
    )
    await conn.execute("DELETE FROM held_replies WHERE reply_id = %(id)s", values)


async def withdraw(conn: Connection, reply_id: int) -> None:
    """Delete a reply and its mail, of which no copy was tried; its files are no message's again."""
    values = {"id": reply_id}
    for sql in (
        "DELETE r FROM email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id WHERE m.reply_id = %(id)s",
        "DELETE a FROM email_attachments AS a JOIN outgoing_emails AS m ON m.id = a.email_id WHERE m.reply_id = %(id)s",
        "DELETE FROM outgoing_emails WHERE reply_id = %(id)s",
        "UPDATE attachments SET reply_id = NULL, created_at = UTC_TIMESTAMP(6) WHERE reply_id = %(id)s",
        # Before the reply, whose badge the list may show.
        "UPDATE tickets SET last_reply_id = NULL WHERE last_reply_id = %(id)s "
        "AND id = (SELECT p.ticket_id FROM ticket_replies AS p WHERE p.id = %(id)s)",
        "DELETE FROM ticket_replies WHERE id = %(id)s",
    ):
        await conn.execute(sql, values)


async def has_messages(conn: Connection, ticket_id: int) -> bool:
    """Whether a ticket has any message or note."""
    sql = "SELECT EXISTS (SELECT 1 FROM ticket_replies AS r WHERE r.ticket_id = %(id)s)"
    return bool(await conn.fetch_value(sql, {"id": ticket_id}))
