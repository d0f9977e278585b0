"""SQL of canned replies."""

from __future__ import annotations

from app.canned.models import Canned
from app.database import Connection, utcnow

COLUMNS = "r.id, r.user_id, u.name AS user_name, r.is_shared, r.title, r.body_html, r.used, r.updated_at"
_FROM = f"SELECT {COLUMNS} FROM canned_replies AS r LEFT JOIN users AS u ON u.id = r.user_id"  # noqa: S608
_SEEN = "(r.is_shared = 1 OR r.user_id = %(user)s)"


async def seen_by(conn: Connection, user_id: int) -> list[Canned]:
    """Those that a user may use, by title."""
    rows = await conn.fetch_all(f"{_FROM} WHERE {_SEEN} ORDER BY r.title, r.id", {"user": user_id})
    return [Canned.from_row(row) for row in rows]


async def one(conn: Connection, canned_id: int, user_id: int, *, lock: bool = False) -> Canned | None:
    """One that a user may use; with `lock`, held until the end of the transaction."""
    row = await conn.fetch_one(
        f"{_FROM} WHERE r.id = %(id)s AND {_SEEN}{' FOR UPDATE' if lock else ''}", {"id": canned_id, "user": user_id}
    )
    return Canned.from_row(row) if row else None


async def insert(conn: Connection, *, user_id: int, is_shared: bool, title: str, body_html: str) -> int:
    """Add one."""
    sql = """
        INSERT INTO canned_replies (user_id, is_shared, title, body_html, created_at, updated_at)
        VALUES (%(user)s, %(shared)s, %(title)s, %(body)s, %(now)s, %(now)s)
    """
    values = {"user": user_id, "shared": is_shared, "title": title, "body": body_html, "now": utcnow()}
    return await conn.insert(sql, values)


async def update(conn: Connection, canned_id: int, *, is_shared: bool, title: str, body_html: str) -> None:
    """Change one."""
    sql = """
        UPDATE canned_replies SET is_shared = %(shared)s, title = %(title)s, body_html = %(body)s, updated_at = %(now)s
         WHERE id = %(id)s
    """
    values = {"id": canned_id, "shared": is_shared, "title": title, "body": body_html, "now": utcnow()}
    await conn.execute(sql, values)


async def delete(conn: Connection, canned_id: int) -> None:
    """Remove one."""
    await conn.execute("DELETE FROM canned_replies WHERE id = %(id)s", {"id": canned_id})


async def count_use(conn: Connection, canned_id: int) -> None:
    """Note that it was put into an answer."""
    await conn.execute("UPDATE canned_replies SET used = used + 1 WHERE id = %(id)s", {"id": canned_id})
