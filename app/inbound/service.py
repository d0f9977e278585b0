"""Mails that came in, as pages show them: lists, the original, and letting one go on."""

from __future__ import annotations

from dataclasses import dataclass

from app import audit
from app.accounts.models import User
from app.database import Connection
from app.inbound import repository, store
from app.inbound.errors import InboundError, InboundNotFound
from app.inbound.models import InboundLine
from app.runtime import current

PAGE = 50
SHOWN = 200_000
"""Bytes of an original that a page shows; all of it can be downloaded."""
VIEWS = {
    "quarantined": "Quarantine",
    "new": "Waiting",
    "aside": "Set aside",
    "": "All",
}


@dataclass(frozen=True)
class InboundPage:
    """A stretch of mails, newest first."""

    mails: tuple[InboundLine, ...]
    newer: int
    """The id after which newer ones are; 0 for none."""
    older: int
    counts: dict[str, int]


async def page(view: str, *, before: int = 0, after: int = 0) -> InboundPage:
    """Mails of a view."""
    async with current().database.connection() as conn:
        found = await repository.lines(conn, state=view, before=before, after=after, limit=PAGE + 1)
        counts = await repository.counts(conn)
    more = len(found) > PAGE
    found = found[-PAGE:] if after else found[:PAGE]
    has_newer, has_older = (more, bool(found)) if after else (bool(before), more)
    return InboundPage(
        tuple(found),
        newer=found[0].id if found and has_newer else 0,
        older=found[-1].id if found and has_older else 0,
        counts=counts,
    )


async def mail(mail_id: int) -> InboundLine:
    """One mail. Raises InboundNotFound."""
    async with current().database.connection() as conn:
        found = await repository.line(conn, mail_id)
    if found is None:
        raise InboundNotFound(f"There is no mail {mail_id}.")
    return found


async def original(mail_id: int) -> bytes:
    """The bytes of a mail as they came."""
    return await store.load(current(), mail_id)


async def original_of_message(ticket_id: int, message_id: int) -> tuple[InboundLine, bytes]:
    """The mail that brought a message of a ticket. Raises InboundNotFound where none did."""
    async with current().database.connection() as conn:
        found = (await repository.of_messages(conn, [message_id])).get(message_id)
    if found is None or found.ticket_id != ticket_id:
        raise InboundNotFound(f"Message {message_id} of ticket #{ticket_id} did not come by mail.")
    return found, await store.load(current(), found.id)


async def let_go_on(mail_id: int, *, by: User) -> None:
    """Read a mail again that is in quarantine or was set aside. Raises InboundNotFound, or InboundError for another."""
    await mail(mail_id)

    async def work(conn: Connection) -> None:
        if not await repository.release(conn, mail_id):
            raise InboundError("This mail is not in quarantine any more; look at it again.")
        await audit.record(conn, user_id=by.id, action="inbound.retry", subject=f"inbound:{mail_id}", detail={})

    await current().database.run(work)
