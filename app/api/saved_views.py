"""/api/views: names for lists of tickets."""

from __future__ import annotations

from urllib.parse import parse_qsl

from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.requests import asks, takes
from app.api.tickets import list_of, listed
from app.views import service
from app.views.errors import ViewNotFound
from app.views.models import View

VIEW = f"<int(min=1, max={models.MAX_ID}):view_id>"

saved_views = Blueprint("saved_views", __name__, url_prefix="/views")


@saved_views.get("")
@document_response(models.SavedViews)
async def list_views() -> Response:
    """List your saved views and the shared ones of others."""
    return answer(models.SavedViews(views=[_view(one) for one in await service.views(g.user)]))


@saved_views.post("")
@document_response(models.SavedView, 201)
@takes(models.NewView)
async def create_view(*, body: models.NewView) -> Response:
    """Keep a list of tickets under a name."""
    view_id = await service.save(body.query, user=g.user, name=body.name, is_shared=body.shared)
    found = await service.view(view_id, user=g.user)
    return answer(_view(found), 201, {"Location": f"/api/views/{view_id}/tickets"})


@saved_views.patch(f"/{VIEW}")
@document_response(models.SavedView)
@takes(models.ViewChange)
async def change_view(*, view_id: int, body: models.ViewChange) -> Response:
    """Rename a view, share it, or share it no more; only its owner can, and admins where it is shared."""
    found = await service.view(view_id, user=g.user)
    name = found.name if body.name is None else body.name
    is_shared = found.is_shared if body.shared is None else body.shared
    await service.change(view_id, user=g.user, name=name, is_shared=is_shared)
    # An admin who ends the sharing of another's view may not look at it any more.
    seen = {one.id: one for one in await service.views(g.user)}.get(view_id)
    return answer(_view(seen or View(view_id, found.user_id, found.owner, name, found.query, is_shared)))


@saved_views.delete(f"/{VIEW}")
@document_response(models.SavedView)
async def delete_view(*, view_id: int) -> Response:
    """Delete a view, which is answered as it was; its tickets stay."""
    found = await service.view(view_id, user=g.user)
    await service.delete(view_id, user=g.user)
    return answer(_view(found))


@saved_views.get(f"/{VIEW}/tickets")
@document_response(models.TicketList)
@asks(models.ListPage)
async def list_tickets_of_view(*, view_id: int, query: models.ListPage) -> Response:
    """List the tickets of a view that you see."""
    found = next((one for one in await service.views(g.user) if one.id == view_id), None)
    if found is None:
        raise ViewNotFound(f"There is no saved view {view_id} that you see.")
    return await listed(list_of(dict(parse_qsl(found.query)), query.cursor), limit=query.limit)


def _view(found: View) -> models.SavedView:
    return models.SavedView(
        id=found.id,
        name=found.name,
        query=found.query,
        shared=found.is_shared,
        owner=models.Person(id=found.user_id, name=found.owner),
    )
