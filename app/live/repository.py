"""SQL of the live events. Times are the database's own: the clocks of the hosts may differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from app.database import Connection, Row
from app.live.packing import Change, Receipt, pack, trace
from app.sql import in_list, literal

PAGE = 2000


def insert(conn: Connection, changes: Iterable[Change | Receipt]) -> None:
    """Add changes (at least one) by a statement that goes out with the next one, or with the commit.

    Open pages hear of them within a second of the commit. Raises ValueError for a change that is too long for a row.
    """
    rows = ",".join(f"({literal(row)},UTC_TIMESTAMP(6))" for row in pack(changes))
    conn.later(f"INSERT INTO live_events (changes, created_at) VALUES {rows}")  # noqa: S608


def insert_for_users(conn: Connection, detail: Mapping[str, Any], users: str) -> None:
    """Add a change for each user that a query gives as `user_id`, as `insert` does."""
    [row] = pack([Change({**detail, "user_id": 0}, lists=False)])
    before, after = row.rsplit("0", 1)
    conn.later(
        "INSERT INTO live_events (changes, created_at) "  # noqa: S608
        f"SELECT CONCAT({literal(before)}, who.user_id, {literal(after)}), UTC_TIMESTAMP(6) FROM ({users}) AS who"
    )


async def now(conn: Connection) -> datetime:
    """The database's clock, which stamps the events."""
    moment: datetime = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    return moment


async def since(
    conn: Connection,
    moment: datetime,
    *,
    after_id: int = 0,
    topics: Collection[str] | None = None,
    limit: int = PAGE,
) -> list[Row]:
    """Every row since a moment, oldest first, read `limit` at a time; of those of the very moment the ids above.

    topics: leave out most of the rows that tell of none of these.
    """
    about = "" if topics is None else "AND changes REGEXP %(trace)s"
    sql = f"""
        SELECT id, changes, created_at FROM live_events
         WHERE created_at >= %(moment)s AND (created_at > %(moment)s OR id > %(after_id)s) {about}
         ORDER BY created_at, id LIMIT %(limit)s
    """  # noqa: S608
    found: list[Row] = []
    given = {"trace": trace(topics or ()), "limit": limit}
    while True:
        rows = await conn.fetch_all(sql, {**given, "moment": moment, "after_id": after_id})
        found += rows
        if len(rows) < limit:
            return found
        moment, after_id = rows[-1]["created_at"], rows[-1]["id"]


async def count(conn: Connection, moment: datetime) -> int:
    """How many rows there are since a moment."""
    return int(await conn.fetch_value("SELECT COUNT(*) FROM live_events WHERE created_at >= %s", [moment]))


async def ids(conn: Connection, moment: datetime) -> list[int]:
    """The ids of all rows since a moment."""
    rows = await conn.fetch_all("SELECT id FROM live_events WHERE created_at >= %s", [moment])
    return [row["id"] for row in rows]


async def by_ids(conn: Connection, wanted: Collection[int]) -> list[Row]:
    """These rows (at least one id), oldest first."""
    listed, parameters = in_list("id", wanted)
    return await conn.fetch_all(
        f"SELECT id, changes, created_at FROM live_events WHERE id IN {listed} ORDER BY created_at, id",  # noqa: S608
        parameters,
    )
