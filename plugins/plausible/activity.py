"""What the module knows of replies: for the popover of the badge, and for the status endpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.database import Database
from app.hookspecs import RecipientActivity, ReplyActivity, TimelineEntry
from plugins.plausible import repository
from plugins.plausible.clients import client_words
from plugins.plausible.events import CLICK
from plugins.plausible.repository import ClickedLink, SeenEvent, Sums

LONGEST_SHOWN = 100


async def activity(database: Database, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
    """By reply id: each recipient's opens and followed links, and the timeline; replies without events are left out."""
    if not reply_ids:
        return {}
    async with database.connection() as conn:
        reply_of = await repository.recipients_of(conn, reply_ids)
        if not reply_of:
            return {}
        sums = await repository.sums_of(conn, list(reply_of))
        links = await repository.clicked_links(conn, list(reply_of))
        events = await repository.newest_events(conn, list(reply_of))
    recipients: defaultdict[int, list[RecipientActivity]] = defaultdict(list)
    for recipient_id, found in sums.items():
        recipients[reply_of[recipient_id]].append(_recipient(recipient_id, found, links))
    timeline: defaultdict[int, list[TimelineEntry]] = defaultdict(list)
    for event in events:
        timeline[reply_of[event.recipient_id]].append(_entry(event))
    return {
        reply_id: ReplyActivity(tuple(recipients[reply_id]), tuple(timeline[reply_id]))
        for reply_id in set(reply_of.values())
    }


def _recipient(recipient_id: int, sums: Sums, links: Iterable[ClickedLink]) -> RecipientActivity:
    return RecipientActivity(
        recipient_id=recipient_id,
        first_opened_at=sums.first_opened_at,
        last_opened_at=sums.last_opened_at,
        opens=sums.opens,
        links={link.url: link.clicks for link in links if link.recipient_id == recipient_id},
    )


def _entry(event: SeenEvent) -> TimelineEntry:
    times = f" {event.repeats} times" if event.repeats > 1 else ""
    if event.kind == CLICK:
        words = "Followed links" if times else "Followed a link"
        return TimelineEntry(event.occurred_at, event.recipient_id, "click", f"{words}{times}", _short(event.url or ""))
    client = client_words(event.user_agent)
    return TimelineEntry(event.occurred_at, event.recipient_id, "open", f"Opened{times}", client)


def _short(url: str) -> str:
    return url if len(url) <= LONGEST_SHOWN else url[: LONGEST_SHOWN - 1] + "…"
