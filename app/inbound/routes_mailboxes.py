"""Admin → Mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.departments import service as departments
from app.inbound import mailboxes as service
from app.inbound import polling
from app.inbound.errors import InboundNotFound, MailboxRefused
from app.inbound.imap import ImapFailed
from app.inbound.mailbox_models import SECURITY, Mailbox
from app.inbound.mailbox_rules import Form
from app.runtime import current
from app.web.access import admin_required
from app.web.errors import error_response

mailboxes = Blueprint("mailboxes", __name__, url_prefix="/admin/mailboxes")

LABELS = {
    "address": "Address",
    "department": "Department",
    "signature": "Signature",
    "host": "Server",
    "port": "Port",
    "security": "Security",
    "username": "User name",
    "password": "Password",
    "folder": "Folder",
}


@mailboxes.errorhandler(InboundNotFound)
async def not_found(error: InboundNotFound) -> ResponseReturnValue:
    """A mailbox that is gone, or never was."""
    return await error_response(404, str(error))


@mailboxes.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """All mailboxes with the state of each."""
    return await render_template("inbound/mailboxes.html", mailboxes=await service.mailboxes())


@mailboxes.get("/new")
@admin_required
async def new() -> ResponseReturnValue:
    """The empty form."""
    return await _form(Form())


@mailboxes.post("/new")
@admin_required
async def create() -> ResponseReturnValue:
    """Add a mailbox, or show the form again with what is wrong at each field."""
    given = await _given()
    try:
        mailbox_id = await service.add(given, by=g.user)
    except MailboxRefused as error:
        return await _form(given, error.fields), 422
    await flash(f"{given.address.strip()} is added.", "good")
    return redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id), 303)


@mailboxes.get("/<int:mailbox_id>")
@admin_required
async def edit(mailbox_id: int) -> ResponseReturnValue:
    """One mailbox, to change, to test or to delete."""
    found = await service.mailbox(mailbox_id)
    given = Form(
        address=found.address,
        department=str(found.department_id or ""),
        signature=found.signature,
        fetches=found.fetches,
        host=found.host,
        port=str(found.port),
        security=found.security,
        username=found.username,
        folder=found.folder,
    )
    return await _form(given, mailbox=found)


@mailboxes.post("/<int:mailbox_id>")
@admin_required
async def save(mailbox_id: int) -> ResponseReturnValue:
    """Change a mailbox, or show the form again with what is wrong at each field."""
    given = await _given()
    try:
        await service.change(mailbox_id, given, by=g.user)
    except MailboxRefused as error:
        return await _form(given, error.fields, mailbox=await service.mailbox(mailbox_id)), 422
    await flash("Saved.", "good")
    return redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id), 303)


@mailboxes.post("/<int:mailbox_id>/test")
@admin_required
async def test(mailbox_id: int) -> ResponseReturnValue:
    """Log in at the server as saved, and say what is there."""
    found = await service.mailbox(mailbox_id)
    try:
        await flash(await polling.examine(current(), service.place_of(current(), found)), "good")
    except (ImapFailed, ValueError) as error:
        await flash(f"It does not work: {error}.", "error")
    return redirect(url_for("mailboxes.edit", mailbox_id=mailbox_id), 303)


@mailboxes.post("/<int:mailbox_id>/delete")
@admin_required
async def delete(mailbox_id: int) -> ResponseReturnValue:
    """Delete a mailbox; the page asked for a confirmation before."""
    address = await service.delete(mailbox_id, by=g.user)
    await flash(f"{address} is deleted here. Mail that came by it is still there.", "good")
    return redirect(url_for("mailboxes.index"), 303)


async def _given() -> Form:
    form = await request.form
    fields = {name: form.get(name, "") for name in Form.__dataclass_fields__ if name != "fetches"}
    return Form(**fields, fetches=bool(form.get("fetches")))


async def _form(given: Form, errors: Mapping[str, str] | None = None, *, mailbox: Mailbox | None = None) -> str:
    found = [(str(one.id), one.name) for one in await departments.departments()]
    return await render_template(
        "inbound/mailbox.html",
        mailbox=mailbox,
        # What was typed as a password is never shown again.
        given=replace(given, password=""),
        errors=errors or {},
        labels=LABELS,
        departments=[("", "None"), *found],
        security=list(SECURITY.items()),
    )
