"""Splitting: some messages of a ticket become a ticket of their own, with their files, badges and tracking."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection
from app.live import service as live
from app.runtime import current
from app.tags import repository as tags
from app.tickets import holding_repository as holding
from app.tickets import opening, recounting, repository, rules, steps
from app.tickets import splitting_repository as parts
from app.tickets.errors import TicketRefused

MOST = 200
"""Messages at once."""


async def split(ticket_id: int, message_ids: Sequence[int], *, subject: str, user: User) -> int:
    """Move messages into a new ticket of the same contact, and return its id.

    It has the priority, assignee, department, tags and followers of the first one, is open, and is as old as its first
    message. Answers to mails that were moved come to it. Merging it puts the messages back. Raises TicketNotFound;
    TicketRefused with the field `subject`, or with `messages` where none is chosen, or all are, or too many, or one is
    not the ticket's, or waits to be sent; or where the ticket was merged.
    """
    subject = rules.check_subject(subject)
    chosen = sorted(set(message_ids))
    if not chosen:
        raise TicketRefused({"messages": "No message is chosen; tick those that shall become a ticket of their own."})
    if len(chosen) > MOST:
        raise TicketRefused({"messages": f"{len(chosen)} messages are chosen, at most {MOST} are moved at once."})

    async def work(conn: Connection) -> int:
        found = await steps.locked(conn, ticket_id)
        if found.merged_into is not None:
            raise TicketRefused({"messages": f"#{ticket_id} was merged into #{found.merged_into}; split that one."})
        written = await parts.moments(conn, ticket_id, chosen)
        await _check(conn, ticket_id, chosen, list(written))
        assignee = found.assignee_id
        if assignee is not None:
            try:
                await steps.assignee_name(conn, assignee, found.department_id)
            except TicketRefused:
                # Disabled meanwhile, or limited to other departments: the rules choose.
                assignee = None
        names = (await tags.of_tickets(conn, [ticket_id])).get(ticket_id, ())
        new_id = await opening.insert_ticket(
            conn, subject, found.contact_id, found.priority, assignee, found.department_id, user, tags=names
        )
        await parts.move(conn, chosen, into=new_id)
        await parts.copy_people(conn, source=ticket_id, into=new_id, opened_at=min(written.values()))
        if names:
            await tags.put(conn, new_id, (await tags.ids(conn, names)).values())
        lines = (
            (ticket_id, "", f"#{new_id} {subject}"),
            (new_id, f"#{ticket_id} {found.subject}", ""),
        )
        for one, old, new in lines:
            await repository.insert_change(
                conn, ticket_id=one, user_id=user.id, field="split", old_value=old[:500], new_value=new[:500]
            )
            await recounting.recount(conn, one)
            await live.publish(conn, ticket_id=one, kind="ticket")
        return new_id

    return await current().database.run(work)


async def _check(conn: Connection, ticket_id: int, chosen: Sequence[int], found: Sequence[int]) -> None:
    missing = [one for one in chosen if one not in found]
    if missing:
        raise TicketRefused({"messages": f"Message {missing[0]} is not one of #{ticket_id} any more; choose again."})
    if await parts.count(conn, ticket_id) == len(chosen):
        raise TicketRefused({"messages": "All messages are chosen; leave at least one in this ticket."})
    if await holding.waiting(conn, chosen):
        raise TicketRefused({"messages": "A chosen reply waits to be sent; undo it, or try again in some seconds."})
