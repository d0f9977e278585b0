"""SQL of saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.database import Connection, utcnow
from app.views.models import View

_COLUMNS = "v.id, v.user_id, u.name AS owner, v.name, v.query, v.is_shared"


async def seen_by(conn: Connection, user_id: int) -> list[View]:
    """An agent's own views and the shared ones, by name, their own first."""
    rows = await conn.fetch_all(
        f"""
        SELECT {_COLUMNS} FROM saved_views AS v JOIN users AS u ON u.id = v.user_id
         WHERE v.user_id = %(user)s OR v.is_shared = 1
         ORDER BY v.user_id <> %(user)s, v.name, v.id LIMIT 200
        """,  # noqa: S608
        {"user": user_id},
    )
    return [_view(row) for row in rows]


async def view(conn: Connection, view_id: int) -> View | None:
    """One of them."""
    sql = f"SELECT {_COLUMNS} FROM saved_views AS v JOIN users AS u ON u.id = v.user_id WHERE v.id = %(id)s"  # noqa: S608
    row = await conn.fetch_one(sql, {"id": view_id})
    return _view(row) if row else None


async def names(conn: Connection, user_id: int) -> dict[str, int]:
    """Ids of an agent's views by name, in lower case. Locks the agent's row: two forms come one after the other."""
    await conn.fetch_value("SELECT u.id FROM users AS u WHERE u.id = %(user)s FOR UPDATE", {"user": user_id})
    sql = "SELECT v.id, v.name FROM saved_views AS v WHERE v.user_id = %(user)s"
    rows = await conn.fetch_all(sql, {"user": user_id})
    return {row["name"].casefold(): row["id"] for row in rows}


async def insert(conn: Connection, *, user_id: int, name: str, query: str, is_shared: bool) -> int:
    """Add one."""
    return await conn.insert(
        """
        INSERT INTO saved_views (user_id, name, query, is_shared, created_at)
        VALUES (%(user)s, %(name)s, %(query)s, %(shared)s, %(now)s)
        """,
        {"user": user_id, "name": name, "query": query, "shared": is_shared, "now": utcnow()},
    )


async def update(conn: Connection, view_id: int, *, name: str, is_shared: bool) -> None:
    """Rename it, share it or share it no more."""
    sql = "UPDATE saved_views SET name = %(name)s, is_shared = %(shared)s WHERE id = %(id)s"
    await conn.execute(sql, {"name": name, "shared": is_shared, "id": view_id})


async def delete(conn: Connection, view_id: int) -> None:
    """Remove one."""
    await conn.execute("DELETE FROM saved_views WHERE id = %(id)s", {"id": view_id})


def _view(row: Mapping[str, Any]) -> View:
    return View(**{**row, "is_shared": bool(row["is_shared"])})
