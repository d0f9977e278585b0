"""SQL of copies on their way: claimed, sending, settled, given back.

Times that leases and tries hang on are the database's own: hosts disagree about theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.database import Connection, Row, utcnow
from app.email.models import DueCopy
from app.email.repository import IS_AGENT
from app.sql import literal

WAITING = ("queued", "retry")


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
    known = await _surroundings(conn, [row["id"] for row in rows])
    return [
        DueCopy(
            id=row["id"],
            mail_id=row["email_id"],
            reply_id=known[row["id"]]["reply_id"],
            role=row["role"],
            email=row["email"],
            tracking_id=row["tracking_id"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            is_agent=bool(known[row["id"]]["is_agent"]),
            mailing=known[row["id"]]["mailing"],
        )
        for row in rows
    ]


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


async def _surroundings(conn: Connection, copy_ids: Sequence[int]) -> dict[int, Row]:
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, m.reply_id, m.mailing, {IS_AGENT} AS is_agent
          FROM email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id
         WHERE r.id IN %(ids)s
        """,  # noqa: S608
        {"ids": copy_ids},
    )
    return {row["id"]: row for row in rows}


async def mark_sending(
    conn: Connection,
    *,
    copy_id: int,
    owner: str,
    reports: str,
    notes: Mapping[str, str],
    lease: timedelta,
    untracked_words: str = "",
) -> bool:
    """Note that DATA begins, for the length of a lease from now; False where the copy is no longer ours.

    Then nothing may be sent. notes: what each module wants to know of the copy later, by slug; they replace those of
    an earlier try.
    """
    sql = """
        UPDATE email_recipients
           SET state = 'sending', reports = %(reports)s, untracked_words = %(words)s, sending_at = %(now)s,
               lease_until = UTC_TIMESTAMP(6) + INTERVAL %(seconds)s SECOND
         WHERE id = %(id)s AND state = 'claimed' AND lease_owner = %(owner)s AND lease_until > UTC_TIMESTAMP(6)
    """
    values = {"id": copy_id, "owner": owner, "reports": reports, "seconds": lease.total_seconds(), "now": utcnow()}
    values["words"] = untracked_words[:300]
    if await conn.execute(sql, values) != 1:
        return False
    conn.later(f"DELETE FROM email_copy_notes WHERE recipient_id = {literal(copy_id)}")  # noqa: S608
    if notes:
        rows = ", ".join(f"({literal(copy_id)}, {literal(slug)}, {literal(note)})" for slug, note in notes.items())
        conn.later(f"INSERT INTO email_copy_notes (recipient_id, slug, note) VALUES {rows}")  # noqa: S608
    return True


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


@dataclass(frozen=True)
class Waiting:
    """What is still to be sent. first_due_at: when the first of it should go, or have gone; None where none waits."""

    copies: int
    first_due_at: datetime | None


async def waiting(conn: Connection) -> Waiting:
    """How many copies are on their way, for monitoring."""
    row = await conn.fetch_one(
        """
        SELECT COUNT(*) AS copies, MIN(IF(state IN ('queued', 'retry'), next_attempt_at, NULL)) AS first_due_at
          FROM email_recipients
         WHERE state IN ('queued', 'retry', 'claimed', 'sending')
        """
    )
    return Waiting(int(row["copies"]), row["first_due_at"]) if row else Waiting(0, None)
