"""Who follows a ticket: agents follow it themselves and mention each other; people outside are let in and taken out."""

from __future__ import annotations

from quart import Blueprint, flash, g, jsonify, redirect, request, url_for
from quart.typing import ResponseReturnValue

from app.tickets import following, lost_text, mentions, service
from app.tickets.errors import TicketRefused

ticket_followers = Blueprint("ticket_followers", __name__)
lost_text.install(ticket_followers)


@ticket_followers.post("/tickets/<int:ticket_id>/followers")
async def add(ticket_id: int) -> ResponseReturnValue:
    """Let an address follow."""
    address = (await request.form).get("address", "")
    try:
        await following.follow(ticket_id, address)
    except TicketRefused as error:
        await flash(str(error), "bad")
    else:
        await flash(f"{address.strip()[:200]} follows this ticket: copies of replies go there.", "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@ticket_followers.post("/tickets/<int:ticket_id>/followers/remove")
async def remove(ticket_id: int) -> ResponseReturnValue:
    """Let an address follow no more; it may answer still where it got one of the ticket's mails."""
    email = (await request.form).get("email", "")

    if await following.unfollow(ticket_id, email):
        await flash(f"{email} does not follow this ticket any more.", "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@ticket_followers.post("/tickets/<int:ticket_id>/follow")
async def follow(ticket_id: int) -> ResponseReturnValue:
    """Follow a ticket, or with `stop` no more."""
    stop = "stop" in await request.form
    await following.follow_oneself(ticket_id, user=g.user, stop=stop)
    told = "You do not follow this ticket any more." if stop else "You follow this ticket: you are told of its news."
    await flash(told, "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@ticket_followers.get("/tickets/<int:ticket_id>/mentions")
async def suggest(ticket_id: int) -> ResponseReturnValue:
    """Agents who can be mentioned, as typed so far in `q`: [{"handle": "mei", "name": "Mei Chen"}]."""
    await service.ticket(ticket_id)
    found = await mentions.suggest(ticket_id, request.args.get("q", "")[:100], user=g.user)
    return jsonify([{"handle": one.handle, "name": one.name} for one in found])
