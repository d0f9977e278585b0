"""The module's hooks about figures and single events."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence

from app.database import Connection
from app.hookspecs import CopyCounts, MailEvent, MailEventQuery, hookimpl
from app.sql import in_parts
from plugins.plausible import event_list
from plugins.plausible.classify import Class, Judgement
from plugins.plausible.events import OPEN
from plugins.plausible.handles import Handles
from plugins.plausible.recording.figures import Items

_CLASSES = frozenset(Class)


class ReportHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def _handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    async def copy_counts(self, conn: Connection, recipient_ids: Sequence[int]) -> Sequence[CopyCounts]:
        """From the sums of copies, which outlive single events; by link and program only where all events are there."""
        found: list[CopyCounts] = []
        for ids in in_parts(recipient_ids):
            found += await _counts(conn, ids)
        return found

    @hookimpl
    async def mail_events(self, query: MailEventQuery) -> Sequence[MailEvent]:
        """Opens and clicks."""
        async with self._handles().context.database.connection() as conn:
            return await event_list.page(conn, query)


async def _counts(conn: Connection, ids: Sequence[int]) -> list[CopyCounts]:
    numbers = ",".join(map(str, ids))
    sums = await conn.fetch_all(
        f"""
        SELECT t.recipient_id, t.event_count, t.person_opens, t.machine_opens, t.person_clicks, t.machine_clicks,
               r.erased_at
          FROM email_tracking_recipients AS t JOIN email_recipients AS r ON r.id = t.recipient_id
         WHERE t.recipient_id IN ({numbers}) AND t.event_count > 0
        """  # noqa: S608
    )
    if not sums:
        return []
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, event_type, event_url, user_agent, class, rule, COUNT(*) AS events,
               CAST(SUM(repeats) AS SIGNED) AS times
          FROM email_tracking_events WHERE recipient_id IN ({numbers})
         GROUP BY recipient_id, event_type, event_url, user_agent, class, rule
        """  # noqa: S608
    )
    items: defaultdict[int, Items] = defaultdict(Items)
    events: defaultdict[int, int] = defaultdict(int)
    for row in rows:
        events[row["recipient_id"]] += row["events"]
        if row["class"] in _CLASSES:
            items[row["recipient_id"]].add(
                Judgement(row["rule"], Class(row["class"]), 0.0, ""),
                is_open=row["event_type"] == OPEN,
                user_agent=row["user_agent"],
                url=row["event_url"],
                times=row["times"],
            )
    # What the copies of people who were erased led to is told no more, also while their events are still being deleted.
    erased = {row["recipient_id"] for row in sums if row["erased_at"] is not None}
    for number in erased:
        items[number] = items[number].without_links()
        events[number] = next(row["event_count"] for row in sums if row["recipient_id"] == number)
    return [
        CopyCounts(
            row["recipient_id"],
            clicked=int(row["person_clicks"] > 0),
            opens=row["person_opens"],
            machine_opens=row["machine_opens"],
            clicks=row["person_clicks"],
            machine_clicks=row["machine_clicks"],
            items=items[row["recipient_id"]].told() if events[row["recipient_id"]] == row["event_count"] else None,
        )
        for row in sums
    ]
