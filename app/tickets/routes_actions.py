"""What a ticket page does beside answering: properties, drafts, sending again, fresh badges."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from quart import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.database import utcnow
from app.receipts import service as receipts
from app.tickets import composer, drafts, holding, lost_text, moments, page, resend, rules, service, verdicts
from app.tickets.errors import TicketRefused
from app.tickets.row_words import row_badge, with_time
from app.tickets.steps import UNCHANGED, Unchanged
from app.web.formats import absolute, zone

ticket_actions = Blueprint("ticket_actions", __name__)
lost_text.install(ticket_actions)


@ticket_actions.post("/tickets/<int:ticket_id>/properties")
async def set_properties(ticket_id: int) -> ResponseReturnValue:
    """Set status, priority, assignee, department, due date and tags; what is not sent, or nobody touched, stays.

    The form says what it showed (`status_was`, ...): what another agent changed meanwhile is not put back by it.
    """
    form = await request.form
    try:
        add_tags, remove_tags = rules.tag_line(form.get("tags", ""), form.get("tags_was", ""))
        await service.change(
            ticket_id,
            user=g.user,
            status=_touched(form, "status") or None,
            priority=_touched(form, "priority") or None,
            assignee_id=_assignee(form),
            department_id=_department(form),
            due_at=_due(form),
            add_tags=add_tags,
            remove_tags=remove_tags,
        )
    except TicketRefused as error:
        context = await page.context(ticket_id, user=g.user, errors=error.fields)
        return await render_template("tickets/show.html", **context, typed=form), 422
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@ticket_actions.post("/tickets/<int:ticket_id>/snooze")
async def snooze(ticket_id: int) -> ResponseReturnValue:
    """Let a ticket sleep until a moment of the menu (`choice`) or a chosen one (`at`); `choice` "end" wakes it."""
    form = await request.form
    choice, at = form.get("choice", ""), form.get("at", "")
    try:
        until = None if choice == "end" else moments.snoozed_until(choice, at, now=utcnow(), zone=zone())
        await service.change(ticket_id, user=g.user, snoozed_until=until)
    except TicketRefused as error:
        context = await page.context(ticket_id, user=g.user, errors=error.fields)
        return await render_template("tickets/show.html", **context, snooze_at=at), 422
    await flash(f"Snoozed until {absolute(until)}." if until else "It is back in the lists of open tickets.", "success")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


def _touched(form: MultiDict[str, str], field: str) -> str | None:
    value = form.get(field)
    return value if value != form.get(f"{field}_was") else None


def _assignee(form: MultiDict[str, str]) -> int | Unchanged | None:
    if "to_me" in form:
        return int(g.user.id)
    value = _touched(form, "assignee")
    if value is None:
        return UNCHANGED
    if value == "":
        return None
    return rules.assignee_number(value)


def _department(form: MultiDict[str, str]) -> int | Unchanged | None:
    value = _touched(form, "department")
    return UNCHANGED if value is None else rules.department_number(value)


def _due(form: MultiDict[str, str]) -> datetime | Unchanged | None:
    value = _touched(form, "due")
    return UNCHANGED if value is None else moments.due_at(value, zone())


@ticket_actions.get("/tickets/<int:ticket_id>/tracking")
async def tracking(ticket_id: int) -> ResponseReturnValue:
    """What tracking a reply to `to` and `cc` would come to, for a composer whose addresses change."""
    ticket = await service.ticket(ticket_id)
    return jsonify(asdict(await page.outlook(ticket, request.args.get("to", ""), request.args.get("cc", ""))))


@ticket_actions.post("/tickets/<int:ticket_id>/draft")
async def save_draft(ticket_id: int) -> ResponseReturnValue:
    """Keep what is being written; the editor calls this a second after typing stops."""
    form = await composer.from_request()
    try:
        await drafts.save(
            ticket_id,
            user=g.user,
            kind=form.kind,
            body_html=await form.html(),
            to=form.to,
            cc=form.cc,
            bcc=form.bcc,
            attachment_ids=form.attachment_ids,
            track=form.track,
        )
    except TicketRefused as error:
        return jsonify({"error": str(error)}), 422
    return "", 204


@ticket_actions.post("/tickets/<int:ticket_id>/replies/<int:reply_id>/undo")
async def undo_send(ticket_id: int, reply_id: int) -> ResponseReturnValue:
    """Take back a reply that waits to be sent; its text is in the composer again."""
    try:
        is_empty = await holding.undo(ticket_id, reply_id, user=g.user)
    except TicketRefused as error:
        await flash(str(error), "bad")
        return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{reply_id}"), 303)
    words = "Nothing was sent. What you wrote is in the composer again."
    if is_empty:
        words += " The ticket stays open without a message: send another, or close it."
    await flash(words, "good")
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor="composer"), 303)


@ticket_actions.post("/tickets/<int:ticket_id>/replies/<int:reply_id>/send-now")
async def send_now(ticket_id: int, reply_id: int) -> ResponseReturnValue:
    """Send a reply that can still be taken back without waiting."""
    try:
        await holding.send_now(ticket_id, reply_id, user=g.user)
    except TicketRefused as error:
        await flash(str(error), "bad")
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{reply_id}"), 303)


@ticket_actions.post("/tickets/<int:ticket_id>/recipients/<int:recipient_id>/send-again")
async def send_again(ticket_id: int, recipient_id: int) -> ResponseReturnValue:
    """Queue a copy once more that failed or whose outcome is unknown."""
    return await _sent_again(ticket_id, await resend.one(ticket_id, recipient_id))


@ticket_actions.post("/tickets/<int:ticket_id>/replies/<int:reply_id>/send-again")
async def send_all_again(ticket_id: int, reply_id: int) -> ResponseReturnValue:
    """Queue all copies of a reply once more that failed or whose outcome is unknown."""
    return await _sent_again(ticket_id, await resend.all_of(ticket_id, reply_id))


@ticket_actions.post("/tickets/<int:ticket_id>/replies/<int:reply_id>/recipients/<int:recipient_id>/verdict")
async def judge(ticket_id: int, reply_id: int, recipient_id: int) -> ResponseReturnValue:
    """Mark a recipient's copy as read or not read, or take the mark back."""
    verdict = (await request.form).get("verdict", "")
    try:
        await verdicts.judge(ticket_id, reply_id, recipient_id, verdict or None, user=g.user)
    except TicketRefused as error:
        await flash(str(error), "error")
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{reply_id}"), 303)


async def _sent_again(ticket_id: int, outcome: resend.Outcome) -> ResponseReturnValue:
    if outcome.refused:
        await flash(outcome.refused, "error")
    if outcome.queued:
        await flash(f"Queued again: {outcome.queued} {'copy' if outcome.queued == 1 else 'copies'}.", "success")
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{outcome.reply_id}"), 303)


@ticket_actions.get("/tickets/<int:ticket_id>/replies/<int:reply_id>/badge")
async def reply_badge(ticket_id: int, reply_id: int) -> ResponseReturnValue:
    """A reply's badge with its popover, for an open ticket page."""
    await service.message(ticket_id, reply_id)
    panel = (await receipts.panels([reply_id])).get(reply_id)
    return await render_template(
        "tickets/badge.html",
        panel=panel,
        badge_now=with_time(panel.badge) if panel else None,
        in_list=False,
        judge=f"/tickets/{ticket_id}/replies/{reply_id}/recipients",
    )


@ticket_actions.get("/tickets/<int:ticket_id>/badge")
async def ticket_badge(ticket_id: int) -> ResponseReturnValue:
    """The badge of a ticket's last reply with its popover, for an open ticket list."""
    ticket = await service.ticket(ticket_id)
    found = await receipts.panels([ticket.last_reply_id]) if ticket.last_reply_id else {}
    panel = found.get(ticket.last_reply_id or 0)
    return await render_template(
        "tickets/badge.html",
        panel=panel,
        badge_now=row_badge(panel.badge) if panel else None,
        in_list=True,
        href=url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{ticket.last_reply_id}"),
    )
