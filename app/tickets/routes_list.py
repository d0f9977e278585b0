"""The ticket list at /tickets."""

from __future__ import annotations

from urllib.parse import urlencode

from quart import Blueprint, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.receipts import service as receipts
from app.tags import service as tags
from app.tickets import bulk, listing, listing_page
from app.tickets import listing_rules as rules
from app.tickets.errors import ListRefused, SearchTooBroad
from app.tickets.listing_models import TicketPage
from app.tickets.page import assignees
from app.tickets.row_words import ROW_WORDS
from app.tickets.rules import PRIORITIES, STATUSES

ticket_list = Blueprint("ticket_list", __name__)


@ticket_list.get("/tickets")
async def index() -> ResponseReturnValue:
    """One page of tickets; a search for a number or an address goes there at once."""
    problem = ""
    status = 200
    try:
        query = rules.parse(request.args, user_id=g.user.id)
    except ListRefused as error:
        problem, status = str(error), 400
        query = rules.TicketQuery(user_id=g.user.id)
    if query.words and (target := await listing.jump(query.words)):
        if target.ticket_id:
            return redirect(f"/tickets/{target.ticket_id}", 303)
        return redirect(url_for("contacts.show", contact_id=target.contact_id), 303)
    page = TicketPage(())
    if not problem:
        try:
            page = await listing.list_tickets(query)
        except SearchTooBroad as error:
            problem, status = str(error), 422
    shown = listing_page.build(
        query,
        page,
        counts=await listing.view_counts(g.user.id),
        agents=await listing.agents(),
        receipts=rules.receipt_choices(await receipts.visible_states()),
        tags=await tags.suggest(),
        problem=problem,
    )
    done = request.args.get("done", "")
    number = int(done) if done.isascii() and done.isdecimal() and len(done) < 19 else 0
    return await render_template(
        "tickets/list.html",
        list=shown,
        query=query.words,
        row_words=ROW_WORDS,
        live_topics="tickets",
        back=urlencode(query.arguments()),
        statuses=list(STATUSES.items()),
        priorities=list(PRIORITIES.items()),
        assignees=await assignees(),
        undo={"number": number, "tickets": await bulk.can_undo(number, user=g.user)} if number else None,
    ), status
