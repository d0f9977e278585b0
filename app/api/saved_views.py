"""/api/views: names for lists of tickets."""

from __future__ import annotations

from urllib.parse import parse_qsl

from pydantic import ConfigDict, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import ticket_models
from app.api.answers import answer
from app.api.models import MAX_ID, MAX_LIMIT, Answer, Given, Person
from app.api.requests import asks, takes
from app.api.tickets import list_of, listed
from app.views import service
from app.views.errors import ViewNotFound
from app.views.models import View

VIEW = f"<int(min=1, max={MAX_ID}):view_id>"

saved_views = Blueprint("saved_views", __name__, url_prefix="/views")


class NewView(Given):
    """A list of tickets to keep under a name."""

    name: str = Field(description="At most 60 characters.", examples=["VIPs who wait"])
    query: str = Field(
        max_length=2000,
        description="Arguments of the list, as /tickets has them in its address.",
        examples=["view=open&tag=vip&waiting=us"],
    )
    shared: bool = Field(False, description="true: all agents see it.")


class ViewChange(Given):
    """What to change of a saved view; what is not given stays as it is."""

    name: str | None = None
    shared: bool | None = None


class ListPage(Given):
    """Which page of a list."""

    model_config = ConfigDict(strict=False)

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=100, description="`next` of the page before.")


class SavedView(Answer):
    """A name for a list of tickets."""

    id: int
    name: str
    query: str = Field(description="Arguments of the list; `me` in it is whoever asks.")
    shared: bool
    owner: Person


class SavedViews(Answer):
    """Your saved views, then the shared ones of others."""

    views: list[SavedView]


@saved_views.get("")
@document_response(SavedViews)
async def list_views() -> Response:
    """List your saved views and the shared ones of others."""
    return answer(SavedViews(views=[_view(one) for one in await service.views(g.user)]))


@saved_views.post("")
@document_response(SavedView, 201)
@takes(NewView)
async def create_view(*, body: NewView) -> Response:
    """Keep a list of tickets under a name."""
    view_id = await service.save(body.query, user=g.user, name=body.name, is_shared=body.shared)
    found = await service.view(view_id, user=g.user)
    return answer(_view(found), 201, {"Location": f"/api/views/{view_id}/tickets"})


@saved_views.patch(f"/{VIEW}")
@document_response(SavedView)
@takes(ViewChange)
async def change_view(*, view_id: int, body: ViewChange) -> Response:
    """Rename a view, share it, or share it no more; only its owner can, and admins where it is shared."""
    found = await service.view(view_id, user=g.user)
    name = found.name if body.name is None else body.name
    is_shared = found.is_shared if body.shared is None else body.shared
    await service.change(view_id, user=g.user, name=name, is_shared=is_shared)
    # An admin who ends the sharing of another's view may not look at it any more.
    seen = {one.id: one for one in await service.views(g.user)}.get(view_id)
    return answer(_view(seen or View(view_id, found.user_id, found.owner, name, found.query, is_shared)))


@saved_views.delete(f"/{VIEW}")
@document_response(SavedView)
async def delete_view(*, view_id: int) -> Response:
    """Delete a view, which is answered as it was; its tickets stay."""
    found = await service.view(view_id, user=g.user)
    await service.delete(view_id, user=g.user)
    return answer(_view(found))


@saved_views.get(f"/{VIEW}/tickets")
@document_response(ticket_models.TicketList)
@asks(ListPage)
async def list_tickets_of_view(*, view_id: int, query: ListPage) -> Response:
    """List the tickets of a view that you see."""
    found = next((one for one in await service.views(g.user) if one.id == view_id), None)
    if found is None:
        raise ViewNotFound(f"There is no saved view {view_id} that you see.")
    return await listed(list_of(dict(parse_qsl(found.query)), query.cursor), limit=query.limit)


def _view(found: View) -> SavedView:
    return SavedView(
        id=found.id,
        name=found.name,
        query=found.query,
        shared=found.is_shared,
        owner=Person(id=found.user_id, name=found.owner),
    )
