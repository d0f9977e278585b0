"""SQL of who has a ticket open. Times are the database's own: the clocks of the web processes may differ."""

from __future__ import annotations

from dataclasses import dataclass

from app.database import Connection

FRESH = 45
"""Seconds for which a word from a page counts; pages say it every 20."""
KEPT = 3600
"""Seconds after which nobody needs a row."""


@dataclass(frozen=True)
class Present:
    """Somebody who has the ticket open."""

    user_id: int
    name: str
    is_writing: bool


async def note(conn: Connection, *, ticket_id: int, user_id: int, is_writing: bool) -> bool:
    """Keep that a user has a ticket open; whether others see a difference."""
    before = await conn.fetch_one(
        f"""
        SELECT p.is_writing FROM ticket_presence AS p
         WHERE p.ticket_id = %(ticket)s AND p.user_id = %(user)s
           AND p.seen_at > UTC_TIMESTAMP(6) - INTERVAL {FRESH} SECOND
        """,  # noqa: S608
        {"ticket": ticket_id, "user": user_id},
    )
    await conn.execute(
        """
        INSERT INTO ticket_presence (ticket_id, user_id, is_writing, seen_at)
        VALUES (%(ticket)s, %(user)s, %(writing)s, UTC_TIMESTAMP(6))
        ON DUPLICATE KEY UPDATE is_writing = VALUES(is_writing), seen_at = VALUES(seen_at)
        """,
        {"ticket": ticket_id, "user": user_id, "writing": is_writing},
    )
    return before is None or bool(before["is_writing"]) is not is_writing


async def leave(conn: Connection, *, ticket_id: int, user_id: int) -> bool:
    """Keep that a user has left; whether they were there."""
    return bool(
        await conn.execute(
            "DELETE FROM ticket_presence WHERE ticket_id = %(ticket)s AND user_id = %(user)s",
            {"ticket": ticket_id, "user": user_id},
        )
    )


async def others(conn: Connection, *, ticket_id: int, not_user: int) -> list[Present]:
    """Who else has it open, those who write first."""
    rows = await conn.fetch_all(
        f"""
        SELECT p.user_id, u.name, p.is_writing FROM ticket_presence AS p JOIN users AS u ON u.id = p.user_id
         WHERE p.ticket_id = %(ticket)s AND p.user_id <> %(user)s AND u.disabled_at IS NULL
           AND p.seen_at > UTC_TIMESTAMP(6) - INTERVAL {FRESH} SECOND
         ORDER BY p.is_writing DESC, u.name LIMIT 20
        """,  # noqa: S608
        {"ticket": ticket_id, "user": not_user},
    )
    return [Present(row["user_id"], row["name"], bool(row["is_writing"])) for row in rows]


async def forget_old(conn: Connection) -> None:
    """Delete a few rows that nobody needs."""
    await conn.execute(
        f"DELETE FROM ticket_presence WHERE seen_at < UTC_TIMESTAMP(6) - INTERVAL {KEPT} SECOND LIMIT 100"  # noqa: S608
    )
