"""Sending copies again that failed, or of which nobody knows whether they arrived."""

from __future__ import annotations

from dataclasses import dataclass

from app.email import service as email
from app.email.errors import EmailRefused
from app.receipts import service as receipts
from app.runtime import current
from app.tickets import repository, service
from app.tickets.errors import TicketNotFound, sentence


@dataclass(frozen=True)
class Outcome:
    """What came of asking for copies to be sent again."""

    reply_id: int
    queued: int
    refused: str = ""
    """Why a copy was not queued; '' where all were."""


async def one(ticket_id: int, recipient_id: int) -> Outcome:
    """Queue one copy again. Raises TicketNotFound where the copy is not one of the ticket."""
    async with current().database.connection() as conn:
        reply_id = await repository.reply_of_recipient(conn, ticket_id=ticket_id, recipient_id=recipient_id)
    if reply_id is None:
        raise TicketNotFound(f"Ticket #{ticket_id} sent nothing to recipient {recipient_id}.")
    return await _queue(reply_id, [recipient_id])


async def all_of(ticket_id: int, reply_id: int) -> Outcome:
    """Queue all copies of a reply again that can be. Raises TicketNotFound where it is not one of the ticket."""
    await service.message(ticket_id, reply_id)
    panel = (await receipts.panels([reply_id])).get(reply_id)
    return await _queue(reply_id, [row.id for row in panel.rows if row.can_send_again] if panel else [])


async def _queue(reply_id: int, recipient_ids: list[int]) -> Outcome:
    queued = 0
    for recipient_id in recipient_ids:
        try:
            await email.send_again(recipient_id)
        except EmailRefused as error:
            return Outcome(reply_id, queued, sentence(error))
        queued += 1
    return Outcome(reply_id, queued, "" if queued else "No copy of this reply failed; there is nothing to send again.")
