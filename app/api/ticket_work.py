"""/api/tickets, further: history, followers, merging, many at once, the list as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models, ticket_models, views
from app.api.answers import answer
from app.api.errors import Refused, called
from app.api.models import Answer, FileAnswer, Given
from app.api.requests import asks, takes
from app.api.tickets import department_number, listed_query, moment
from app.database import utcnow
from app.tickets import bulk, exporting, following, merging, moments, service
from app.tickets.steps import UNCHANGED, Unchanged

TICKET = f"<int(min=1, max={models.MAX_ID}):ticket_id>"

ticket_work = Blueprint("ticket_work", __name__, url_prefix="/tickets")


class Change(Answer):
    """One line of a ticket's history."""

    at: AwareDatetime
    by: str | None = Field(description="The agent's name; null where nobody of us did it.")
    field: str
    old: str
    new: str


class History(Answer):
    """What was changed of a ticket, oldest first; the newest lines where they are many."""

    changes: list[Change]


class Follower(Answer):
    """Somebody who gets copies of a ticket's replies."""

    email: str
    name: str


class Followers(Answer):
    """Who follows a ticket."""

    followers: list[Follower] = Field(description="People outside: they get copies of the replies.")
    agents: list[models.Person] = Field(description="They are told of what happens.")


class NewFollower(Given):
    """Who is to follow."""

    address: str = Field(description='"eve@example.org" or "Eve <eve@example.org>".', examples=["eve@example.org"])


class NewMerge(Given):
    """Where a ticket goes."""

    into: int = Field(ge=1, le=models.MAX_ID, description="The number of the ticket that takes it in.")


class NewBulkChange(Given):
    """What to change of many tickets; what is not given stays as it is."""

    tickets: list[Annotated[int, Field(ge=1, le=models.MAX_ID)]] = Field(
        min_length=1, max_length=bulk.MOST, description="Their numbers."
    )
    status: models.Status | None = None
    priority: ticket_models.Priority | None = None
    assignee: int | str | None = Field(None, description="The number of a user, me, or none.")
    department: ticket_models.Department | None = Field(None, description="A department's name or id, or none.")
    due_at: ticket_models.Moment | None = Field(None, description="When they are due, with a time zone, or none.")
    snoozed_until: ticket_models.Moment | None = Field(None, description="Until when they sleep, or none to end that.")
    add_tags: list[str] = Field([], max_length=20)
    remove_tags: list[str] = Field([], max_length=20)


class BulkChanged(Answer):
    """What became of it."""

    changed: int
    same: int = Field(description="Tickets that were so already.")
    refused: dict[int, str] = Field(description="Ticket → why it was not changed.")
    undo: int | None = Field(description="Names the change for undoing it; null where nothing changed.")


class TicketFile(FileAnswer):
    """The list as CSV (UTF-8, safe to open in a spreadsheet)."""

    media_type: ClassVar[str] = "text/csv"


@ticket_work.get(f"/{TICKET}/history")
@document_response(History)
async def read_history(*, ticket_id: int) -> Response:
    """Tell what was changed of a ticket."""
    await service.ticket(ticket_id)
    conversation = await service.conversation(ticket_id, limit=1)
    changes = [
        Change(at=one.happened_at, by=one.user_name, field=one.field, old=one.old_value, new=one.new_value)
        for one in conversation.history
    ]
    return answer(History(changes=changes))


@ticket_work.get(f"/{TICKET}/followers")
@document_response(Followers)
async def list_followers(*, ticket_id: int) -> Response:
    """Tell who follows a ticket."""
    return answer(await _followers(ticket_id))


@ticket_work.post(f"/{TICKET}/followers")
@document_response(Followers, 201)
@takes(NewFollower)
async def add_follower(*, ticket_id: int, body: NewFollower) -> Response:
    """Let an address follow a ticket; it gets copies of the replies from then on."""
    await following.follow(ticket_id, body.address)
    return answer(await _followers(ticket_id), 201)


@ticket_work.delete(f"/{TICKET}/followers/<string(maxlength=254):email>")
@document_response(Followers)
async def remove_follower(*, ticket_id: int, email: str) -> Response:
    """Let an address follow no more; it may answer still where it got one of the ticket's mails."""
    if not await following.unfollow(ticket_id, email):
        raise Refused(404, f"{email[:100]!r} does not follow ticket {ticket_id}.")
    return answer(await _followers(ticket_id))


@ticket_work.post(f"/{TICKET}/follow")
@document_response(Followers)
async def follow_ticket(*, ticket_id: int) -> Response:
    """Follow a ticket yourself: you are told when its customer writes and when it is due."""
    await following.follow_oneself(ticket_id, user=g.user)
    return answer(await _followers(ticket_id))


@ticket_work.delete(f"/{TICKET}/follow")
@document_response(Followers)
async def unfollow_ticket(*, ticket_id: int) -> Response:
    """Follow a ticket yourself no more."""
    await following.follow_oneself(ticket_id, user=g.user, stop=True)
    return answer(await _followers(ticket_id))


@ticket_work.post(f"/{TICKET}/merge")
@document_response(ticket_models.Ticket)
@takes(NewMerge)
async def merge_ticket(*, ticket_id: int, body: NewMerge) -> Response:
    """Move a ticket's messages into another one, which is answered; it cannot be undone."""
    await service.ticket(ticket_id)
    await merging.merge(ticket_id, body.into, user=g.user)
    return answer(views.ticket(await service.ticket(body.into)))


@ticket_work.post("/bulk")
@document_response(BulkChanged)
@takes(NewBulkChange)
async def change_tickets(*, body: NewBulkChange) -> Response:
    """Change many tickets at once; those that cannot be changed are named, the others are."""
    department: int | Unchanged | None = UNCHANGED
    if body.department is not None:
        department = None if body.department == "none" else await department_number(body.department)
    with called(ticket="tickets", due="due_at", snooze="snoozed_until"):
        wanted = bulk.Wanted(
            status=body.status,
            priority=body.priority,
            assignee_id=_assignee(body.assignee),
            department_id=department,
            due_at=moment(body.due_at),
            snoozed_until=_awake(body.snoozed_until),
            add_tags=tuple(body.add_tags),
            remove_tags=tuple(body.remove_tags),
        )
        return answer(_done(await bulk.change(body.tickets, wanted, user=g.user)))


@ticket_work.post(f"/bulk/<int(min=1, max={models.MAX_COPY_ID}):number>/undo")
@document_response(BulkChanged)
async def undo_change(*, number: int) -> Response:
    """Take a change of many tickets back, on each where nobody changed the same again; yours, within the hour."""
    return answer(_done(await bulk.undo(number, user=g.user)))


@ticket_work.get("/export")
@document_response(TicketFile)
@asks(ticket_models.TicketFilter)
async def export_tickets(*, query: ticket_models.TicketFilter) -> Response:
    """Give the list as a file, up to 100,000 tickets; `limit` and `cursor` do not count."""
    wanted = listed_query(query)
    page = await exporting.first_page(wanted)
    headers = {"Content-Disposition": 'attachment; filename="tickets.csv"'}
    return Response(exporting.csv_file(wanted, page), content_type="text/csv; charset=utf-8", headers=headers)


async def _followers(ticket_id: int) -> Followers:
    found = await following.who_follows(ticket_id)
    agents = [models.Person(id=number, name=name) for number, name in await following.agents(ticket_id)]
    return Followers(followers=[Follower(email=email, name=name) for name, email in found], agents=agents)


def _awake(given: datetime | Literal["none"] | None) -> datetime | Unchanged | None:
    at = moment(given)
    return moments.check_snooze(at, utcnow()) if isinstance(at, datetime) else at


def _assignee(given: int | str | None) -> int | Unchanged | None:
    if given is None:
        return UNCHANGED
    if given == "none":
        return None
    if given == "me":
        return int(g.user.id)
    if isinstance(given, int):
        return given
    words = f"must be the number of a user, me or none, got {given[:40]!r}."
    raise Refused(422, f"`assignee` {words}", {"assignee": words})


def _done(found: bulk.Done) -> BulkChanged:
    return BulkChanged(changed=found.changed, same=found.same, refused=found.refused, undo=found.number)
