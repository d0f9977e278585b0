"""Events as a CSV or JSON file, page by page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from app.events.models import CLASSES, KINDS, EventPage, ShownEvent
from app.events.service import MOST_EXPORTED
from app.spreadsheets import MARK, lines

COLUMNS = (
    "When (UTC)", "What", "By", "Recipient", "Ticket", "Reply", "Why", "Detail", "Program", "Times", "Source",
)  # fmt: skip
MORE = f"There are more than {MOST_EXPORTED:,} events; choose fewer days to get the others."


async def csv_file(pages: AsyncIterator[EventPage]) -> AsyncIterator[bytes]:
    """A line for each event."""
    yield MARK + lines([COLUMNS])
    last = EventPage((), "")
    async for last in pages:
        yield lines(_cells(one) for one in last.events)
    if last.next:
        yield lines([(MORE,)])


async def json_file(pages: AsyncIterator[EventPage]) -> AsyncIterator[bytes]:
    """One JSON object with the events in a list, one a line."""
    yield b'{"events": ['
    mark, last = b"\n", EventPage((), "")
    async for last in pages:
        for one in last.events:
            yield mark + json.dumps(as_json(one)).encode()
            mark = b",\n"
    yield b'\n], "has_more": ' + (b"true" if last.next else b"false") + b"}\n"


def as_json(one: ShownEvent) -> dict[str, Any]:
    """An event by the names of the API."""
    event = one.event
    return {
        "happened_at": event.happened_at.isoformat(),
        "type": event.kind,
        "class": event.made_by or None,
        "recipient": one.email,
        "recipient_id": event.recipient_id,
        "ticket_id": one.ticket_id,
        "reply_id": one.reply_id,
        "reason": event.reason,
        "detail": event.detail,
        "client": event.client,
        "times": event.times,
        "source": one.source,
    }


def _cells(one: ShownEvent) -> tuple[object, ...]:
    event = one.event
    return (
        f"{event.happened_at:%Y-%m-%d %H:%M:%S}",
        KINDS.get(event.kind, event.kind),
        CLASSES.get(event.made_by, event.made_by),
        one.email,
        one.ticket_id,
        one.reply_id,
        event.reason,
        event.detail,
        event.client,
        event.times,
        one.source,
    )
