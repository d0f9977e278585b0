"""Who follows a ticket: taking somebody out."""

from __future__ import annotations

from quart import Blueprint, flash, redirect, request, url_for
from quart.typing import ResponseReturnValue

from app.database import Connection
from app.live import service as live
from app.runtime import current
from app.tickets import followers, lost_text, steps

ticket_followers = Blueprint("ticket_followers", __name__)
lost_text.install(ticket_followers)


@ticket_followers.post("/tickets/<int:ticket_id>/followers/remove")
async def remove(ticket_id: int) -> ResponseReturnValue:
    """Let an address follow no more; it may answer still where it got one of the ticket's mails."""
    email = (await request.form).get("email", "")

    async def work(conn: Connection) -> bool:
        await steps.locked(conn, ticket_id)
        if not await followers.remove(conn, ticket_id, email):
            return False
        await live.publish(conn, ticket_id=ticket_id, kind="ticket")
        return True

    if await current().database.run(work):
        await flash(f"{email} does not follow this ticket any more.", "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)
