"""Letting people outside and agents follow a ticket, and follow no more."""

from __future__ import annotations

from app.accounts.models import User
from app.database import Connection
from app.live import service as live
from app.runtime import current
from app.tickets import audience, followers, outgoing, steps
from app.tickets.errors import TicketRefused


async def who_follows(ticket_id: int) -> list[tuple[str, str]]:
    """Names and addresses, in the order in which they came. Raises TicketNotFound."""
    async with current().database.connection() as conn:
        await steps.ticket(conn, ticket_id)
        return await followers.of_ticket(conn, ticket_id)


async def follow(ticket_id: int, address: str) -> None:
    """Let an address, "eve@example.org" or "Eve <eve@example.org>", follow a ticket; who does so already goes on.

    Raises TicketNotFound; TicketRefused with the field `address` for what is no address, the contact's own, an agent's,
    or one too many.
    """
    try:
        found = outgoing.parse_requester(address)
    except TicketRefused as error:
        raise TicketRefused({"address": error.fields["requester"]}) from None

    async def work(conn: Connection) -> None:
        await steps.locked(conn, ticket_id)
        await followers.add(conn, ticket_id, [found])
        follow = await followers.of_ticket(conn, ticket_id)
        if found.email in {email for _, email in follow}:
            await live.publish(conn, ticket_id=ticket_id, kind="ticket")
        elif len(follow) >= followers.MOST:
            raise TicketRefused({"address": f"{followers.MOST} follow this ticket already; take somebody out first."})
        else:
            raise TicketRefused(
                {"address": f"{found.email} is the ticket's contact or one of us, and need not follow it."}
            )

    await current().database.run(work)


async def unfollow(ticket_id: int, email: str) -> bool:
    """Let an address follow no more; it may answer still where it got one of the ticket's mails. False where it did
    not follow. Raises TicketNotFound.
    """

    async def work(conn: Connection) -> bool:
        await steps.locked(conn, ticket_id)
        if not await followers.remove(conn, ticket_id, email):
            return False
        await live.publish(conn, ticket_id=ticket_id, kind="ticket")
        return True

    return await current().database.run(work)


async def agents(ticket_id: int) -> list[tuple[int, str]]:
    """Ids and names of the agents who follow a ticket. Raises TicketNotFound."""
    async with current().database.connection() as conn:
        await steps.ticket(conn, ticket_id)
        return await audience.following(conn, ticket_id)


async def follow_oneself(ticket_id: int, *, user: User, stop: bool = False) -> None:
    """Let an agent follow a ticket, or follow it no more: they are told of its news. Raises TicketNotFound."""

    async def work(conn: Connection) -> None:
        await steps.locked(conn, ticket_id)
        if stop:
            await audience.unfollow(conn, ticket_id, user.id)
        else:
            await audience.follow(conn, ticket_id, [user.id])
        await live.publish(conn, ticket_id=ticket_id, kind="ticket", lists=False)

    await current().database.run(work)
