"""Who follows a ticket: letting somebody in, and taking somebody out."""

from __future__ import annotations

from quart import Blueprint, flash, redirect, request, url_for
from quart.typing import ResponseReturnValue

from app.tickets import following, lost_text
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
