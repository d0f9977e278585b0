"""One batch of events in a rush: stored in one transaction, with a note that their copies are to be judged.

This is all that an answer needs to wait for. Everything that is made of an event (its class, sums, badges, summaries,
what goes to Plausible) follows in a transaction of its own, see `settling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection, utcnow
from plugins.plausible.events import TrackingEvent
from plugins.plausible.recording import deferred, statements
from plugins.plausible.recording.copies import KnownCopies, TrackedCopy
from plugins.plausible.recording.reading import tracked_copies


async def arrive(
    conn: Connection, events: Sequence[TrackingEvent], known: KnownCopies, *, check_keys: bool
) -> dict[bytes, str]:
    """Store what of `events` belongs to tracked copies; by key 'stored', 'duplicate' or 'unknown'.

    known: asked before the database, and added to. check_keys: leave out events that are already there; without it an
    event that is there raises IntegrityError.
    """
    copies: dict[str, TrackedCopy | None] = {event.tracking_id: known.get(event.tracking_id) for event in events}
    if unknown := [one for one, copy in copies.items() if copy is None]:
        named = await tracked_copies(conn, unknown)
        known.add(named)
        copies |= named
    there = set(await statements.present(conn, events)) if check_keys else ()
    outcome: dict[bytes, str] = {}
    placed: list[tuple[TrackingEvent, TrackedCopy]] = []
    for event in events:
        copy = copies[event.tracking_id]
        if copy is None:
            outcome[event.key] = "unknown"
        elif event.key in there:
            outcome[event.key] = "duplicate"
        elif event.key not in outcome:
            outcome[event.key] = "stored"
            placed.append((event, copy))
    if placed:
        conn.later(statements.insert_events((event, copy.recipient_id, deferred.DEFERRED) for event, copy in placed))
        conn.later(deferred.defer(placed, now=utcnow()))
    return outcome
