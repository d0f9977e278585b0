"""Reads the copies whose verdict agents corrected, a few at a time, and makes the lines of the download."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from app.database import Connection, Database, Row
from app.sql import in_list
from plugins.plausible.classify import Context, Request
from plugins.plausible.export import Correction, Told, line
from plugins.plausible.links import link_mark

BATCH = 100
"""Copies that are read together."""
MOST_REQUESTS = 1_000
"""Of one copy; the first ones. More are a flood, and the file says how many are left out."""
SLUG = "plausible"


async def count(conn: Connection) -> int:
    """How many copies agents corrected."""
    found: int = await conn.fetch_value(
        "SELECT COUNT(*) FROM email_recipients WHERE judged_at IS NOT NULL AND judged IS NOT NULL"
    )
    return found


async def lines(database: Database, *, portal_host: str | None) -> AsyncIterator[str]:
    """The download, line by line, the oldest correction first. No connection is held while a line is on its way."""
    number = 0
    after: tuple[datetime, int] | None = None
    while True:
        async with database.connection() as conn:
            copies = await _copies(conn, after)
            found = [await _correction(conn, copy, portal_host) for copy in copies]
        for correction in found:
            number += 1
            yield json.dumps(line(correction, number), ensure_ascii=False) + "\n"
        if len(copies) < BATCH:
            return
        after = copies[-1]["judged_at"], copies[-1]["id"]


async def _copies(conn: Connection, after: tuple[datetime, int] | None) -> list[Row]:
    """The next ones in the order of the corrections."""
    place = "" if after is None else "AND (r.judged_at > %(at)s OR (r.judged_at = %(at)s AND r.id > %(id)s))"
    return await conn.fetch_all(
        f"""
        SELECT r.id, r.judged, r.judged_at, r.seen, r.sending_at, r.sent_at, r.replied_at, n.note,
               (SELECT COUNT(*) FROM users AS u WHERE u.email LIKE CONCAT('%%@', SUBSTRING_INDEX(r.email, '@', -1)))
               AS colleagues
          FROM email_recipients AS r
          LEFT JOIN email_copy_notes AS n ON n.recipient_id = r.id AND n.slug = %(slug)s
         WHERE r.judged_at IS NOT NULL AND r.judged IS NOT NULL {place}
         ORDER BY r.judged_at, r.id LIMIT {BATCH}
        """,  # noqa: S608
        {"slug": SLUG, **({"at": after[0], "id": after[1]} if after else {})},
    )


async def _correction(conn: Connection, copy: Row, portal_host: str | None) -> Correction:
    ids, parameters = in_list("id", [copy["id"]])
    rows = await conn.fetch_all(
        f"""
        SELECT event_type, event_url, user_agent, ip_address, referrer, occurred_at, repeats, class, rule, confidence,
               evidence
          FROM email_tracking_events WHERE recipient_id IN {ids} ORDER BY id LIMIT {MOST_REQUESTS + 1}
        """,  # noqa: S608
        parameters,
    )
    left_out = 0
    if len(rows) > MOST_REQUESTS:
        rows = rows[:MOST_REQUESTS]
        all_rows = await conn.fetch_value(
            f"SELECT COUNT(*) FROM email_tracking_events WHERE recipient_id IN {ids}",  # noqa: S608
            parameters,
        )
        left_out = all_rows - MOST_REQUESTS
    told = sorted((_told(row) for row in rows), key=lambda one: one.request.at)
    links, trap = _noted(copy["note"])
    context = Context(
        sent_at=copy["sending_at"] or copy["sent_at"],
        delivered_at=copy["sent_at"] if copy["sending_at"] is not None else None,
        links=links,
        trap_link=trap,
        portal_host=portal_host,
        recipient_internal=bool(copy["colleagues"]),
        replied_at=copy["replied_at"],
    )
    return Correction(context, told, copy["judged"] == "read", copy["seen"], left_out)


def _told(row: Row) -> Told:
    evidence = _object(row["evidence"])
    headers = evidence.get("h")
    request = Request(
        at=row["occurred_at"],
        kind=row["event_type"],
        link=None if row["event_url"] is None else link_mark(row["event_url"]),
        method=str(evidence.get("m", "GET")),
        user_agent=row["user_agent"],
        referrer=row["referrer"],
        headers=None if headers is None else tuple(_pairs(headers)),
        networks=frozenset(map(str, _list(evidence.get("n")))),
        client=row["ip_address"],
        agent_session=bool(evidence.get("s")),
        customer_session=bool(evidence.get("c")),
        repeats=row["repeats"],
    )
    return Told(request, row["class"], row["rule"], float(row["confidence"]))


def _noted(note: str | None) -> tuple[tuple[str, ...], str | None]:
    """The marks of the copy's links, and of its trap."""
    found = _object(note)
    trap = found.get("trap")
    return tuple(map(str, _list(found.get("links")))), None if trap is None else str(trap)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pairs(value: Any) -> Sequence[tuple[str, str]]:
    return [(str(one[0]), str(one[1])) for one in _list(value) if isinstance(one, list) and len(one) == 2]
