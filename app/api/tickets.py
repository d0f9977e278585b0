"""/api/tickets: open, list and read tickets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models, ticket_models, views
from app.api.answers import answer
from app.api.errors import Refused, called
from app.api.requests import asks, takes
from app.departments import service as departments
from app.receipts import service as receipts
from app.tags import service as tags
from app.tickets import access, listing, rules, service, splitting
from app.tickets.listing_rules import TicketQuery, parse
from app.tickets.steps import UNCHANGED, Unchanged

tickets = Blueprint("tickets", __name__, url_prefix="/tickets")


@tickets.post("")
@document_response(ticket_models.Ticket, 201)
@takes(ticket_models.NewTicket)
async def create_ticket(*, body: ticket_models.NewTicket) -> Response:
    """Open a ticket for somebody.

    The requester becomes a contact where they are none yet. Nothing is mailed.
    """
    if body.html_body is None and body.text_body is None:
        words = "or `text_body` is missing; give the message as HTML or as text."
        raise Refused(422, f"`html_body` {words}", {"html_body": words})
    department_id = await department_number(body.department) if body.department is not None else None
    if body.due_at == "none":
        raise Refused(422, "`due_at` is a moment; leave it out for none.", {"due_at": "is a moment; leave it out."})
    with called(body="text_body" if body.html_body is None else "html_body", due="due_at"):
        ticket_id = await service.create_ticket(
            subject=body.subject,
            requester=body.requester,
            html_body=body.html_body,
            text_body=body.text_body,
            priority=body.priority,
            department_id=department_id,
            created_by=g.user,
            tags=body.tags,
            assignee_id=int(g.user.id) if body.assignee == "me" else body.assignee,
            due_at=body.due_at,
        )
    found = views.ticket(await service.ticket(ticket_id))
    return answer(found, 201, {"Location": f"/api/tickets/{ticket_id}"})


@tickets.get("")
@document_response(ticket_models.TicketList)
@asks(ticket_models.TicketFilter)
async def list_tickets(*, query: ticket_models.TicketFilter) -> Response:
    """List tickets, the one with the latest activity first where nothing else is asked for."""
    return await listed(listed_query(query), limit=query.limit)


async def listed(wanted: TicketQuery, *, limit: int) -> Response:
    """One page of a list."""
    page = await listing.list_tickets(wanted, limit=limit)
    return answer(ticket_models.TicketList(tickets=[views.listed(row) for row in page.rows], next=page.next or None))


@tickets.get(f"/<int(min=1, max={models.MAX_ID}):ticket_id>")
@document_response(ticket_models.TicketWithConversation)
@asks(ticket_models.ConversationPage)
async def read_ticket(*, ticket_id: int, query: ticket_models.ConversationPage) -> Response:
    """Read a ticket with its conversation."""
    found = await service.ticket(ticket_id)
    conversation = await service.conversation(ticket_id, before=query.before, limit=query.limit)
    badges = await receipts.badges([one.id for one in conversation.messages if one.kind == "reply"])
    return answer(await views.with_conversation(found, conversation, badges))


@tickets.patch(f"/<int(min=1, max={models.MAX_ID}):ticket_id>")
@document_response(ticket_models.Ticket)
@takes(ticket_models.TicketChange)
async def change_ticket(*, ticket_id: int, body: ticket_models.TicketChange) -> Response:
    """Change a ticket's properties; each change is in its history."""
    found = await service.ticket(ticket_id)
    department: int | Unchanged | None = UNCHANGED
    if body.department is not None:
        department = None if body.department == "none" else await department_number(body.department)
    assignee: int | Unchanged | None = UNCHANGED
    if body.assignee == "me":
        assignee = int(g.user.id)
    elif body.assignee == "none":
        assignee = None
    elif body.assignee is not None:
        assignee = body.assignee
    add, remove = rules.retag(body.tags, ()) if body.tags is not None else ((), ())
    if body.tags is not None:
        add, remove = tuple(one for one in add if one not in found.tags), tuple(set(found.tags) - set(add))
    with called(due="due_at", snooze="snoozed_until"):
        await service.change(
            ticket_id,
            user=g.user,
            status=body.status,
            priority=body.priority,
            assignee_id=assignee,
            department_id=department,
            due_at=moment(body.due_at),
            snoozed_until=moment(body.snoozed_until),
            add_tags=add,
            remove_tags=remove,
        )
    return answer(views.ticket(await service.ticket(ticket_id)))


@tickets.post(f"/<int(min=1, max={models.MAX_ID}):ticket_id>/split")
@document_response(ticket_models.Ticket, 201)
@takes(ticket_models.NewSplit)
async def split_ticket(*, ticket_id: int, body: ticket_models.NewSplit) -> Response:
    """Move messages of a ticket, with their files and badges, into a new one of the same contact.

    Both histories tell of it. Answers to mails that were moved come to the new ticket.
    """
    new_id = await splitting.split(ticket_id, body.messages, subject=body.subject, user=g.user)
    found = views.ticket(await service.ticket(new_id))
    return answer(found, 201, {"Location": f"/api/tickets/{new_id}"})


@tickets.get("/tags")
@document_response(ticket_models.Tags)
@asks(ticket_models.TagFilter)
async def list_tags(*, query: ticket_models.TagFilter) -> Response:
    """List the tags that there are."""
    return answer(ticket_models.Tags(tags=await tags.suggest(query.q, limit=query.limit)))


def listed_query(query: ticket_models.TicketFilter) -> TicketQuery:
    """The list that a query string asks for. Raises Refused."""
    given = query.model_dump(exclude_none=True, exclude={"limit", "cursor"})
    return list_of({name: value for name, value in given.items() if value}, query.cursor)


def list_of(arguments: Mapping[str, str], cursor: str | None) -> TicketQuery:
    """The list that has these arguments, as /tickets has them in its address. Raises Refused."""
    with called(after="cursor"):
        return parse({**arguments, **({"after": cursor} if cursor else {})}, user_id=g.user.id)


def moment(given: datetime | Literal["none"] | None) -> datetime | Unchanged | None:
    """A moment as a change takes it: None takes it out."""
    if given is None:
        return UNCHANGED
    return None if given == "none" else given


async def department_number(wanted: int | str) -> int:
    """The id of a department that is named by name or id. Raises Refused."""
    found = await departments.named(wanted)
    if found is None or not access.may_use(found.id):
        words = f"names no department, got {wanted!r:.80}; give the name or id of one under Admin → Departments."
        raise Refused(422, f"`department` {words}", {"department": words})
    return found.id
