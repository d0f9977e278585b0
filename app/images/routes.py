"""A message's frame, with remote images or without, the images themselves, and whose are always shown."""

from __future__ import annotations

import asyncio
from html import escape

from quart import Blueprint, flash, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.images import service
from app.images.service import ImageRefused
from app.tickets import display
from app.tickets import service as tickets
from app.tickets.errors import TicketNotFound
from app.tickets.routes_files import locked
from app.web.errors import error_response

images = Blueprint("images", __name__, url_prefix="/tickets/<int:ticket_id>/messages/<int:message_id>")
KEPT_FOR = 86400
"""Seconds that the agent's browser keeps an image: looking again tells the sender nothing."""


@images.errorhandler(TicketNotFound)
async def not_found(error: TicketNotFound) -> ResponseReturnValue:
    """A ticket or message that is gone, or never was."""
    return await error_response(404, str(error))


@images.get("/frame")
async def frame(ticket_id: int, message_id: int) -> ResponseReturnValue:
    """A customer's HTML, as the page that its sandboxed frame loads. `images=1` shows remote images."""
    message = await tickets.message(ticket_id, message_id)
    always = await service.shows(message, g.user)
    shown = always or request.args.get("images") == "1"
    here = f"/tickets/{ticket_id}/messages/{message_id}"
    document = await asyncio.to_thread(
        display.frame_document,
        await service.body(message),
        message.body_text,
        images_at=f"{here}/images/" if shown else None,
        ask_at=here,
        always=always,
    )
    policy = display.frame_policy(request.host, images=shown)
    return document, {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"}


@images.get("/images/<int:number>")
async def image(ticket_id: int, message_id: int, number: int) -> ResponseReturnValue:
    """One remote image, fetched and made anew by the portal."""
    try:
        data, kind = await service.image(ticket_id, message_id, number)
    except ImageRefused as error:
        return locked(nothing(str(error)), "image/svg+xml", {"Cache-Control": "no-store"}, 404)
    return locked(data, kind, {"Cache-Control": f"private, max-age={KEPT_FOR}"})


def nothing(reason: str) -> bytes:
    """What stands in the place of an image that cannot be had; browsers draw it though the answer is 404."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="220" height="32" viewBox="0 0 220 32">'
        f"<title>{escape(reason)}</title>"
        '<rect x=".5" y=".5" width="219" height="31" rx="4" fill="#f4f4f4" stroke="#8a8a8a" stroke-dasharray="4 3"/>'
        '<text x="110" y="20.5" text-anchor="middle" font-family="sans-serif" font-size="12.5" fill="#4a4a4a">'
        "This image could not be loaded</text></svg>"
    ).encode()


@images.get("/images")
async def ask(ticket_id: int, message_id: int) -> ResponseReturnValue:
    """Ask whether the sender's images are always shown, or ask again."""
    message = await tickets.message(ticket_id, message_id)
    return await render_template(
        "tickets/images.html", ticket_id=ticket_id, message=message, always=await service.shows(message, g.user)
    )


@images.post("/images")
async def decide(ticket_id: int, message_id: int) -> ResponseReturnValue:
    """Keep what the agent decided."""
    message = await tickets.message(ticket_id, message_id)
    shown = (await request.form).get("show") == "1"
    try:
        await service.show_always(message, g.user, shown=shown)
    except ImageRefused as error:
        return await error_response(422, str(error))
    words = "are shown from now on" if shown else "are shown only when you ask"
    await flash(f"Images in mails from {message.contact_email} {words}.", "good")
    return redirect(f"/tickets/{ticket_id}#message-{message_id}", 303)
