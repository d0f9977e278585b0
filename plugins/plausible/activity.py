"""What the module knows of replies: for the popover of the badge, and for the status endpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.database import Database
from app.hookspecs import RecipientActivity, ReplyActivity, TimelineEntry
from plugins.plausible import repository
from plugins.plausible.clients import client_of, client_words
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
        timeline[reply_of[event.recipient_id]].append(entry_of(event))
    return {
        reply_id: ReplyActivity(tuple(recipients[reply_id]), tuple(timeline[reply_id]))
        for reply_id in set(reply_of.values())
    }


def _recipient(recipient_id: int, sums: Sums, links: Iterable[ClickedLink]) -> RecipientActivity:
    return RecipientActivity(
        recipient_id=recipient_id,
        first_opened_at=sums.first_read_at,
        last_opened_at=sums.last_read_at,
        opens=sums.opens,
        machine_opens=sums.machine_opens,
        clicks_by_machines=sums.machine_clicks,
        words=sums.words,
        links={link.url: link.clicks for link in links if link.recipient_id == recipient_id},
    )


WHO = {
    "human": "by a person",
    "human_proxy": "by a person, through a mail proxy",
    "privacy_prefetch": "ahead of time",
    "scanner": "by a mail scanner",
    "bot": "by a program",
    "preview": "for a link card",
    "self": "by ourselves",
}
PERSONS = frozenset({"human", "human_proxy"})
SURE_FROM = 0.7
"""Below this a class is said with "likely"."""


def entry_of(event: SeenEvent) -> TimelineEntry:
    """One request in words: what, by whom as far as that can be told, with which program, and why we say so."""
    times = f" {event.repeats} times" if event.repeats > 1 else ""
    what = "Opened" if event.kind != CLICK else "Links followed" if times else "A link followed"
    words = f"{what}{times}"
    if event.made_by:
        likely = "likely " if event.confidence < SURE_FROM else ""
        words = f"{words} {likely}{WHO.get(event.made_by, event.made_by)}"
    details = [event.reason[:1].upper() + event.reason[1:] if event.reason else client_words(event.user_agent)]
    client = client_name(event.user_agent)
    # "Apple Mail, loading images ahead" says no more than "Apple Mail loaded the images ahead".
    if client and client.partition(",")[0].lower() not in details[0].lower():
        details.append(client)
    if event.kind == CLICK and event.url:
        details.append(_short(event.url))
    return TimelineEntry(
        event.occurred_at,
        event.recipient_id,
        event.kind,
        words,
        " · ".join(filter(None, details)),
        machine=bool(event.made_by) and event.made_by not in PERSONS,
    )


def client_name(user_agent: str) -> str:
    """The program's name, for example "Outlook for Windows"; '' where it does not say."""
    return client_of(user_agent).name if user_agent else ""


def _short(url: str) -> str:
    return url if len(url) <= LONGEST_SHOWN else url[: LONGEST_SHOWN - 1] + "…"
