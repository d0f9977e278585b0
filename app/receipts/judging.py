"""An agent's word on whether a copy was read, in place of a module's."""

from __future__ import annotations

from app.accounts.models import User
from app.database import Connection, utcnow
from app.live import service as live
from app.receipts import repository
from app.receipts.rules import VERDICTS
from app.reports import counting
from app.runtime import current
from app.tickets import repository as tickets

HISTORY = "verdict"
"""The field of the ticket's history."""
_WENT_OUT = frozenset({"sent", "unknown"})


class VerdictRefused(ValueError):
    """A copy cannot be judged like that; the message names it and the rule."""


async def judge(recipient_id: int, verdict: str | None, user: User) -> None:
    """Say that a copy was read ('read') or was not ('unread'), whatever a module says; None takes that back.

    It stands in the ticket's history, and open pages are told. Raises VerdictRefused for another verdict, for a copy
    that is no reply's, and for one that has not gone out.
    """
    if verdict is not None and verdict not in VERDICTS:
        raise VerdictRefused(f"A verdict must be {' or '.join(VERDICTS)}, or none to take it back, got {verdict!r}.")

    async def work(conn: Connection) -> None:
        place = await repository.place_of_copy(conn, recipient_id)
        if place is None:
            raise VerdictRefused(f"There is no copy {recipient_id} of a reply.")
        state, judged = await repository.lock_copy(conn, recipient_id)
        if verdict == judged:
            return
        if verdict is not None and state not in _WENT_OUT:
            raise VerdictRefused(
                f"The copy for {place.email} is {state}; only one that went out can be marked as read or not read."
            )
        await repository.set_judged(conn, recipient_id, verdict, user_id=user.id, at=utcnow())
        await repository.refresh_tickets(conn, {place.reply_id: place.ticket_id})
        await live.publish(conn, ticket_id=place.ticket_id, kind="receipt", reply_id=place.reply_id)
        # After the ticket was locked: the foreign key of the history takes a shared lock on it.
        await tickets.insert_change(
            conn,
            ticket_id=place.ticket_id,
            user_id=user.id,
            field=HISTORY,
            old_value=place.email,
            new_value=verdict or "",
        )
        await counting.count(conn, [recipient_id])

    await current().database.run(work)
