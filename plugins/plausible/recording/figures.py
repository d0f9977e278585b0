"""What recording gives to the portal's reports: how much more, or less, was opened and followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.database import Connection
from app.services.reports import CopyCounts, ItemCounts
from plugins.plausible.classify import Class, Judgement
from plugins.plausible.classify.model import PERSONS
from plugins.plausible.clients import client_of
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.links import link_mark
from plugins.plausible.recording.history import Outcome

ItemKind = Literal["link", "client"]
Item = tuple[ItemKind, str]


@dataclass(slots=True)
class Items:
    """Opens by people and by machines, then clicks, by link and program."""

    counts: defaultdict[Item, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def add(self, judgement: Judgement, *, is_open: bool, user_agent: str | None, url: str | None, times: int) -> None:
        """Count requests that are alike; none of our own looks, and nothing that has no class yet."""
        if not judgement.rule or judgement.kind is Class.SELF:
            return
        place = (0 if is_open else 2) + (0 if judgement.kind in PERSONS else 1)
        self.counts["client", client_of(user_agent).name][place] += times
        if url:
            self.counts["link", url][place] += times

    def without_links(self) -> Items:
        """Only what is told of programs."""
        kept = {item: counts for item, counts in self.counts.items() if item[0] != "link"}
        return Items(defaultdict(lambda: [0, 0, 0, 0], kept))

    def told(self) -> tuple[ItemCounts, ...]:
        """What is not zero."""
        return tuple(ItemCounts(kind, name, *counts) for (kind, name), counts in self.counts.items() if any(counts))


async def changes(conn: Connection, judged: Sequence[Outcome]) -> list[CopyCounts]:
    """By copy, what came and what was seen in another light; copies of which nothing changed are left out."""
    urls = await _urls(conn, judged)
    found = []
    for one in judged:
        before, after, number = one.before.sums.tally, one.after.sums.tally, one.after.copy.recipient_id
        items = Items()
        for event, judgement in one.stored:
            items.add(
                judgement,
                is_open=event.kind == OPEN,
                user_agent=event.user_agent,
                url=event.url if event.kind == CLICK else None,
                times=event.repeats,
            )
        for told, judgement in one.changed:
            request = told.request
            url = urls.get((number, request.link or "")) if request.kind == CLICK else None
            for what, sign in ((told.judgement, -1), (judgement, 1)):
                items.add(
                    what,
                    is_open=request.kind == OPEN,
                    user_agent=request.user_agent,
                    url=url,
                    times=sign * request.repeats,
                )
        listed = items.told()
        if listed or before != after:
            found.append(
                CopyCounts(
                    number,
                    clicked=(after.person_clicks > 0) - (before.person_clicks > 0),
                    opens=after.person_opens - before.person_opens,
                    machine_opens=after.machine_opens - before.machine_opens,
                    clicks=after.person_clicks - before.person_clicks,
                    machine_clicks=after.machine_clicks - before.machine_clicks,
                    items=listed,
                )
            )
    return found


async def _urls(conn: Connection, judged: Iterable[Outcome]) -> Mapping[tuple[int, str], str]:
    """The destinations of clicks that are seen in another light, by copy and mark: a history holds only the marks."""
    ids = sorted(
        {one.after.copy.recipient_id for one in judged for told, _ in one.changed if told.request.kind == CLICK}
    )
    if not ids:
        return {}
    rows = await conn.fetch_all(
        "SELECT DISTINCT recipient_id, event_url FROM email_tracking_events "  # noqa: S608
        "FORCE INDEX (email_tracking_events_recipient) "
        f"WHERE recipient_id IN ({','.join(map(str, ids))}) AND event_type = 'click' AND event_url IS NOT NULL"
    )
    return {(row["recipient_id"], link_mark(row["event_url"])): row["event_url"] for row in rows}
