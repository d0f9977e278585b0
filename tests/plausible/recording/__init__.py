"""Store single events without a web process."""

from __future__ import annotations

from app.runtime import Runtime
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store


async def stored(portal: Runtime, event: TrackingEvent) -> bool:
    """Put one event into the database; whether it is there now, once."""
    outcome = await Store(portal.database, KnownCopies()).put([event])
    return outcome[event.key] in {"stored", "duplicate"}
