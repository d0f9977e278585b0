"""Pages of events, merged from the outbox and the modules by time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from app.events import repository
from app.events.asking import cursor_text
from app.events.models import PORTAL, EventPage, EventQuery, ShownEvent
from app.hookspecs import MailEvent, MailEventQuery
from app.runtime import current

PAGE = 50
EXPORT_PAGE = 500
MOST_EXPORTED = 200_000
"""Events in one file; a line at its end says that there are more."""

Ask = Callable[[MailEventQuery], Awaitable[list[MailEvent] | None]]


def sources() -> list[str]:
    """The portal and the modules that have events now."""
    return [PORTAL, *current().plugins.event_sources()]


async def page(query: EventQuery, *, zone: tzinfo, limit: int = PAGE) -> EventPage:
    """One page, newest first; where it was cut short, `next` leads on from there."""
    start = datetime.combine(query.first, time(), zone).astimezone(UTC)
    end = datetime.combine(query.last + timedelta(days=1), time(), zone).astimezone(UTC)
    async with current().database.connection() as conn:
        copies = await repository.copies(conn, query)
    too_many = copies is not None and len(copies) > repository.MOST_COPIES
    if copies is not None:
        copies = copies[-repository.MOST_COPIES :]
        if not copies:
            return EventPage((), "")
    asked = MailEventQuery(
        since=start,
        until=end,
        limit=limit + 1,
        kinds=frozenset({query.kind}) if query.kind else None,
        made_by=frozenset({query.made_by}) if query.made_by else None,
        recipient_ids=tuple(copies) if copies is not None else None,
    )
    asks = _asks(query)
    answers = await asyncio.gather(*(ask(replace(asked, after=query.cursor.get(name))) for name, ask in asks.items()))
    found = {name: answer for name, answer in zip(asks, answers, strict=True) if answer is not None}
    merged = heapq.merge(
        *([(one, name) for one in events] for name, events in found.items()),
        key=lambda pair: pair[0].happened_at,
        reverse=True,
    )
    shown = list(merged)[: limit + 1]
    cursor = dict(query.cursor)
    for event, name in shown[:limit]:
        cursor[name] = event.position
    return EventPage(
        await _placed(shown[:limit]),
        cursor_text(cursor) if len(shown) > limit else "",
        tuple(sorted({name.partition(".")[0] for name in asks} - {name.partition(".")[0] for name in found})),
        too_many,
    )


async def everything(query: EventQuery, first: EventPage, *, zone: tzinfo) -> AsyncIterator[EventPage]:
    """All pages from the first one on, up to MOST_EXPORTED events."""
    found, count = first, 0
    while True:
        yield found
        count += len(found.events)
        if not found.next or count >= MOST_EXPORTED:
            return
        cursor = dict(part.split("~", 1) for part in found.next.split(","))
        found = await page(replace(query, cursor=cursor), zone=zone, limit=EXPORT_PAGE)


def _asks(query: EventQuery) -> dict[str, Ask]:
    """Whom to ask, by a name for their cursor: the portal's kinds are sources of their own, each in its own order."""
    plugins = current().plugins
    asks: dict[str, Ask] = {}
    if query.source in ("", PORTAL) and not query.made_by:
        for kind in ("queued", *repository.STATES):
            if query.kind in ("", kind):
                asks[f"{PORTAL}.{kind}"] = _own(kind)
    for slug in plugins.event_sources():
        if query.source in ("", slug):
            asks[slug] = _of_module(slug)
    return asks


def _own(kind: str) -> Ask:
    async def ask(asked: MailEventQuery) -> list[MailEvent] | None:
        async with current().database.connection() as conn:
            if kind == "queued":
                return await repository.queued(conn, asked)
            return await repository.settled(conn, asked, kind)

    return ask


def _of_module(slug: str) -> Ask:
    async def ask(asked: MailEventQuery) -> list[MailEvent] | None:
        return await current().plugins.mail_events(slug, asked)

    return ask


async def _placed(found: list[tuple[MailEvent, str]]) -> tuple[ShownEvent, ...]:
    ids = sorted({event.recipient_id for event, _ in found if event.recipient_id is not None})
    places = {}
    if ids:
        async with current().database.connection() as conn:
            places = await repository.places(conn, ids)
    shown = []
    for event, name in found:
        place = places.get(event.recipient_id) if event.recipient_id is not None else None
        shown.append(
            ShownEvent(
                event,
                name.partition(".")[0],
                place["email"] if place else event.email,
                place["reply_id"] if place else None,
                place["ticket_id"] if place else None,
            )
        )
    return tuple(shown)
