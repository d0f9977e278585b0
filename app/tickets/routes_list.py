"""The ticket list at /tickets."""

from __future__ import annotations

from urllib.parse import urlencode

from quart import Blueprint, Response, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.receipts import service as receipts
from app.tags import service as tags
from app.tickets import bulk, exporting, listing, listing_page, moments
from app.tickets import listing_rules as rules
from app.tickets.errors import ListRefused, SearchTooBroad
from app.tickets.listing_models import TicketPage
from app.tickets.row_words import ROW_WORDS
from app.tickets.rules import PRIORITIES, STATUSES
from app.views import rules as view_rules
from app.views import service as views
from app.web.errors import error_response
from app.web.formats import zone

ticket_list = Blueprint("ticket_list", __name__)


@ticket_list.get("/tickets.csv")
async def export() -> ResponseReturnValue:
    """The list that the arguments name, as a CSV file without pages."""
    try:
        query = rules.parse(request.args, user_id=g.user.id)
        page = await exporting.first_page(query)
    except ListRefused as error:
        return await error_response(400, str(error))
    except SearchTooBroad as error:
        return await error_response(422, str(error))
    headers = {"Content-Disposition": f'attachment; filename="tickets-{utcnow():%Y-%m-%d}.csv"'}
    response = Response(exporting.csv_file(query, page), content_type="text/csv; charset=utf-8", headers=headers)
    # A long list takes longer than an answer usually may.
    response.timeout = None
    return response


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
    agents = await listing.agents()
    shown = listing_page.build(
        query,
        page,
        counts=await listing.view_counts(g.user.id),
        agents=agents,
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
        views=await views.views(g.user),
        this_list=view_rules.arguments(query),
        live_topics="tickets",
        back=urlencode(query.arguments()),
        statuses=list(STATUSES.items()),
        priorities=list(PRIORITIES.items()),
        assignees=[("", "Nobody"), *((str(number), name) for number, name in agents.items())],
        due_choices=[(one.key, one.label) for one in moments.due_choices(utcnow(), zone())],
        snooze_choices=[(one.key, one.label) for one in moments.snooze_choices(utcnow(), zone())],
        undo={"number": number, "tickets": await bulk.can_undo(number, user=g.user)} if number else None,
    ), status
