"""Admin → Tags, and what is offered while somebody types one."""

from __future__ import annotations

from quart import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.tags import service
from app.tags.errors import TagNotFound, TagRefused
from app.web.access import admin_required
from app.web.errors import error_response

tags = Blueprint("tags", __name__)


@tags.errorhandler(TagNotFound)
async def not_found(error: TagNotFound) -> ResponseReturnValue:
    """A tag that is gone, or never was."""
    return await error_response(404, str(error))


@tags.get("/tags")
async def suggest() -> ResponseReturnValue:
    """Tags that begin with `q`, for a field that is typed into."""
    return jsonify(await service.suggest(request.args.get("q", "")[:100], limit=10))


@tags.get("/admin/tags")
@admin_required
async def index() -> ResponseReturnValue:
    """All tags with how many tickets have them."""
    return await render_template("tags/list.html", tags=await service.tags())


@tags.get("/admin/tags/<int:tag_id>")
@admin_required
async def edit(tag_id: int) -> ResponseReturnValue:
    """One tag, to rename, merge or delete it."""
    found = await service.tag(tag_id)
    return await render_template("tags/edit.html", tag=found, name=found.name, errors={})


@tags.post("/admin/tags/<int:tag_id>")
@admin_required
async def save(tag_id: int) -> ResponseReturnValue:
    """Rename a tag, or merge it into one that there is, or show the form again with what is wrong."""
    form = await request.form
    name = form.get("name", "")
    try:
        merged = await service.rename(tag_id, name, by=g.user, merge="merge" in form)
    except TagRefused as error:
        found = await service.tag(tag_id)
        return await render_template("tags/edit.html", tag=found, name=name, errors=error.fields), 422
    await flash(f"It is part of {name.strip().lower()} now." if merged else "Saved.", "good")
    return redirect(url_for("tags.index"), 303)


@tags.post("/admin/tags/<int:tag_id>/delete")
@admin_required
async def delete(tag_id: int) -> ResponseReturnValue:
    """Delete a tag; the page asked for a confirmation before."""
    name = await service.delete(tag_id, by=g.user)
    await flash(f"{name} is deleted. The tickets that had it are still there.", "good")
    return redirect(url_for("tags.index"), 303)
