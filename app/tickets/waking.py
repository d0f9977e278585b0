"""What the worker does once a ticket's snooze is over.

The ticket is back in its views at its moment in any case: they ask the clock (`listing_plan.AWAKE`). The worker makes
that seen: the ticket moves to the top, its history says so, and open lists show it.
"""

from __future__ import annotations

from app.database import Connection
from app.runtime import Runtime
from app.tickets import repository, steps

INTERVAL = 5.0
"""Seconds between looks."""
BATCH = 100


async def wake_due(runtime: Runtime) -> int:
    """Wake the tickets whose snooze is over; how many. Each is a transaction of its own."""
    async with runtime.database.connection() as conn:
        due = await repository.over_snoozes(conn, limit=BATCH)
    return sum([await runtime.database.run(lambda conn, one=one: _wake(conn, one)) for one in due])  # type: ignore[misc]


async def _wake(conn: Connection, ticket_id: int) -> bool:
    found = await steps.locked(conn, ticket_id)
    # Another worker may have been faster, or an agent has snoozed it again.
    if ticket_id not in await repository.over_snoozes(conn, limit=1, ticket_id=ticket_id):
        return False
    await repository.note_activity(conn, ticket_id)
    await steps.apply(conn, found, user=None, snoozed_until=None)
    return True
