"""SQL of who gets an announcement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.database import Connection, Row, utcnow
from app.sql import derived, in_list, literal
from plugins.announcements.models import Person


async def insert(conn: Connection, announcement_id: int, people: Sequence[Person]) -> None:
    """Add people, those who are left out with the reason; who is there already stays as they are."""
    sql = """
        INSERT INTO announcement_recipients (announcement_id, contact_id, name, email, state, reason)
        VALUES (%(announcement)s, %(contact)s, %(name)s, %(email)s, %(state)s, %(reason)s)
            ON DUPLICATE KEY UPDATE announcement_id = VALUES(announcement_id)
    """
    await conn.execute_many(
        sql,
        [
            {
                "announcement": announcement_id,
                "contact": one.contact_id,
                "name": one.name,
                "email": one.email,
                "state": "left_out" if one.reason else "waiting",
                "reason": one.reason,
            }
            for one in people
        ],
    )


async def take(conn: Connection, announcement_id: int, *, limit: int) -> list[tuple[int, Person]]:
    """The next who wait, locked until the end of the transaction: (id of the row, who it is now)."""
    rows = await conn.fetch_all(
        """
        SELECT r.id FROM announcement_recipients AS r
         WHERE r.announcement_id = %(id)s AND r.state = 'waiting' ORDER BY r.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        """,
        {"id": announcement_id, "limit": limit},
    )
    if not rows:
        return []
    listed, parameters = in_list("row", [row["id"] for row in rows])
    found = await conn.fetch_all(
        f"""
        SELECT r.id, r.contact_id, COALESCE(c.name, r.name) AS name, r.email,
               c.id IS NULL OR c.email LIKE '%%@contact.invalid' AS is_erased
          FROM announcement_recipients AS r LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.id IN {listed} ORDER BY r.id
        """,  # noqa: S608
        parameters,
    )
    return [
        (row["id"], Person(row["contact_id"], row["name"], row["email"], "erased" if row["is_erased"] else ""))
        for row in found
    ]


async def is_waiting(conn: Connection, announcement_id: int) -> bool:
    """Whether somebody waits, also where another process holds the row."""
    sql = "SELECT 1 FROM announcement_recipients AS r WHERE r.announcement_id = %(id)s AND r.state = 'waiting' LIMIT 1"
    return await conn.fetch_value(sql, {"id": announcement_id}) is not None


async def set_queued(conn: Connection, copies: Mapping[int, int]) -> None:
    """Note whose mail is in the outbox: the id of the copy by that of the row."""
    if not copies:
        return
    rows = [(str(row), str(copy)) for row, copy in copies.items()]
    await conn.execute(
        f"""
        UPDATE {derived(("id", "copy"), rows)} AS news
               STRAIGHT_JOIN announcement_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id
           SET r.state = 'queued', r.recipient_id = news.copy, r.queued_at = {literal(utcnow())}
        """  # noqa: S608
    )


async def leave_out(conn: Connection, reasons: Mapping[int, str]) -> None:
    """Note who gets none after all: the reason by the id of the row."""
    if not reasons:
        return
    rows = [(str(row), literal(reason)) for row, reason in reasons.items()]
    await conn.execute(
        f"""
        UPDATE {derived(("id", "reason"), rows)} AS news
               STRAIGHT_JOIN announcement_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id
           SET r.state = 'left_out', r.reason = news.reason
        """  # noqa: S608
    )


async def withdrawn(conn: Connection, copy_ids: Sequence[int]) -> None:
    """Note that these copies were taken back from the outbox."""
    for start in range(0, len(copy_ids), 1000):
        listed, parameters = in_list("copy", copy_ids[start : start + 1000])
        await conn.execute(
            "UPDATE announcement_recipients SET state = 'left_out', reason = 'stopped' "  # noqa: S608
            f"WHERE recipient_id IN {listed}",
            parameters,
        )


async def counts(conn: Connection, announcement_id: int) -> dict[str, int]:
    """How many there are by state: waiting, queued, left_out."""
    rows = await conn.fetch_all(
        "SELECT r.state, COUNT(*) AS found FROM announcement_recipients AS r WHERE r.announcement_id = %(id)s "
        "GROUP BY r.state",
        {"id": announcement_id},
    )
    return {row["state"]: int(row["found"]) for row in rows}


async def reasons(conn: Connection, announcement_id: int) -> dict[str, int]:
    """How many are left out by reason."""
    rows = await conn.fetch_all(
        "SELECT r.reason, COUNT(*) AS found FROM announcement_recipients AS r "
        "WHERE r.announcement_id = %(id)s AND r.state = 'left_out' GROUP BY r.reason",
        {"id": announcement_id},
    )
    return {row["reason"]: int(row["found"]) for row in rows}


async def keep_sums(conn: Connection, rows: Sequence[tuple[int, int, int, int, int, datetime | None]]) -> None:
    """Keep opens and clicks by copy: (copy, opens, clicks, machine opens, machine clicks, first open)."""
    if not rows:
        return
    written = [(str(copy), *map(str, sums), f"CAST({literal(first)} AS DATETIME(6))") for copy, *sums, first in rows]
    columns = ("copy", "opens", "clicks", "machine_opens", "machine_clicks", "first_opened_at")
    sets = ", ".join(f"r.{name} = news.{name}" for name in columns[1:])
    await conn.execute(
        f"UPDATE {derived(columns, written)} AS news STRAIGHT_JOIN announcement_recipients AS r "  # noqa: S608
        f"FORCE INDEX (announcement_recipients_copy) ON r.recipient_id = news.copy SET {sets}"
    )


async def of_contact(conn: Connection, contact_id: int) -> list[Row]:
    """What a person got, for an export."""
    return await conn.fetch_all(
        """
        SELECT r.announcement_id, a.subject, r.name, r.email, r.state, r.reason, r.queued_at, r.opens, r.clicks,
               r.machine_opens, r.machine_clicks, r.first_opened_at
          FROM announcement_recipients AS r JOIN announcements AS a ON a.id = r.announcement_id
         WHERE r.contact_id = %(id)s ORDER BY r.id
        """,
        {"id": contact_id},
    )
