"""Saving the list that one looks at, and the page where saved views are renamed, shared and deleted."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.views import service
from app.views.errors import ViewNotFound, ViewRefused
from app.web.errors import error_response

views = Blueprint("views", __name__)


@views.errorhandler(ViewNotFound)
async def not_found(error: ViewNotFound) -> ResponseReturnValue:
    """A view that is gone, or somebody else's."""
    return await error_response(404, str(error))


@views.get("/saved-views")
async def index() -> ResponseReturnValue:
    """All views that the agent sees."""
    return await render_template("views/list.html", views=await service.views(g.user))


@views.post("/saved-views")
async def save() -> ResponseReturnValue:
    """Save a list (`query`: its arguments) under a name, and show it."""
    form = await request.form
    query, name, is_shared = form.get("query", "").lstrip("?"), form.get("name", ""), "shared" in form
    try:
        view_id = await service.save(query, user=g.user, name=name, is_shared=is_shared)
    except ViewRefused as error:
        return await _form("Save view", name, is_shared, error.fields, query=query), 422
    await flash("Saved: it is in the menu Saved views.", "success")
    return redirect((await service.view(view_id, user=g.user)).href, 303)


@views.get("/saved-views/<int:view_id>")
async def edit(view_id: int) -> ResponseReturnValue:
    """One view, to rename, share or delete it."""
    found = await service.view(view_id, user=g.user)
    return await _form(found.name, found.name, found.is_shared, {}, view_id=view_id)


@views.post("/saved-views/<int:view_id>")
async def change(view_id: int) -> ResponseReturnValue:
    """Rename or share a view, or show the form again with what is wrong."""
    form = await request.form
    name, is_shared = form.get("name", ""), "shared" in form
    try:
        await service.change(view_id, user=g.user, name=name, is_shared=is_shared)
    except ViewRefused as error:
        found = await service.view(view_id, user=g.user)
        return await _form(found.name, name, is_shared, error.fields, view_id=view_id), 422
    await flash("Saved.", "success")
    return redirect(url_for("views.index"), 303)


@views.post("/saved-views/<int:view_id>/delete")
async def delete(view_id: int) -> ResponseReturnValue:
    """Delete a view; the page asked for a confirmation before."""
    name = await service.delete(view_id, user=g.user)
    await flash(f"{name} is deleted. Its tickets are still there.", "success")
    return redirect(url_for("views.index"), 303)


async def _form(
    title: str,
    name: str,
    is_shared: bool,
    errors: Mapping[str, str],
    *,
    view_id: int | None = None,
    query: str = "",
) -> str:
    given = {"name": name, "shared": is_shared}
    return await render_template(
        "views/edit.html", title=title, given=given, errors=dict(errors), view_id=view_id, saved_query=query
    )
