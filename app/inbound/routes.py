"""Admin → Inbound mail, and the original of a message for agents."""

from __future__ import annotations

from quart import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.inbound import service
from app.inbound.errors import InboundError, InboundNotFound
from app.inbound.models import KINDS, InboundLine
from app.tickets import rules
from app.web.access import admin_required
from app.web.errors import error_response

inbound = Blueprint("inbound", __name__)

LOCKED = "default-src 'none'; sandbox"


@inbound.errorhandler(InboundNotFound)
async def not_found(error: InboundNotFound) -> ResponseReturnValue:
    """A mail that is gone, or never was."""
    return await error_response(404, str(error))


@inbound.get("/admin/inbound")
@admin_required
async def index() -> ResponseReturnValue:
    """Mails in quarantine, or of another view."""
    view = request.args.get("view", "quarantined")
    view = view if view in service.VIEWS else "quarantined"
    before, after = (rules.number(request.args.get(name)) or 0 for name in ("before", "after"))
    page = await service.page(view, before=before, after=after)
    return await render_template("inbound/list.html", page=page, view=view, views=service.VIEWS, kinds=KINDS)


@inbound.get("/admin/inbound/<int:mail_id>")
@admin_required
async def show(mail_id: int) -> ResponseReturnValue:
    """One mail with its original."""
    return await _source(await service.mail(mail_id), await service.original(mail_id), is_admin=True)


@inbound.get("/admin/inbound/<int:mail_id>/original.eml")
@admin_required
async def download(mail_id: int) -> ResponseReturnValue:
    """The original as a file."""
    await service.mail(mail_id)
    return _file(await service.original(mail_id), f"mail-{mail_id}.eml")


@inbound.post("/admin/inbound/<int:mail_id>/retry")
@admin_required
async def retry(mail_id: int) -> ResponseReturnValue:
    """Let the worker read a mail again."""
    try:
        await service.let_go_on(mail_id, by=g.user)
    except InboundNotFound:
        raise
    except InboundError as error:
        await flash(str(error), "error")
    else:
        await flash("The mail is read again, in a second or two.", "good")
    return redirect(url_for("inbound.show", mail_id=mail_id), 303)


@inbound.get("/tickets/<int:ticket_id>/messages/<int:message_id>/original")
async def original(ticket_id: int, message_id: int) -> ResponseReturnValue:
    """The mail that brought a message, as it came."""
    found, raw = await service.original_of_message(ticket_id, message_id)
    return await _source(found, raw, is_admin=False)


@inbound.get("/tickets/<int:ticket_id>/messages/<int:message_id>/original.eml")
async def original_file(ticket_id: int, message_id: int) -> ResponseReturnValue:
    """The same as a file."""
    found, raw = await service.original_of_message(ticket_id, message_id)
    return _file(raw, f"ticket-{ticket_id}-mail-{found.id}.eml")


async def _source(found: InboundLine, raw: bytes, *, is_admin: bool) -> str:
    return await render_template(
        "inbound/show.html",
        mail=found,
        source=raw[: service.SHOWN].decode("utf-8", "replace"),
        is_cut=len(raw) > service.SHOWN,
        is_admin=is_admin,
        kinds=KINDS,
        download=f"{request.path.rstrip('/').removesuffix('/original')}/original.eml",
    )


def _file(raw: bytes, name: str) -> Response:
    # Its own type is not told: a browser must have no reason to open it on our address.
    response = Response(raw, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
