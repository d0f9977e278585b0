"""SQL of mails that came in. Times that leases and tries hang on are the database's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pymysql

from app.database import DUPLICATE, Connection, utcnow
from app.inbound.models import DueMail, InboundLine

LINE_COLUMNS = (
    "i.id, i.received_at, i.state, i.kind, i.reason, i.sender, i.subject, i.size, i.source, i.attempts, "
    "COALESCE(b.address, i.recipient) AS mailbox, i.ticket_id, i.reply_id, i.supposed_ticket_id, i.notes"
)


async def insert(
    conn: Connection, *, raw_key: bytes, mailbox_id: int | None, source: str, recipient: str, size: int, held: str
) -> int | None:
    """Add a mail without its bytes; None where the very same is there already. held: why it goes into quarantine."""
    sql = """
        INSERT INTO inbound_mails (raw_key, mailbox_id, source, recipient, size, state, reason, notes, next_attempt_at,
                                   received_at)
        VALUES (%(raw_key)s, %(mailbox_id)s, %(source)s, %(recipient)s, %(size)s,
                IF(%(held)s = '', 'new', 'quarantined'), %(held)s, '{}', UTC_TIMESTAMP(6), %(now)s)
    """
    values = {"raw_key": raw_key, "mailbox_id": mailbox_id, "source": source, "recipient": recipient[:320]}
    values["held"] = held[:500]
    try:
        return await conn.insert(sql, {**values, "size": size, "now": utcnow()})
    except pymysql.err.IntegrityError as error:
        if error.args[0] != DUPLICATE:
            raise
        return None


async def id_of(conn: Connection, raw_key: bytes) -> int:
    """The mail with these bytes."""
    return int(await conn.fetch_value("SELECT id FROM inbound_mails WHERE raw_key = %(key)s", {"key": raw_key}))


async def insert_piece(conn: Connection, *, mail_id: int, position: int, piece: bytes) -> None:
    """Add one compressed piece of the raw bytes."""
    sql = "INSERT INTO inbound_mail_pieces (mail_id, position, piece) VALUES (%(mail_id)s, %(position)s, %(piece)s)"
    await conn.execute(sql, {"mail_id": mail_id, "position": position, "piece": piece})


async def piece(conn: Connection, mail_id: int, position: int) -> bytes | None:
    """One compressed piece; None behind the last."""
    sql = "SELECT p.piece FROM inbound_mail_pieces AS p WHERE p.mail_id = %(id)s AND p.position = %(position)s"
    value = await conn.fetch_value(sql, {"id": mail_id, "position": position})
    return bytes(value) if value is not None else None


async def claim(conn: Connection, *, owner: str, lease: timedelta, limit: int) -> list[DueMail]:
    """Take mails that are due for the length of a lease; to be committed before any work begins."""
    rows = await conn.fetch_all(
        """
        SELECT i.id, i.mailbox_id, i.recipient, i.attempts, i.received_at, i.released FROM inbound_mails AS i
         WHERE i.state = 'new' AND i.next_attempt_at <= UTC_TIMESTAMP(6)
         ORDER BY i.next_attempt_at, i.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,
        {"limit": limit},
    )
    if rows:
        await conn.execute(
            """
            UPDATE inbound_mails
               SET attempts = attempts + 1, lease_owner = %(owner)s,
                   lease_until = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND,
                   next_attempt_at = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND
             WHERE id IN %(ids)s
            """,
            {"owner": owner, "seconds": lease.total_seconds(), "ids": [row["id"] for row in rows]},
        )
    return [
        DueMail(
            row["id"],
            row["mailbox_id"],
            row["recipient"],
            row["attempts"] + 1,
            row["received_at"],
            bool(row["released"]),
        )
        for row in rows
    ]


async def put_back(conn: Connection, mail_id: int, *, owner: str, seconds: float, counts: bool) -> None:
    """Let a claimed mail be tried again after some seconds. counts: the try was one."""
    await conn.execute(
        """
        UPDATE inbound_mails
           SET next_attempt_at = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND, lease_owner = '', lease_until = NULL,
               attempts = attempts - IF(%(counts)s, 0, 1)
         WHERE id = %(id)s AND state = 'new' AND lease_owner = %(owner)s
        """,
        {"id": mail_id, "owner": owner, "seconds": seconds, "counts": counts},
    )


async def lock_claimed(conn: Connection, mail_id: int, owner: str) -> bool:
    """Hold a claimed mail until the end of the transaction; False where the lease passed to somebody else."""
    sql = """
        SELECT i.id FROM inbound_mails AS i
         WHERE i.id = %(id)s AND i.state = 'new' AND i.lease_owner = %(owner)s FOR UPDATE
    """
    return await conn.fetch_value(sql, {"id": mail_id, "owner": owner}) is not None


async def finish(conn: Connection, mail_id: int, *, state: str, **values: Any) -> None:
    """Settle a mail. values: columns, of which `notes` may be any JSON."""
    if "notes" in values:
        values["notes"] = json.dumps(values["notes"])
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    await conn.execute(
        f"""
        UPDATE inbound_mails
           SET state = %(state)s, processed_at = %(now)s, lease_owner = '', lease_until = NULL{", " if columns else ""}
               {columns}
         WHERE id = %(id)s
        """,  # noqa: S608
        {**values, "state": state, "now": utcnow(), "id": mail_id},
    )


async def release(conn: Connection, mail_id: int) -> bool:
    """Let a quarantined mail be read again, now; False where it is not one."""
    sql = """
        UPDATE inbound_mails SET state = 'new', released = 1, attempts = 0, reason = '',
               next_attempt_at = UTC_TIMESTAMP(6), processed_at = NULL, mail_key = NULL
         WHERE id = %(id)s AND (state = 'quarantined' OR (state = 'processed' AND ticket_id IS NULL))
    """
    return bool(await conn.execute(sql, {"id": mail_id}))


async def same_mail(conn: Connection, mail_key: bytes) -> tuple[int | None, int | None] | None:
    """Ticket and message of the same mail that came another way."""
    sql = "SELECT i.ticket_id, i.reply_id FROM inbound_mails AS i WHERE i.mail_key = %(key)s"
    row = await conn.fetch_one(sql, {"key": mail_key})
    return (row["ticket_id"], row["reply_id"]) if row else None


async def count_sender(conn: Connection, sender: str, *, automatic: bool) -> tuple[int, int, bool]:
    """Count a mail of a sender: how many came this hour, how many of them automatic, and whether admins were told."""
    values = {"sender": sender[:254].lower(), "hour": utcnow().replace(minute=0, second=0, microsecond=0)}
    await conn.execute(
        """
        INSERT INTO inbound_senders (sender, hour_at, mails, automatic)
        VALUES (%(sender)s, %(hour)s, 1, %(automatic)s)
        ON DUPLICATE KEY UPDATE mails = mails + 1, automatic = automatic + VALUES(automatic)
        """,
        {**values, "automatic": int(automatic)},
    )
    rows = await conn.fetch_all(
        """
        SELECT s.mails, s.automatic, s.told FROM inbound_senders AS s
         WHERE s.sender = %(sender)s AND s.hour_at = %(hour)s
        """,
        values,
    )
    return rows[0]["mails"], rows[0]["automatic"], bool(rows[0]["told"])


async def set_told(conn: Connection, sender: str) -> None:
    """Note that admins heard of this sender's storm."""
    values = {"sender": sender[:254].lower(), "hour": utcnow().replace(minute=0, second=0, microsecond=0)}
    await conn.execute("UPDATE inbound_senders SET told = 1 WHERE sender = %(sender)s AND hour_at = %(hour)s", values)


async def lines(conn: Connection, *, state: str, before: int = 0, after: int = 0, limit: int) -> list[InboundLine]:
    """Mails for admins, newest first. state: one of the table's, 'aside' (processed without a ticket), or ''."""
    where = {
        "": "TRUE",
        "aside": "i.state = 'processed' AND i.ticket_id IS NULL",
    }.get(state, "i.state = %(state)s")
    edge = "i.id > %(after)s" if after else "i.id < %(before)s"
    order = "ASC" if after else "DESC"
    rows = await conn.fetch_all(
        f"""
        SELECT {LINE_COLUMNS} FROM inbound_mails AS i LEFT JOIN mailboxes AS b ON b.id = i.mailbox_id
         WHERE {where} AND {edge} ORDER BY i.id {order} LIMIT %(limit)s
        """,  # noqa: S608
        {"state": state, "before": before or 2**62, "after": after, "limit": limit},
    )
    found = [_line(row) for row in rows]
    return found[::-1] if after else found


async def line(conn: Connection, mail_id: int) -> InboundLine | None:
    """One mail."""
    row = await conn.fetch_one(
        f"""
        SELECT {LINE_COLUMNS} FROM inbound_mails AS i LEFT JOIN mailboxes AS b ON b.id = i.mailbox_id
         WHERE i.id = %(id)s
        """,  # noqa: S608
        {"id": mail_id},
    )
    return _line(row) if row else None


async def of_messages(conn: Connection, reply_ids: Sequence[int]) -> dict[int, InboundLine]:
    """The mails that brought these messages, by message; the first of several."""
    if not reply_ids:
        return {}
    rows = await conn.fetch_all(
        f"""
        SELECT {LINE_COLUMNS} FROM inbound_mails AS i LEFT JOIN mailboxes AS b ON b.id = i.mailbox_id
         WHERE i.reply_id IN %(ids)s ORDER BY i.id DESC
        """,  # noqa: S608
        {"ids": list(reply_ids)},
    )
    return {row["reply_id"]: _line(row) for row in rows}


async def oldest_new(conn: Connection) -> datetime | None:
    """When the oldest mail came that is not read yet; None where none waits."""
    found = await conn.fetch_value("SELECT MIN(received_at) FROM inbound_mails WHERE state = 'new'")
    return found if isinstance(found, datetime) else None


async def counts(conn: Connection) -> dict[str, int]:
    """How many mails wait and how many are in quarantine."""
    rows = await conn.fetch_all(
        "SELECT i.state, COUNT(*) AS many FROM inbound_mails AS i WHERE i.state <> 'processed' GROUP BY i.state"
    )
    return {row["state"]: int(row["many"]) for row in rows}


def _line(row: dict[str, Any]) -> InboundLine:
    notes = json.loads(row.pop("notes") or "{}")
    return InboundLine(**row, notes=tuple(notes.get("notes", ())), warnings=tuple(notes.get("warnings", ())))
