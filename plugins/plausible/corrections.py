"""Reads the copies whose verdict agents corrected, a few at a time, and makes the lines of the download."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

from app.database import Connection, Database, Row
from plugins.plausible.classify import Context
from plugins.plausible.export import Correction, Told, line
from plugins.plausible.recording.history import Told as Kept
from plugins.plausible.recording.reading import Surroundings, load

BATCH = 100
"""Copies that are read together."""
MOST_REQUESTS = 1_000
"""Of one copy, an even number: the first and the last half. More are a flood; the file says how many are left out."""


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
            found = await _corrections(conn, copies, Surroundings(portal_host))
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
        SELECT r.id, r.judged, r.judged_at, r.seen, r.sending_at, r.sent_at, r.replied_at
          FROM email_recipients AS r
         WHERE r.judged_at IS NOT NULL AND r.judged IS NOT NULL {place}
         ORDER BY r.judged_at, r.id LIMIT {BATCH}
        """,  # noqa: S608
        {"at": after[0], "id": after[1]} if after else None,
    )


async def _corrections(conn: Connection, copies: Sequence[Row], around: Surroundings) -> list[Correction]:
    """A copy that nobody asked for has no history; the agent's word alone tells something too."""
    if not copies:
        return []
    records = await load(conn, [copy["id"] for copy in copies], around, most=MOST_REQUESTS)
    found = []
    for copy in copies:
        record = records.get(copy["id"])
        context = record.context if record is not None else Context(portal_host=around.portal_host)
        told = sorted(record.told if record is not None else (), key=lambda one: one.request.at)
        events = sum(one.events for one in told)
        left_out = max(0, record.sums.event_count - events) if record is not None else 0
        sent = replace(
            context,
            sent_at=copy["sending_at"] or copy["sent_at"],
            delivered_at=copy["sent_at"] if copy["sending_at"] is not None else None,
            replied_at=copy["replied_at"],
        )
        found.append(Correction(sent, [_told(one) for one in told], copy["judged"] == "read", copy["seen"], left_out))
    return found


def _told(one: Kept) -> Told:
    judgement = one.judgement
    kind = judgement.kind.value if judgement.rule else ""
    return Told(one.request, kind, judgement.rule, judgement.confidence)
