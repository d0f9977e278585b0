"""SQL of counting anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from app.database import Connection, Row
from app.reports.models import COPY_MEASURES, ITEM_MEASURES, MEASURES, ItemKey, Key, Place
from app.reports.repository import add_to_days, add_to_items
from app.reports.rules import FLAGS
from app.sql import in_list, in_parts, literal

FOLDED_AT_ONCE = 50


async def next_day(conn: Connection) -> date | None:
    """The day that is to be counted next; None where nothing is to be done."""
    found: date | None = await conn.fetch_value("SELECT next_day FROM report_rebuild WHERE id = 1")
    return found


async def set_next_day(conn: Connection, day: date | None) -> None:
    """Keep how far it is."""
    await conn.execute(
        """
        INSERT INTO report_rebuild (id, next_day) VALUES (1, %(day)s)
        ON DUPLICATE KEY UPDATE next_day = VALUES(next_day)
        """,
        {"day": day},
    )


async def forget_links(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Drop all figures by link of the days on which mails to these people (at least one copy) were written, and let the
    worker count those days anew: a link's path may tell who followed it.
    """
    named, values = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT DISTINCT m.day FROM email_recipients AS r JOIN report_mails AS m ON m.email_id = r.email_id
         WHERE r.id IN {named} ORDER BY m.day
        """,  # noqa: S608
        values,
    )
    if not rows:
        return
    await conn.execute(
        """
        INSERT INTO report_rebuild (id, next_day) VALUES (1, %(day)s)
        ON DUPLICATE KEY UPDATE next_day = LEAST(COALESCE(next_day, VALUES(next_day)), VALUES(next_day))
        """,
        {"day": rows[0]["day"]},
    )
    for row in rows:
        await conn.execute("DELETE FROM report_items WHERE kind = 'link' AND day = %(day)s", {"day": row["day"]})


async def lock(conn: Connection) -> None:
    """Let nobody else correct the summary until the end of the transaction."""
    await conn.execute("UPDATE report_rebuild SET id = id WHERE id = 1")


async def unsettled(conn: Connection, *, after: int, since: date | None, limit: int) -> list[int]:
    """Mails of replies that have no place yet, by ascending id after `after`; of those written since that day."""
    rows = await conn.fetch_all(
        """
        SELECT e.id FROM outgoing_emails AS e LEFT JOIN report_mails AS m ON m.email_id = e.id
         WHERE e.id > %(after)s AND e.reply_id IS NOT NULL AND m.email_id IS NULL
           AND (%(since)s IS NULL OR e.created_at >= %(since)s)
         ORDER BY e.id LIMIT %(limit)s
        """,
        {"after": after, "since": since, "limit": limit},
    )
    return [row["id"] for row in rows]


async def copies_of_mails(conn: Connection, mail_ids: list[int]) -> list[int]:
    """The copies of these mails (at least one id)."""
    rows = await conn.fetch_all(
        f"SELECT id FROM email_recipients WHERE email_id IN ({','.join(map(str, mail_ids))})"  # noqa: S608
    )
    return [row["id"] for row in rows]


async def first_day(conn: Connection, day: date) -> date | None:
    """The first day from this one on of which there is a mail, or a figure."""
    found: date | None = await conn.fetch_value(
        """
        SELECT MIN(found.day) FROM (
            SELECT MIN(day) AS day FROM report_mails WHERE day >= %(day)s
            UNION ALL SELECT MIN(day) FROM report_days WHERE day >= %(day)s) AS found
        """,
        {"day": day},
    )
    return found


async def copies_of_day(conn: Connection, day: date) -> dict[int, Place]:
    """The copies that are counted on a day, with their places; ascending."""
    rows = await conn.fetch_all(
        """
        SELECT r.id, m.agent_id, m.department_id, m.tags FROM report_mails AS m
          JOIN email_recipients AS r ON r.email_id = m.email_id WHERE m.day = %(day)s ORDER BY r.id
        """,
        {"day": day},
    )
    return {row["id"]: _place(day, row) for row in rows}


async def stale_of_day(conn: Connection, day: date) -> list[int]:
    """The copies of a day that count for something else than the summary holds, without locks; ascending."""
    rows = await conn.fetch_all(
        f"""
        SELECT r.id FROM report_mails AS m JOIN email_recipients AS r ON r.email_id = m.email_id
         WHERE m.day = %(day)s AND r.counted <> ({FLAGS}) ORDER BY r.id
        """,  # noqa: S608
        {"day": day},
    )
    return [row["id"] for row in rows]


async def counted(conn: Connection, day: date) -> list[tuple[Place, dict[str, int]]]:
    """What the copies of a day count for, by place."""
    sums = ", ".join(
        f"CAST(SUM(r.counted >> {place} & 1) AS SIGNED) AS {name}" for place, name in enumerate(COPY_MEASURES)
    )
    rows = await conn.fetch_all(
        f"""
        SELECT m.agent_id, m.department_id, m.tags, {sums} FROM report_mails AS m
          JOIN email_recipients AS r ON r.email_id = m.email_id WHERE m.day = %(day)s
         GROUP BY m.agent_id, m.department_id, m.tags
        """,  # noqa: S608
        {"day": day},
    )
    return [(_place(day, row), {name: row[name] for name in COPY_MEASURES}) for row in rows]


async def summed(conn: Connection, day: date) -> list[tuple[Key, dict[str, int]]]:
    """What the summary holds of a day."""
    rows = await conn.fetch_all(
        f"""
        SELECT detailed, tag_id, agent_id, department_id,
               {", ".join(f"CAST(SUM({name}) AS SIGNED) AS {name}" for name in MEASURES)}
          FROM report_days WHERE day = %(day)s GROUP BY detailed, tag_id, agent_id, department_id
        """,  # noqa: S608
        {"day": day},
    )
    return [(_key(day, row), {name: row[name] for name in MEASURES}) for row in rows]


async def summed_items(conn: Connection, day: date) -> list[tuple[ItemKey, str, dict[str, int]]]:
    """What the summary holds of a day by link and program."""
    rows = await conn.fetch_all(
        f"""
        SELECT kind, detailed, tag_id, agent_id, department_id, item_key, MAX(name) AS name,
               {", ".join(f"CAST(SUM({name}) AS SIGNED) AS {name}" for name in ITEM_MEASURES)}
          FROM report_items WHERE day = %(day)s GROUP BY kind, detailed, tag_id, agent_id, department_id, item_key
        """,  # noqa: S608
        {"day": day},
    )
    return [(_item_key(day, row), row["name"], {name: row[name] for name in ITEM_MEASURES}) for row in rows]


async def days_in_shards(conn: Connection, *, after: date, before: date) -> list[date]:
    """Some days between these two of which the summary has several shards, ascending."""
    rows = await conn.fetch_all(
        f"""
        SELECT DISTINCT day FROM report_days
         WHERE detailed = 0 AND tag_id = 0 AND shard > 0 AND day > %(after)s AND day < %(before)s
         ORDER BY day LIMIT {FOLDED_AT_ONCE}
        """,  # noqa: S608
        {"after": after, "before": before},
    )
    return [row["day"] for row in rows]


async def fold(conn: Connection, day: date) -> None:
    """Make one shard of those of a day. Only rows that are locked and summed up go."""
    rows = await conn.fetch_all(
        "SELECT * FROM report_days WHERE day = %(day)s AND shard > 0 "
        "ORDER BY detailed, tag_id, agent_id, department_id, shard FOR UPDATE",
        {"day": day},
    )
    days: dict[Key, dict[str, int]] = {}
    for row in rows:
        counts = days.setdefault(_key(day, row), dict.fromkeys(MEASURES, 0))
        for name in MEASURES:
            counts[name] += row[name]
    if days:
        conn.later(add_to_days(days, shard=0))
    for part in in_parts(rows):
        conn.later(_delete("report_days", ("detailed", "tag_id", "agent_id", "department_id", "shard"), day, part))
    rows = await conn.fetch_all(
        "SELECT * FROM report_items WHERE day = %(day)s AND shard > 0 "
        "ORDER BY kind, detailed, tag_id, agent_id, department_id, item_key, shard FOR UPDATE",
        {"day": day},
    )
    items: dict[ItemKey, tuple[str, dict[str, int]]] = {}
    for row in rows:
        found = items.setdefault(_item_key(day, row), (row["name"], dict.fromkeys(ITEM_MEASURES, 0)))[1]
        for name in ITEM_MEASURES:
            found[name] += row[name]
    if items:
        conn.later(add_to_items(items, shard=0))
    for part in in_parts(rows):
        columns = ("kind", "detailed", "tag_id", "agent_id", "department_id", "item_key", "shard")
        conn.later(_delete("report_items", columns, day, part))
    await conn.flush()


def _delete(table: str, columns: tuple[str, ...], day: date, rows: Sequence[Row]) -> str:
    keys = ",".join(f"({','.join(literal(row[name]) for name in columns)})" for row in rows)
    return f"DELETE FROM {table} WHERE day = '{day}' AND ({', '.join(columns)}) IN ({keys})"  # noqa: S608


def _place(day: date, row: Row) -> Place:
    return Place(str(day), row["agent_id"], row["department_id"], tuple(json.loads(row["tags"])))


def _key(day: date, row: Row) -> Key:
    return row["detailed"], row["tag_id"], str(day), row["agent_id"], row["department_id"]


def _item_key(day: date, row: Row) -> ItemKey:
    return (row["kind"], *_key(day, row), row["item_key"])
