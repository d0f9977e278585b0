"""An agent's verdict on one recipient of one reply of one ticket."""

from __future__ import annotations

from app.accounts.models import User
from app.receipts import judging
from app.runtime import current
from app.tickets import repository
from app.tickets.errors import TicketNotFound, TicketRefused


async def judge(ticket_id: int, reply_id: int, recipient_id: int, verdict: str | None, *, user: User) -> None:
    """Mark a copy as 'read' or 'unread', or with None take the mark back.

    Raises TicketNotFound where the copy is not one of that reply, or the reply not one of that ticket; TicketRefused
    with `verdict` for another verdict, and for a copy that has not gone out.
    """
    async with current().database.connection() as conn:
        found = await repository.reply_of_recipient(conn, ticket_id=ticket_id, recipient_id=recipient_id)
    if found != reply_id:
        raise TicketNotFound(f"Reply {reply_id} of ticket #{ticket_id} has no recipient {recipient_id}.")
    try:
        await judging.judge(recipient_id, verdict, user)
    except judging.VerdictRefused as error:
        raise TicketRefused({"verdict": str(error)}) from None
