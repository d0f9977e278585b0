"""SQL of counting: what of copies is in the summary, what should be, and what is added to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from app.database import Connection
from app.reports.models import (
    ITEM_MEASURES,
    MEASURES,
    ItemKey,
    Key,
    Place,
    StaleCopy,
)
from app.reports.rules import FLAGS
from app.sql import derived, literal

_TAGS = (
    "COALESCE((SELECT CONCAT('[', GROUP_CONCAT(g.tag_id ORDER BY g.tag_id SEPARATOR ','), ']') "
    "FROM ticket_tags AS g WHERE g.ticket_id = p.ticket_id), '[]')"
)
_OF_REPLY = (
    "FROM outgoing_emails AS e JOIN ticket_replies AS p ON p.id = e.reply_id JOIN tickets AS t ON t.id = p.ticket_id"
)


def _numbers(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))


def make_mails(mail_ids: Iterable[int]) -> str:
    """Settle under what these mails (at least one) are counted, as their tickets are now; those that are stay."""
    return (
        "INSERT INTO report_mails (email_id, day, queued_at, agent_id, department_id, tags) "
        "SELECT e.id, DATE(e.created_at), e.created_at, COALESCE(p.author_user_id, 0), COALESCE(t.department_id, 0), "
        f"{_TAGS} {_OF_REPLY} WHERE e.id IN ({_numbers(sorted(mail_ids))}) ORDER BY e.id "
        "ON DUPLICATE KEY UPDATE email_id = report_mails.email_id"
    )


async def places(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, tuple[int, bool, Place | None]]:
    """By copy (at least one id) its mail, whether that is a reply's, and its place where that is settled."""
    # One row of JSON: reading hundreds of them would cost more than finding them.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(r.id, e.id, e.reply_id IS NOT NULL, CAST(m.day AS CHAR), m.agent_id,
                                        m.department_id, m.tags))
          FROM email_recipients AS r FORCE INDEX (PRIMARY)
          STRAIGHT_JOIN outgoing_emails AS e FORCE INDEX (PRIMARY) ON e.id = r.email_id
          LEFT JOIN report_mails AS m FORCE INDEX (PRIMARY) ON m.email_id = e.id
         WHERE r.id IN ({_numbers(recipient_ids)})
        """  # noqa: S608
    )
    return {
        number: (
            mail_id,
            bool(of_reply),
            Place(day, agent, department, tuple(json.loads(tags))) if day is not None else None,
        )
        for number, mail_id, of_reply, day, agent, department, tags in json.loads(found or "[]")
    }


async def stale_of_reply(conn: Connection, reply_id: int) -> list[int]:
    """The copies of a reply that count for something else than the summary holds, without locks; ascending."""
    rows = await conn.fetch_all(
        f"""
        SELECT r.id FROM outgoing_emails AS e JOIN email_recipients AS r ON r.email_id = e.id
         WHERE e.reply_id = %(reply)s AND r.counted <> ({FLAGS}) ORDER BY r.id
        """,  # noqa: S608
        {"reply": reply_id},
    )
    return [row["id"] for row in rows]


async def lock_stale(conn: Connection, recipient_ids: Sequence[int], *, wait: bool) -> list[StaleCopy]:
    """Those of these copies (at least one id, ascending) that count for something else; locked, so that nobody else
    counts them. wait: for those that somebody else has locked, too.
    """
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, r.counted, {FLAGS} AS flags,
               (SELECT CONCAT('["', m.day, '",', m.agent_id, ',', m.department_id, ',', m.tags, ']')
                  FROM report_mails AS m WHERE m.email_id = r.email_id) AS place
          FROM email_recipients AS r FORCE INDEX (PRIMARY)
         WHERE r.id IN ({_numbers(recipient_ids)}) ORDER BY r.id FOR UPDATE {"" if wait else "SKIP LOCKED"}
        """  # noqa: S608
    )
    return [
        StaleCopy(row["id"], row["counted"], int(row["flags"]), Place.read(row["place"]))
        for row in rows
        if row["counted"] != int(row["flags"])
    ]


def set_counted(copies: Sequence[StaleCopy]) -> str:
    """Keep what of these copies (at least one, ascending, locked) the summary holds now."""
    news = derived(("id", "flags"), ((str(copy.id), str(copy.flags)) for copy in copies))
    return (
        f"UPDATE {news} AS news STRAIGHT_JOIN email_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id "  # noqa: S608
        "SET r.counted = news.flags"
    )


def add_to_days(found: Mapping[Key, Mapping[str, int]], *, shard: int) -> str:
    """Add to the summary (at least one row); less than none takes away."""
    columns = [name for name in MEASURES if any(name in counts for counts in found.values())]
    rows = ",".join(
        f"({detailed},{tag},'{day}',{agent},{department},{shard},"
        f"{','.join(str(counts.get(name, 0)) for name in columns)})"
        for (detailed, tag, day, agent, department), counts in sorted(found.items())
    )
    return (
        "INSERT INTO report_days (detailed, tag_id, day, agent_id, department_id, shard, "  # noqa: S608
        f"{', '.join(columns)}) VALUES {rows} "
        f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = {name} + VALUES({name})' for name in columns)}"
    )


def add_to_items(found: Mapping[ItemKey, tuple[str, Mapping[str, int]]], *, shard: int) -> str:
    """Add to the summary by link and program (at least one row): the name and what was counted, by key."""
    columns = [name for name in ITEM_MEASURES if any(name in counts for _, counts in found.values())]
    rows = ",".join(
        f"('{kind}',{detailed},{tag},'{day}',{agent},{department},x'{key.hex()}',{shard},{literal(name)},"
        f"{','.join(str(counts.get(one, 0)) for one in columns)})"
        for (kind, detailed, tag, day, agent, department, key), (name, counts) in sorted(
            found.items(), key=lambda one: one[0]
        )
    )
    return (
        "INSERT INTO report_items (kind, detailed, tag_id, day, agent_id, department_id, item_key, shard, name, "  # noqa: S608
        f"{', '.join(columns)}) VALUES {rows} "
        f"ON DUPLICATE KEY UPDATE {', '.join(f'{one} = {one} + VALUES({one})' for one in columns)}"
    )
