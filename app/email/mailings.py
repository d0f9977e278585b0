"""Mailings: the mails that whoever wrote one text for many people has in the outbox, taken together.

A mailing is the name that its mails have in common (`NewMail.mailing`). Functions with a connection work in the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import Connection, utcnow
from app.sql import in_list, literal

WITHDRAWN = "It was taken back before it went to the mail server."
FAR = "TIMESTAMP'9999-01-01 00:00:00'"
"""When copies that are held are due."""
HELD_FROM = "TIMESTAMP'9998-01-01 00:00:00'"
AT_ONCE = 1000
"""Rows that one statement changes: workers that settle copies must not wait for long."""
_COPIES = "email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id"
_WAITING = "r.state IN ('queued', 'retry')"


@dataclass(frozen=True)
class MailingCounts:
    """How a mailing's copies stand. What is unknown was caught between DATA and the answer, and is not sent again."""

    total: int = 0
    waiting: int = 0
    """In the outbox: queued, held, being sent, or to be tried again."""
    sent: int = 0
    """Taken by the mail server, whatever became of them then."""
    unknown: int = 0
    failed: int = 0
    """Refused by our mail server, or given up."""
    withdrawn: int = 0
    delivered: int = 0
    """Of those sent, what somebody reported as delivered, or as complained about."""
    reported: int = 0
    """What somebody reported as delivered, also where it bounced later."""
    bounced: int = 0
    complained: int = 0
    replied: int = 0
    tracked: int = 0
    """Of those sent, what can tell of opens or clicks."""


@dataclass(frozen=True)
class MailingCopy:
    """One copy of a mailing."""

    id: int
    email: str
    state: str
    """As in `email_recipients`."""
    fate: str
    """'delivered', 'bounced', 'complained' or ''."""
    fate_short: str
    """What there is to say after "Bounced:"."""
    fate_at: datetime | None
    sent_at: datetime | None
    replied_at: datetime | None
    seen: str
    """'read', 'machine' or ''."""
    seen_at: datetime | None
    words: str
    """Of who told of the fate, or of our mail server."""
    server_words: str
    """Of our mail server, when it took or refused the copy last."""
    tried_at: datetime
    """When it was tried last, or made."""


async def counts(conn: Connection, mailing: str) -> MailingCounts:
    """All of it in one row."""
    row = await conn.fetch_one(
        f"""
        SELECT COUNT(*) AS total,
               SUM(r.state IN ('queued', 'claimed', 'sending', 'retry')) AS waiting,
               SUM(r.state = 'sent') AS sent, SUM(r.state = 'unknown') AS unknown,
               SUM(r.state = 'failed' AND r.smtp_text <> %(withdrawn)s) AS failed,
               SUM(r.state = 'failed' AND r.smtp_text = %(withdrawn)s) AS withdrawn,
               SUM(COALESCE(r.fate, '') IN ('delivered', 'complained')) AS delivered,
               SUM(COALESCE(r.fate, '') = 'bounced') AS bounced, SUM(COALESCE(r.fate, '') = 'complained') AS complained,
               SUM(r.arrived = 1 OR COALESCE(r.fate, '') IN ('delivered', 'complained')) AS reported,
               SUM(r.replied_at IS NOT NULL) AS replied, SUM(r.state = 'sent' AND r.reports <> '') AS tracked
          FROM {_COPIES} WHERE m.mailing = %(mailing)s
        """,  # noqa: S608
        {"mailing": mailing, "withdrawn": WITHDRAWN},
    )
    return MailingCounts(**{name: int(value or 0) for name, value in (row or {}).items()})


async def copies(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, MailingCopy]:
    """These copies by id; those that are gone are left out."""
    if not recipient_ids:
        return {}
    listed, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"SELECT {_COLUMNS} FROM email_recipients AS r WHERE r.id IN {listed}",  # noqa: S608
        parameters,
    )
    return {row["id"]: _copy(row) for row in rows}


_COLUMNS = """
    r.id, r.email, r.state, r.fate, r.fate_short, r.fate_at, r.sent_at, r.replied_at, r.seen, r.seen_at,
    IF(r.fate IN ('bounced', 'complained'), COALESCE(NULLIF(r.fate_detail, ''), r.fate_words), r.smtp_text) AS words,
    r.smtp_text AS server_words,
    COALESCE(r.sending_at, r.created_at) AS tried_at
"""


def _copy(row: dict[str, Any]) -> MailingCopy:
    return MailingCopy(**{**row, "fate": row["fate"] or "", "seen": row["seen"] or ""})


async def newest(conn: Connection, mailing: str, *, limit: int) -> list[MailingCopy]:
    """The copies of a mailing of which something was last heard from mail servers, newest first."""
    rows = await conn.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM {_COPIES}
         WHERE m.mailing = %(mailing)s AND (r.sent_at IS NOT NULL OR r.state IN ('failed', 'unknown'))
         ORDER BY GREATEST(COALESCE(r.fate_at, r.sent_at, r.created_at), COALESCE(r.sent_at, r.created_at)) DESC
         LIMIT %(limit)s
        """,  # noqa: S608
        {"mailing": mailing, "limit": limit},
    )
    return [_copy(row) for row in rows]


async def due_now(conn: Connection, *, most: int) -> int:
    """How many copies of whatever mails wait in the outbox to be sent now; counted up to `most`."""
    sql = """
        SELECT COUNT(*) FROM (
            SELECT 1 FROM email_recipients
             WHERE state IN ('queued', 'retry') AND next_attempt_at <= UTC_TIMESTAMP(6) LIMIT %(most)s) AS found
    """
    return int(await conn.fetch_value(sql, {"most": most}))


async def hold(conn: Connection, mailing: str) -> int:
    """Let what of a mailing waits in the outbox wait on, until `release`; how many copies."""
    return await _each(conn, mailing, f"next_attempt_at = {FAR}", f"{_WAITING} AND r.next_attempt_at < {HELD_FROM}")


async def release(conn: Connection, mailing: str) -> int:
    """Let what was held go on. The time for which it is tried begins now."""
    changes = f"next_attempt_at = UTC_TIMESTAMP(6), created_at = {literal(utcnow())}"
    return await _each(conn, mailing, changes, f"{_WAITING} AND r.next_attempt_at >= {HELD_FROM}")


async def withdraw(conn: Connection, mailing: str) -> list[int]:
    """Take back what of a mailing waits in the outbox; the ids of those copies. What is being sent goes on."""
    ids = await _waiting(conn, mailing, _WAITING)
    await _set(conn, ids, f"state = 'failed', smtp_text = {literal(WITHDRAWN)}")
    return ids


async def _each(conn: Connection, mailing: str, changes: str, condition: str) -> int:
    ids = await _waiting(conn, mailing, condition)
    await _set(conn, ids, changes)
    return len(ids)


async def _waiting(conn: Connection, mailing: str, condition: str) -> list[int]:
    # Read without locks first: a worker holds a copy only while it claims or settles it.
    rows = await conn.fetch_all(
        f"SELECT r.id FROM {_COPIES} WHERE m.mailing = %(mailing)s AND {condition} ORDER BY r.id",  # noqa: S608
        {"mailing": mailing},
    )
    found: list[int] = []
    for start in range(0, len(rows), AT_ONCE):
        listed, parameters = in_list("id", [row["id"] for row in rows[start : start + AT_ONCE]])
        locked = await conn.fetch_all(
            f"SELECT r.id FROM email_recipients AS r WHERE r.id IN {listed} AND {condition} ORDER BY r.id FOR UPDATE",  # noqa: S608
            parameters,
        )
        found += [int(row["id"]) for row in locked]
    return found


async def _set(conn: Connection, ids: Sequence[int], changes: str) -> None:
    for start in range(0, len(ids), AT_ONCE):
        listed, parameters = in_list("id", ids[start : start + AT_ONCE])
        await conn.execute(f"UPDATE email_recipients SET {changes} WHERE id IN {listed}", parameters)  # noqa: S608


async def date_back(conn: Connection, mailing: str, at: datetime) -> list[tuple[int, str]]:
    """For a demo: let all copies of a mailing have gone out at a time in the past; their ids and addresses."""
    await conn.execute(
        """
        UPDATE outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
           SET r.state = 'sent', r.created_at = %(at)s, m.created_at = %(at)s, r.sent_at = %(at)s,
               r.next_attempt_at = %(at)s, r.smtp_code = 250, r.reports = 'opens,clicks'
         WHERE m.mailing = %(mailing)s
        """,
        {"mailing": mailing, "at": at},
    )
    rows = await conn.fetch_all(
        f"SELECT r.id, r.email FROM {_COPIES} WHERE m.mailing = %(mailing)s ORDER BY r.id",  # noqa: S608
        {"mailing": mailing},
    )
    return [(int(row["id"]), str(row["email"])) for row in rows]


# --- answers ----------------------------------------------------------------------------------------------------------


async def of_message(conn: Connection, message_ids: Sequence[str]) -> tuple[str, str] | None:
    """(mailing, subject) of the mail that one of these Message-IDs names; None where none of them is of a mailing."""
    usable = [one for one in message_ids if one.isascii() and len(one) <= 255]
    if not usable:
        return None
    listed, parameters = in_list("message", usable)
    row = await conn.fetch_one(
        "SELECT m.mailing, m.subject FROM outgoing_emails AS m "  # noqa: S608
        f"WHERE m.message_id IN {listed} AND m.mailing IS NOT NULL LIMIT 1",
        parameters,
    )
    return (row["mailing"], row["subject"]) if row else None


async def note_answer(
    conn: Connection, mailing: str, *, ticket_id: int, email: str, message_ids: Sequence[str]
) -> None:
    """Keep that a ticket began as an answer to a mailing, and that its recipient answered.

    email: who wrote; message_ids: what they answer (at least one).
    """
    await conn.execute(
        """
        INSERT INTO mailing_answers (mailing, ticket_id, created_at) VALUES (%(mailing)s, %(ticket)s, %(now)s)
            ON DUPLICATE KEY UPDATE created_at = mailing_answers.created_at
        """,
        {"mailing": mailing, "ticket": ticket_id, "now": utcnow()},
    )
    listed, parameters = in_list("message", message_ids)
    await conn.execute(
        f"""
        UPDATE outgoing_emails AS m
               STRAIGHT_JOIN email_recipients AS r FORCE INDEX (email_recipients_email) ON r.email_id = m.id
           SET r.replied_at = COALESCE(r.replied_at, %(now)s)
         WHERE m.message_id IN {listed} AND m.mailing = %(mailing)s AND r.email = %(email)s
        """,  # noqa: S608
        {**parameters, "mailing": mailing, "email": email, "now": utcnow()},
    )


async def answers(conn: Connection, mailing: str, *, limit: int) -> list[tuple[int, str]]:
    """(id, subject) of the newest tickets that began as an answer to a mailing."""
    rows = await conn.fetch_all(
        """
        SELECT t.id, t.subject FROM mailing_answers AS a JOIN tickets AS t ON t.id = a.ticket_id
         WHERE a.mailing = %(mailing)s ORDER BY a.ticket_id DESC LIMIT %(limit)s
        """,
        {"mailing": mailing, "limit": limit},
    )
    return [(int(row["id"]), str(row["subject"])) for row in rows]
