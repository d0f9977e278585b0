"""SQL of announcements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.database import Connection, utcnow
from plugins.announcements.models import Announcement

COLUMNS = """
    a.id, a.subject, a.body_html, a.state, a.audience, a.audience_value, a.per_minute, a.is_tracked, a.send_at,
    a.listed_to, a.listed_at, a.paced_at, a.started_at, a.finished_at, a.created_by, a.created_at, a.updated_at,
    COALESCE(u.name, '') AS author, COALESCE(s.name, u.name, '') AS sender_name,
    COALESCE(s.email, u.email, '') AS sender_email
"""
_FROM = "announcements AS a LEFT JOIN users AS u ON u.id = a.created_by LEFT JOIN users AS s ON s.id = a.sent_by"


async def one(conn: Connection, announcement_id: int) -> Announcement | None:
    """One of them."""
    row = await conn.fetch_one(
        f"SELECT {COLUMNS} FROM {_FROM} WHERE a.id = %(id)s",  # noqa: S608
        {"id": announcement_id},
    )
    return Announcement.from_row(row) if row else None


async def lock(conn: Connection, announcement_id: int) -> bool:
    """Hold its row until the end of the transaction; False where there is none."""
    sql = "SELECT a.id FROM announcements AS a WHERE a.id = %(id)s FOR UPDATE"
    return await conn.fetch_value(sql, {"id": announcement_id}) is not None


async def lock_idle(conn: Connection, announcement_id: int) -> bool:
    """The same where nobody else holds it; False otherwise."""
    sql = "SELECT a.id FROM announcements AS a WHERE a.id = %(id)s FOR UPDATE SKIP LOCKED"
    return await conn.fetch_value(sql, {"id": announcement_id}) is not None


async def page(conn: Connection, *, words: str, state: str, before: int, limit: int) -> list[Announcement]:
    """Announcements, newest first, without their bodies. before: the id to start behind; 0 for the first page."""
    conditions, values = _filter(words, state)
    rows = await conn.fetch_all(
        f"""
        SELECT {COLUMNS.replace("a.body_html", "'' AS body_html")} FROM {_FROM}
         WHERE {conditions} AND (%(before)s = 0 OR a.id < %(before)s) ORDER BY a.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        {**values, "before": before, "limit": limit},
    )
    return [Announcement.from_row(row) for row in rows]


async def newer(conn: Connection, *, words: str, state: str, than: int, limit: int) -> list[int]:
    """Ids of announcements newer than one, oldest first: for the way back to the page before."""
    conditions, values = _filter(words, state)
    rows = await conn.fetch_all(
        f"SELECT a.id FROM announcements AS a WHERE {conditions} AND a.id > %(than)s ORDER BY a.id LIMIT %(limit)s",  # noqa: S608
        {**values, "than": than, "limit": limit},
    )
    return [int(row["id"]) for row in rows]


async def counts(conn: Connection) -> dict[str, int]:
    """How many there are by state."""
    rows = await conn.fetch_all("SELECT a.state, COUNT(*) AS found FROM announcements AS a GROUP BY a.state")
    return {row["state"]: int(row["found"]) for row in rows}


def _filter(words: str, state: str) -> tuple[str, dict[str, Any]]:
    conditions, values = ["TRUE"], {"state": state}
    if state:
        conditions.append("a.state = %(state)s")
    for number, word in enumerate(words.split()[:10]):
        conditions.append(f"LOCATE(%(word_{number})s, a.subject) > 0")
        values[f"word_{number}"] = word
    return " AND ".join(conditions), values


async def insert(conn: Connection, *, user_id: int | None, values: Mapping[str, Any]) -> int:
    """Add a draft. values: of `CONTENT`."""
    sql = """
        INSERT INTO announcements (subject, body_html, audience, audience_value, per_minute, is_tracked, created_by,
                                   created_at, updated_at)
        VALUES (%(subject)s, %(body_html)s, %(audience)s, %(audience_value)s, %(per_minute)s, %(is_tracked)s, %(user)s,
                %(now)s, %(now)s)
    """
    return await conn.insert(sql, {**values, "user": user_id, "now": utcnow()})


CONTENT = ("subject", "body_html", "audience", "audience_value", "per_minute", "is_tracked")
"""What a draft is made of."""
_SETTABLE = frozenset(
    {*CONTENT, "state", "send_at", "listed_to", "listed_at", "paced_at", "started_at", "finished_at", "sent_by"}
)


async def change(conn: Connection, announcement_id: int, *, touch: bool = True, **values: Any) -> None:
    """Set columns. touch: let the change count as one of somebody's, after which older forms are out of date."""
    unknown = values.keys() - _SETTABLE
    if unknown:
        raise ValueError(f"these are no columns to set: {sorted(unknown)}")
    if touch:
        values["updated_at"] = utcnow()
    sets = ", ".join(f"{name} = %({name})s" for name in values)
    await conn.execute(f"UPDATE announcements SET {sets} WHERE id = %(id)s", {**values, "id": announcement_id})  # noqa: S608


async def delete(conn: Connection, announcement_id: int) -> None:
    """Remove one with all that is about it; its mails stay in the outbox."""
    await conn.execute("DELETE FROM announcements WHERE id = %(id)s", {"id": announcement_id})


async def due(conn: Connection) -> list[int]:
    """Ids of those that are scheduled for now or earlier, by the database's clock."""
    rows = await conn.fetch_all(
        "SELECT a.id FROM announcements AS a "
        "WHERE a.state = 'scheduled' AND a.send_at <= UTC_TIMESTAMP(6) ORDER BY a.id"
    )
    return [int(row["id"]) for row in rows]


async def in_state(conn: Connection, states: Sequence[str], *, since: datetime | None = None) -> list[int]:
    """Ids of those in these states; since: only what was finished after it, or not at all."""
    rows = await conn.fetch_all(
        """
        SELECT a.id FROM announcements AS a
         WHERE a.state IN %(states)s AND (%(since)s IS NULL OR a.finished_at IS NULL OR a.finished_at > %(since)s)
         ORDER BY a.id
        """,
        {"states": list(states), "since": since},
    )
    return [int(row["id"]) for row in rows]
