"""A ticket that an agent opens for a contact: by a mail of ours, or to write down what a customer said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from quart import Blueprint, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.consent import service as consent
from app.consent.models import Outlook
from app.contacts.service import suggest
from app.email.addresses import Address
from app.tickets import composer, holding, lost_text, moments, outgoing, page, rules, service
from app.tickets.composer import Composer
from app.tickets.errors import AuthorRefused, TicketRefused
from app.web.formats import zone

new_ticket = Blueprint("new_ticket", __name__)
lost_text.install(new_ticket)

SUGGESTIONS = 10
LABELS = {
    "requester": "Contact",
    "subject": "Subject",
    "body": "Message",
    "files": "Files",
    "priority": "Priority",
    "assignee": "Assignee",
    "department": "Department",
    "due": "Due",
}


@dataclass(frozen=True)
class NewTicket:
    """The form as it was sent."""

    requester: str = ""
    subject: str = ""
    priority: str = "normal"
    assignee: str = ""
    department: str = ""
    due: str = ""
    send_mail: bool = True
    message: Composer = field(default_factory=Composer)


@new_ticket.get("/tickets/new")
async def form() -> ResponseReturnValue:
    """The empty form; `contact` fills in whom it is for."""
    return await _page(NewTicket(requester=request.args.get("contact", ""), assignee=str(g.user.id)))


@new_ticket.post("/tickets/new")
async def create() -> ResponseReturnValue:
    """Open the ticket, or show the form again with all that was written and what is wrong."""
    given = await request.form
    ticket = NewTicket(
        requester=given.get("requester", ""),
        subject=given.get("subject", ""),
        priority=given.get("priority", "normal"),
        assignee=given.get("assignee", ""),
        department=given.get("department", ""),
        due=given.get("due", ""),
        send_mail="send_mail" in given,
        message=await composer.from_request(),
    )
    try:
        ticket_id, reply_id = await _open(ticket)
    except TicketRefused as error:
        message = await ticket.message.keep_files(ticket_id=None, user=g.user)
        code = 403 if isinstance(error, AuthorRefused) else 422
        return await _page(ticket, message, error.fields), code
    return redirect(url_for("tickets.show", ticket_id=ticket_id, _anchor=f"reply-{reply_id}"), 303)


@new_ticket.get("/tickets/new/contacts")
async def contacts() -> ResponseReturnValue:
    """Contacts whose name or address fits what was typed so far: [{"value", "label"}], at most ten."""
    typed = request.args.get("q", "").strip()[:100]
    if len(typed) < 2:
        return jsonify([])
    found = await suggest(typed, limit=SUGGESTIONS)
    return jsonify([{"value": str(Address(name, email)), "label": name} for name, email in found])


@new_ticket.get("/tickets/new/tracking")
async def tracking() -> ResponseReturnValue:
    """What tracking a mail to `to` would come to, for a form whose contact or department changes."""
    return jsonify(asdict(await _outlook(request.args.get("to", ""), request.args.get("department", ""))))


async def _outlook(requester: str, department: str) -> Outlook:
    return await consent.outlook(outgoing.readers_of_lines(requester, ""), department_id=rules.number(department))


async def _open(ticket: NewTicket) -> tuple[int, int]:
    """Ids of the ticket and its first message."""
    errors: dict[str, str] = {}
    _check(errors, lambda: rules.check_subject(ticket.subject))
    _check(errors, lambda: outgoing.parse_requester(ticket.requester))
    _check(errors, lambda: rules.check_choice("priority", ticket.priority, tuple(rules.PRIORITIES)))
    _check(errors, lambda: rules.assignee_number(ticket.assignee) if ticket.assignee else None)
    _check(errors, lambda: rules.department_number(ticket.department))
    _check(errors, lambda: moments.due_at(ticket.due, zone()))
    _check(errors, lambda: rules.check_customer_body(ticket.message.body_html or ticket.message.body_text))
    if errors:
        raise TicketRefused(errors)
    common: dict[str, Any] = {
        "subject": ticket.subject,
        "requester": ticket.requester,
        "html_body": await ticket.message.html(),
        "priority": ticket.priority,
        "assignee_id": rules.number(ticket.assignee),
        "department_id": rules.department_number(ticket.department),
        "due_at": moments.due_at(ticket.due, zone()),
        "attachment_ids": ticket.message.attachment_ids,
        "uploads": ticket.message.uploads,
    }
    if not ticket.send_mail:
        common["attachment_ids"] = [*common["attachment_ids"], *rules.inline_image_ids(common["html_body"])]
        ticket_id = await service.create_ticket(**common, created_by=g.user)
        return ticket_id, (await service.conversation(ticket_id)).messages[0].id
    asked = replace(ticket.message, to=ticket.requester)
    ticket_id, sent = await service.open_ticket(
        **common,
        author=g.user,
        enable_tracking=ticket.message.track,
        hold=await holding.hold(asked, common["html_body"], user=g.user),
    )
    return ticket_id, sent.id


def _check(errors: dict[str, str], rule: Callable[[], object]) -> None:
    """Run one rule and note what it says, so that all fields that are wrong are named at once."""
    try:
        rule()
    except TicketRefused as error:
        errors.update(error.fields)


async def _page(ticket: NewTicket, message: Composer | None = None, errors: Mapping[str, str] | None = None) -> str:
    shown = message or ticket.message
    return await render_template(
        "tickets/new.html",
        ticket=ticket,
        composer=shown,
        composer_text=await shown.text(),
        errors=dict(errors or {}),
        labels=LABELS,
        priorities=list(rules.PRIORITIES.items()),
        assignees=await page.assignees(),
        zone_name=zone().key,
        departments=await page.department_choices(),
        tracking=await _outlook(ticket.requester, ticket.department),
        suppressed=await outgoing.suppressed_in_lines({"requester": ticket.requester}),
        # What was begun for one contact must not be put into the form for another.
        address=url_for("new_ticket.form", contact=request.args.get("contact")),
    )
