"""Who follows a ticket: agents come, go and mention each other; people outside are taken out."""

from __future__ import annotations

from quart import Blueprint, flash, g, jsonify, redirect, request, url_for
from quart.typing import ResponseReturnValue

from app.database import Connection
from app.live import service as live
from app.runtime import current
from app.tickets import audience, followers, lost_text, mentions, service, steps

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


@ticket_followers.post("/tickets/<int:ticket_id>/follow")
async def follow(ticket_id: int) -> ResponseReturnValue:
    """Follow a ticket, or with `stop` no more."""
    stop = "stop" in await request.form

    async def work(conn: Connection) -> None:
        await steps.locked(conn, ticket_id)
        if stop:
            await audience.unfollow(conn, ticket_id, g.user.id)
        else:
            await audience.follow(conn, ticket_id, [g.user.id])
        await live.publish(conn, ticket_id=ticket_id, kind="ticket", lists=False)

    await current().database.run(work)
    told = "You do not follow this ticket any more." if stop else "You follow this ticket: you are told of its news."
    await flash(told, "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@ticket_followers.get("/tickets/<int:ticket_id>/mentions")
async def suggest(ticket_id: int) -> ResponseReturnValue:
    """Agents who can be mentioned, as typed so far in `q`: [{"handle": "mei", "name": "Mei Chen"}]."""
    await service.ticket(ticket_id)
    found = await mentions.suggest(ticket_id, request.args.get("q", "")[:100], user=g.user)
    return jsonify([{"handle": one.handle, "name": one.name} for one in found])
