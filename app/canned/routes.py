"""Saved replies: the page of them, and what the composer asks for."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app import richtext
from app.canned import rules, service
from app.canned.errors import CannedNotFound, CannedRefused
from app.canned.models import Canned
from app.tickets.errors import TicketNotFound
from app.web.errors import error_response

canned = Blueprint("canned", __name__, url_prefix="/saved-replies")
LABELS = {"title": "Title", "body": "Text"}


@canned.errorhandler(CannedNotFound)
@canned.errorhandler(TicketNotFound)
async def not_found(error: Exception) -> ResponseReturnValue:
    """A saved reply or a ticket that is gone, never was, or is not one's own."""
    return await error_response(404, str(error))


@canned.get("")
async def index() -> ResponseReturnValue:
    """Those that one may use; as JSON for the composer."""
    found = await service.canned_replies(g.user)
    if request.accept_mimetypes.best == "application/json":
        return jsonify([{"id": one.id, "title": one.title} for one in found])
    return await render_template("canned/list.html", replies=found)


@canned.get("/<int:canned_id>/for/<int:ticket_id>")
async def filled(canned_id: int, ticket_id: int) -> ResponseReturnValue:
    """One with its placeholders filled, as JSON."""
    return jsonify({"html": await service.filled(canned_id, ticket_id, user=g.user)})


@canned.get("/new")
async def new() -> ResponseReturnValue:
    """The empty form."""
    return await _form({})


@canned.post("/new")
async def create() -> ResponseReturnValue:
    """Add one, or show the form again with what is wrong at each field."""
    given = await _given()
    try:
        await service.add(by=g.user, title=given["title"], body_html=given["body"], is_shared=given["shared"] == "1")
    except CannedRefused as error:
        return await _form(given, error.fields), 422
    await flash(f"{given['title'].strip()} is saved.", "good")
    return redirect(url_for("canned.index"), 303)


@canned.get("/<int:canned_id>")
async def edit(canned_id: int) -> ResponseReturnValue:
    """One, to change or to delete it."""
    found = await service.canned_reply(canned_id, user=g.user)
    given = {"title": found.title, "body": found.body_html, "shared": "1" if found.is_shared else ""}
    return await _form(given, canned=found)


@canned.post("/<int:canned_id>")
async def save(canned_id: int) -> ResponseReturnValue:
    """Change one, or show the form again with what is wrong at each field."""
    given = await _given()
    shared = given["shared"] == "1"
    try:
        await service.change(canned_id, by=g.user, title=given["title"], body_html=given["body"], is_shared=shared)
    except CannedRefused as error:
        found = await service.canned_reply(canned_id, user=g.user)
        return await _form(given, error.fields, canned=found), 422
    await flash("Saved.", "good")
    return redirect(url_for("canned.index"), 303)


@canned.post("/<int:canned_id>/delete")
async def delete(canned_id: int) -> ResponseReturnValue:
    """Delete one; the page asked for a confirmation before."""
    title = await service.delete(canned_id, by=g.user)
    await flash(f"{title} is deleted.", "good")
    return redirect(url_for("canned.index"), 303)


async def _given() -> dict[str, str]:
    form = await request.form
    body = form.get("body_html", "").strip() or await richtext.text_to_html_async(form.get("body_text", ""))
    return {"title": form.get("title", ""), "body": body, "shared": form.get("shared", "")}


async def _form(
    given: Mapping[str, str], errors: Mapping[str, str] | None = None, *, canned: Canned | None = None
) -> str:
    return await render_template(
        "canned/edit.html",
        canned=canned,
        may_change=canned is None or service.may_change(canned, g.user),
        given=given,
        text=await richtext.html_to_text_async(given["body"]) if given.get("body") else "",
        errors=errors or {},
        labels=LABELS,
        placeholders=rules.PLACEHOLDERS,
    )
