"""Store single events without a web process."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from app.database import Database, utcnow
from app.runtime import Runtime
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.store import Store
from tests.support.reader import THUNDERBIRD
from tests.support.waiting import until

URL = "https://example.org/guide"
SCANNER = "Barracuda Sentinel (EE)"


async def stored(portal: Runtime, event: TrackingEvent) -> bool:
    """Put one event into the database; whether it is there now, once."""
    outcome = await Store(portal.database, KnownCopies()).put([event])
    return outcome[event.key] in {"stored", "duplicate"}


def event(tracking_id: str, kind: Kind = OPEN, *, at: datetime | None = None, **values: Any) -> TrackingEvent:
    """An event of now by a person, clicks with a destination."""
    values.setdefault("url", URL if kind == CLICK else None)
    values.setdefault("user_agent", THUNDERBIRD)
    return TrackingEvent(kind=kind, tracking_id=tracking_id, occurred_at=at or utcnow(), **values)


async def recorded(recorder: Recorder, event: TrackingEvent, *, fold: bool = False, unsure: bool = False) -> str:
    """Let one be recorded, and wait for what becomes of it."""
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def settle(told: str) -> None:
        # The one who waits may have hung up.
        if not outcome.done():
            outcome.set_result(told)

    recorder.take(event, settle, fold=fold, unsure=unsure)
    return await outcome


async def rows(database: Database, sql: str) -> list[dict[str, Any]]:
    """What a SELECT finds."""
    async with database.connection() as conn:
        return await conn.fetch_all(sql)


async def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    [row] = await rows(database, f"SELECT COUNT(*) AS found FROM {table}")  # noqa: S608
    return int(row["found"])


async def until_judged(database: Database, events: int) -> None:
    """Wait until nothing waits to be judged and so many events are there."""

    async def there() -> bool:
        waiting = await count(database, "email_tracking_arrivals")
        return not waiting and await count(database, "email_tracking_events") == events

    await until(there)
