"""SQL of senders whose images are always shown."""

from __future__ import annotations

from app.database import Connection, utcnow


async def is_shown(conn: Connection, *, user_id: int, email: str) -> bool:
    """Whether a user always wants to see a sender's images."""
    sql = "SELECT 1 AS found FROM shown_senders WHERE user_id = %(user)s AND email = %(email)s"
    return await conn.fetch_one(sql, {"user": user_id, "email": email}) is not None


async def set_shown(conn: Connection, *, user_id: int, email: str, shown: bool) -> None:
    """Keep, or take back, that a user always wants to see them."""
    if shown:
        sql = """
            INSERT INTO shown_senders (user_id, email, created_at) VALUES (%(user)s, %(email)s, %(now)s)
            ON DUPLICATE KEY UPDATE email = VALUES(email)
        """
        await conn.execute(sql, {"user": user_id, "email": email, "now": utcnow()})
    else:
        sql = "DELETE FROM shown_senders WHERE user_id = %(user)s AND email = %(email)s"
        await conn.execute(sql, {"user": user_id, "email": email})
