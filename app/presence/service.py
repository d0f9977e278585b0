"""Who else has a ticket open, and who writes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection
from app.live import service as live
from app.presence import repository
from app.presence.repository import Present
from app.runtime import current
from app.tickets import steps
from app.tickets.rules import listed

SWEEP = 0.01
"""Part of the calls that tidy up."""


async def here(ticket_id: int, *, user: User, is_writing: bool) -> str:
    """Keep that a user has a ticket open, tell the others where that is news, and say who they are.

    Raises TicketNotFound.
    """

    async def work(conn: Connection) -> Sequence[Present]:
        await steps.ticket(conn, ticket_id)
        if await repository.note(conn, ticket_id=ticket_id, user_id=user.id, is_writing=is_writing):
            await live.publish(conn, ticket_id=ticket_id, kind="presence", lists=False)
        if random.random() < SWEEP:  # noqa: S311
            await repository.forget_old(conn)
        return await repository.others(conn, ticket_id=ticket_id, not_user=user.id)

    return words(await current().database.run(work))


async def gone(ticket_id: int, *, user: User) -> None:
    """Keep that a user has left a ticket, and tell the others."""

    async def work(conn: Connection) -> None:
        if await repository.leave(conn, ticket_id=ticket_id, user_id=user.id):
            await live.publish(conn, ticket_id=ticket_id, kind="presence", lists=False)

    await current().database.run(work)


def words(present: Sequence[Present]) -> str:
    """Who they are, in a sentence; '' for nobody. Pure."""
    writing = [one.name for one in present if one.is_writing]
    viewing = [one.name for one in present if not one.is_writing]
    parts = []
    if writing:
        parts.append(f"{listed(writing)} {'is' if len(writing) == 1 else 'are'} writing an answer")
    if viewing:
        parts.append(f"{listed(viewing)} {'is' if len(viewing) == 1 else 'are'} looking at this ticket")
    return f"{'. '.join(parts)}." if parts else ""
