"""Merging a ticket into another: first a page that shows both, then the deed."""

from __future__ import annotations

from quart import Blueprint, flash, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.tickets import lost_text, merging, page, rules, service
from app.tickets.errors import TicketNotFound, TicketRefused

ticket_merge = Blueprint("ticket_merge", __name__)
lost_text.install(ticket_merge)


@ticket_merge.get("/tickets/<int:ticket_id>/merge")
async def ask(ticket_id: int) -> ResponseReturnValue:
    """Show what would become part of what; `into` is the number of the other ticket, "12" or "#12"."""
    ticket = await service.ticket(ticket_id)
    given = request.args.get("into", "")
    into = rules.number(given.strip().lstrip("#"))
    try:
        if into is None:
            raise TicketRefused({"into": f"Give the number of the other ticket, like 12, got {given[:40]!r}."})
        try:
            found = await merging.target(ticket_id, into)
        except TicketNotFound as error:
            raise TicketRefused({"into": str(error)}) from None
    except TicketRefused as error:
        context = await page.context(ticket_id, user=g.user, errors=error.fields)
        return await render_template("tickets/show.html", **context, into=given), 422
    return await render_template("tickets/merge.html", ticket=ticket, into=found)


@ticket_merge.post("/tickets/<int:ticket_id>/merge")
async def merge(ticket_id: int) -> ResponseReturnValue:
    """Merge, and show the ticket that took the other one in."""
    into = rules.number((await request.form).get("into", ""))
    try:
        if into is None:
            raise TicketRefused({"into": "Give the number of the other ticket."})
        await merging.merge(ticket_id, into, user=g.user)
    except TicketRefused as error:
        context = await page.context(ticket_id, user=g.user, errors=error.fields)
        return await render_template("tickets/show.html", **context), 422
    await flash(f"#{ticket_id} is part of this ticket now.", "good")
    return redirect(f"/tickets/{into}", 303)
