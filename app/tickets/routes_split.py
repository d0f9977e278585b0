"""Splitting a ticket: the messages that are ticked on its page become another one."""

from __future__ import annotations

from quart import Blueprint, flash, g, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.tickets import lost_text, page, rules, splitting
from app.tickets.errors import TicketRefused

ticket_split = Blueprint("ticket_split", __name__)
lost_text.install(ticket_split)


@ticket_split.post("/tickets/<int:ticket_id>/split")
async def split(ticket_id: int) -> ResponseReturnValue:
    """Split, and show the new ticket; where something is wrong, this one with what was chosen."""
    form = await request.form
    chosen = [one for value in form.getlist("message") if (one := rules.number(value)) is not None]
    subject = form.get("split_subject", "")
    try:
        new_id = await splitting.split(ticket_id, chosen, subject=subject, user=g.user)
    except TicketRefused as error:
        fields = {{"subject": "split_subject"}.get(name, name): words for name, words in error.fields.items()}
        context = await page.context(ticket_id, user=g.user, errors=fields)
        return await render_template("tickets/show.html", **context, split_subject=subject, chosen=chosen), 422
    count = len(set(chosen))
    moved = "One message is" if count == 1 else f"{count} messages are"
    await flash(f"{moved} ticket #{new_id} now.", "good")
    return redirect(f"/tickets/{new_id}?split={ticket_id}", 303)
