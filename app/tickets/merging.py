"""Merging: everything of one ticket becomes part of another, and the first one leads there from then on."""

from __future__ import annotations

from app.accounts.models import User
from app.database import Connection
from app.email.addresses import Address
from app.live import service as live
from app.receipts import service as receipts
from app.runtime import current
from app.tags import repository as tags
from app.tags.rules import MOST as MOST_TAGS
from app.tickets import followers, merging_repository, repository, search_index, steps
from app.tickets.errors import TicketRefused
from app.tickets.models import Ticket


async def led_to(ticket_id: int) -> int | None:
    """The ticket that took in another one, at the end of the chain; None where it is one of its own."""
    async with current().database.connection() as conn:
        return await _end(conn, ticket_id)


async def target(ticket_id: int, into: int) -> Ticket:
    """The ticket that another one would be merged into. Raises TicketNotFound; TicketRefused with the field `into`."""
    async with current().database.connection() as conn:
        await _check(conn, ticket_id, into)
        return await steps.ticket(conn, into)


async def merge(ticket_id: int, into: int, *, user: User) -> None:
    """Move messages, files, followers and tags of a ticket into another one; what customers answer to either comes
    there.

    The contact of the first follows the second where they are two people. Raises TicketNotFound; TicketRefused with
    the field `into` for the same ticket, one that was merged itself, or a chain.
    """

    async def work(conn: Connection) -> None:
        for one in sorted((ticket_id, into)):
            await repository.lock_ticket(conn, one)
        await _check(conn, ticket_id, into)
        source, found = await steps.ticket(conn, ticket_id), await steps.ticket(conn, into)
        texts = await merging_repository.texts(conn, ticket_id)
        await merging_repository.move(conn, ticket_id=ticket_id, into=into)
        await _followers(conn, source, found)
        await _tags(conn, ticket_id, into)
        await search_index.add(conn, into, source.subject, source.contact_name, source.contact_email, *texts)
        await merging_repository.take_over_last(conn, ticket_id=ticket_id, into=into)
        await merging_repository.mark_merged(conn, ticket_id=ticket_id, into=into)
        if source.status != "closed":
            await steps.apply(conn, source, user=user, status="closed")
        lines = ((into, f"#{ticket_id} {source.subject}", ""), (ticket_id, "", f"#{into} {found.subject}"))
        for one, old, new in lines:
            await repository.insert_change(
                conn, ticket_id=one, user_id=user.id, field="merged", old_value=old[:500], new_value=new[:500]
            )
        last = await merging_repository.last_reply(conn, into)
        if last is not None:
            await receipts.refresh(conn, last)
        for one in (ticket_id, into):
            await live.publish(conn, ticket_id=one, kind="ticket")

    await current().database.run(work)


async def _check(conn: Connection, ticket_id: int, into: int) -> None:
    await steps.ticket(conn, ticket_id)
    await steps.ticket(conn, into)
    if ticket_id == into:
        raise TicketRefused({"into": "A ticket cannot be merged into itself; give the number of another one."})
    if await merging_repository.merged_into(conn, ticket_id) is not None:
        raise TicketRefused({"into": f"#{ticket_id} was merged already; look at the ticket that took it in."})
    end = await _end(conn, into)
    if end is not None:
        raise TicketRefused({"into": f"#{into} was merged into #{end}; give that number."})


async def _end(conn: Connection, ticket_id: int) -> int | None:
    found: int | None = None
    seen = {ticket_id}
    following = await merging_repository.merged_into(conn, ticket_id)
    while following is not None and following not in seen:
        seen.add(following)
        found, following = following, await merging_repository.merged_into(conn, following)
    return found


async def _followers(conn: Connection, source: Ticket, found: Ticket) -> None:
    joining = [Address(name, email) for name, email in await followers.of_ticket(conn, source.id)]
    if source.contact_id != found.contact_id:
        joining.append(Address(source.contact_name, source.contact_email))
    await followers.add(conn, found.id, joining)


async def _tags(conn: Connection, ticket_id: int, into: int) -> None:
    both = await tags.of_tickets(conn, [ticket_id, into])
    has = both.get(into, ())
    new = [name for name in both.get(ticket_id, ()) if name not in has][: MOST_TAGS - len(has)]
    if new:
        await tags.put(conn, into, (await tags.ids(conn, new)).values())
