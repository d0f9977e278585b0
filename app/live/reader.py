"""Reads what was published: each row once, or what one page asks for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from app.database import Connection, Row
from app.live import repository
from app.live.events import OVERLAP, Cursor, Event
from app.live.packing import expand


class Reader:
    """How far one process has read.

    New rows are those after the newest one so far. A transaction that commits late brings rows before it: there are
    more within OVERLAP then than were read, and only then are all ids looked at. Gaps in the ids say nothing, since
    rolled back transactions leave some, and a cluster leaves them everywhere.
    """

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._newest: tuple[datetime, int] | None = None
        self._seen: dict[int, datetime] = {}
        """The time of each row within OVERLAP of the newest, by id."""

    async def news(self, conn: Connection) -> list[Row]:
        """Rows that were not given before, the first time those of OVERLAP before now.

        Where it raises, the next call gives what this one would have given.
        """
        if self._start is None:
            self._start = await repository.now(conn) - OVERLAP
        moment, row_id = self._newest or (self._start, 0)
        found = await repository.since(conn, moment, after_id=row_id)
        newest = (found[-1]["created_at"], found[-1]["id"]) if found else self._newest
        edge = max(self._start, newest[0] - OVERLAP) if newest else self._start
        seen = {number: at for number, at in self._seen.items() if at >= edge}
        seen |= {row["id"]: row["created_at"] for row in found if row["created_at"] >= edge}
        if await repository.count(conn, edge) > len(seen):
            late = [number for number in await repository.ids(conn, edge) if number not in seen]
            if late:
                rows = await repository.by_ids(conn, late)
                seen |= {row["id"]: row["created_at"] for row in rows}
                found += rows
        self._newest, self._seen = newest, seen
        return found


async def unheard(conn: Connection, topics: Collection[str], cursor: Cursor) -> list[Event]:
    """The events on these topics (at least one) that a page with this cursor has not heard, oldest first."""
    rows = await repository.since(conn, cursor.moment - OVERLAP, topics=topics)
    return [event for row in rows for event in expand(row, topics) if event.id not in cursor.seen]
