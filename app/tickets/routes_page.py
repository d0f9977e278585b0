"""The ticket page: reading a conversation and answering it."""

from __future__ import annotations

from collections.abc import Mapping

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.notifications import service as notifications
from app.tickets import composer, holding, lost_text, merging, page, rules, service
from app.tickets.composer import Composer
from app.tickets.errors import AuthorRefused, TicketRefused

tickets = Blueprint("tickets", __name__)
lost_text.install(tickets)


@tickets.get("/tickets/<int:ticket_id>")
async def show(ticket_id: int) -> ResponseReturnValue:
    """The newest messages of a ticket, or those before message `before`; what the user was told of it is seen now."""
    if g.user.told_of:
        await notifications.mark_seen(g.user, ticket_id=ticket_id)
    context = await page.context(ticket_id, user=g.user, before=rules.number(request.args.get("before")))
    if context["ticket"].merged_into is not None:
        await flash(f"#{ticket_id} was merged into this ticket.", "info")
        return redirect(url_for("tickets.show", ticket_id=await merging.led_to(ticket_id)), 303)
    split_from = rules.number(request.args.get("split"))
    came = split_from in {line.ticket_id for line in context["history"]}
    return await render_template("tickets/show.html", **context, split_from=split_from if came else None)


@tickets.post("/tickets/<int:ticket_id>/replies")
async def add_reply(ticket_id: int) -> ResponseReturnValue:
    """Send a reply or add a note; where something is wrong, the page again with all that was written."""
    form = await composer.from_request()
    try:
        html = await form.html()
        sent = await service.add_reply(
            ticket_id,
            author=g.user,
            html_body=html,
            to=form.to,
            cc=form.cc,
            bcc=form.bcc,
            internal=form.kind == "note",
            enable_tracking=form.track,
            attachment_ids=form.attachment_ids,
            uploads=form.uploads,
            then_status="closed" if form.then_close else None,
            once=form.once,
            seen=form.seen,
            hold=await holding.hold(form, html, user=g.user),
        )
    except TicketRefused as error:
        kept = await form.keep_files(ticket_id=ticket_id, user=g.user)
        code = 403 if isinstance(error, AuthorRefused) else 422
        return await _page(ticket_id, form=kept, errors=error.fields), code
    if sent.mentioned:
        many = len(sent.mentioned) > 1
        words = f"{rules.listed(sent.mentioned)} {'are' if many else 'is'} told, and {'follow' if many else 'follows'}"
        await flash(f"{words} this ticket now.", "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{sent.id}"), 303)


async def _page(ticket_id: int, *, form: Composer, errors: Mapping[str, str]) -> str:
    context = await page.context(ticket_id, user=g.user, form=form, errors=errors)
    return await render_template("tickets/show.html", **context)
