"""One batch of events in a rush: stored in one transaction, with a note that their copies are to be judged.

This is all that an answer needs to wait for. Everything that is made of an event (its class, sums, badges, summaries,
what goes to Plausible) follows in a transaction of its own, see `settling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection, utcnow
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording import deferred, statements
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.reading import tracked_copies


async def arrive(
    conn: Connection, events: Sequence[TrackingEvent], known: KnownCopies, *, check_keys: bool
) -> dict[bytes, str]:
    """Store what of `events` belongs to tracked copies; by key 'stored', 'duplicate' or 'unknown'.

    known: asked before the database, and added to. check_keys: leave out events that are already there; without it an
    event that is there raises IntegrityError.
    """
    copies = known.among(event.tracking_id for event in events)
    unknown = list(dict.fromkeys(event.tracking_id for event in events if event.tracking_id not in copies))
    if unknown:
        named = await tracked_copies(conn, unknown)
        known.add(named)
        copies |= named
    outcome = {event.key: "unknown" for event in events}
    placed = {event.key: (event, copies[event.tracking_id]) for event in events if event.tracking_id in copies}
    if placed and check_keys:
        for key in await statements.present(conn, [event for event, _ in placed.values()]):
            outcome[key] = "duplicate"
            del placed[key]
    if placed:
        rows = [(event, copy.recipient_id, deferred.DEFERRED) for event, copy in placed.values()]
        conn.later(statements.insert_events(rows))
        conn.later(deferred.defer(placed.values(), now=utcnow()))
        outcome |= dict.fromkeys(placed, "stored")
    return outcome
