"""Contacts: the list at /contacts, and a page for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from quart import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.consent import rules as consent_rules
from app.consent import service as consent
from app.contacts import service
from app.contacts.errors import ContactNotFound, ContactRefused
from app.contacts.models import Contact
from app.email.addresses import Address
from app.suppressions import rules as suppression_rules
from app.suppressions import service as suppressions
from app.tickets import listing
from app.tickets import listing_rules as rules
from app.tickets.errors import ListRefused
from app.tickets.row_words import ROW_WORDS
from app.web.errors import error_response

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")

LABELS = {"name": "Name", "notes": "Notes", "email": "Address"}
MAX_QUERY = 200
DECIDED = {
    "refused": "Noted: nothing more is recorded of how they read our mails, also of mails sent before.",
    "allowed": "Noted: their mails are tracked as far as the module can.",
    "unknown": "Set back: their mails are tracked as department and module are set.",
}


@contacts.errorhandler(ContactNotFound)
async def not_found(error: ContactNotFound) -> ResponseReturnValue:
    """A contact that is gone, or never was."""
    return await error_response(404, str(error))


@contacts.get("")
async def index() -> ResponseReturnValue:
    """One page of contacts by name."""
    words = request.args.get("q", "").strip()[:MAX_QUERY]
    after, before = (_number(request.args.get(name, "")) for name in ("after", "before"))
    page = await service.list_contacts(words, after=after, before=0 if after else before)

    def href(**place: int) -> str:
        given = {name: value for name, value in {"q": words, **place}.items() if value}
        return url_for("contacts.index") + (f"?{urlencode(given)}" if given else "")

    return await render_template(
        "contacts/list.html",
        page=page,
        words=words,
        previous=href(before=page.previous) if page.previous else "",
        next=href(after=page.next) if page.next else "",
    )


@contacts.get("/<int:contact_id>")
async def show(contact_id: int) -> ResponseReturnValue:
    """A contact: addresses, notes, tickets."""
    return await _page(await service.contact(contact_id))


@contacts.get("/<int:contact_id>/edit")
async def edit(contact_id: int) -> ResponseReturnValue:
    """The form for name and notes."""
    contact = await service.contact(contact_id)
    return await _form(contact, {"name": contact.name, "notes": contact.notes})


@contacts.post("/<int:contact_id>/edit")
async def save(contact_id: int) -> ResponseReturnValue:
    """Save name and notes, or show the form again with what is wrong at each field."""
    given = await request.form
    try:
        await service.save(
            contact_id, name=given.get("name", ""), notes=given.get("notes", ""), version=given.get("version", "")
        )
    except ContactRefused as error:
        return await _form(await service.contact(contact_id), given, error.fields), 422
    await flash("Saved.", "good")
    return redirect(url_for("contacts.show", contact_id=contact_id), 303)


@contacts.post("/<int:contact_id>/addresses")
async def add_address(contact_id: int) -> ResponseReturnValue:
    """Add an address, or show the page again with what is wrong with it."""
    typed = (await request.form).get("email", "")
    try:
        email = await service.add_address(contact_id, typed)
    except ContactRefused as error:
        return await _page(await service.contact(contact_id), typed=typed, refused=error), 422
    await flash(f"Mail from {email} is theirs from now on.", "good")
    return redirect(url_for("contacts.show", contact_id=contact_id), 303)


@contacts.post("/<int:contact_id>/addresses/<any(primary, remove):action>")
async def change_address(contact_id: int, action: str) -> ResponseReturnValue:
    """Write to one of the addresses first, or take one away."""
    email = (await request.form).get("email", "")
    try:
        await (service.make_primary if action == "primary" else service.remove_address)(contact_id, email)
    except ContactRefused as error:
        return await _page(await service.contact(contact_id), refused=error), 422
    words = f"{email} is the address we write to first." if action == "primary" else f"{email} is removed."
    await flash(words, "good")
    return redirect(url_for("contacts.show", contact_id=contact_id), 303)


@contacts.post("/<int:contact_id>/tracking")
async def decide_tracking(contact_id: int) -> ResponseReturnValue:
    """Note what the contact decided about being tracked."""
    decision = (await request.form).get("decision", "")
    try:
        await consent.decide(contact_id, decision, source="agent", user_id=g.user.id)
    except ContactRefused as error:
        return await _page(await service.contact(contact_id), refused=error), 422
    await flash(DECIDED.get(decision, "Saved."), "good")
    return redirect(url_for("contacts.show", contact_id=contact_id, _anchor="tracking"), 303)


async def _page(contact: Contact, *, typed: str = "", refused: ContactRefused | None = None) -> str:
    arguments = {name: request.args[name] for name in ("after", "before") if name in request.args}
    try:
        query = replace(rules.parse({"view": "all", **arguments}, user_id=g.user.id), contact_id=contact.id)
    except ListRefused as error:
        abort(400, str(error))
    page = await listing.list_tickets(query)
    here = url_for("contacts.show", contact_id=contact.id)
    return await render_template(
        "contacts/show.html",
        contact=contact,
        decisions=[consent_rules.sentence(consent_rules.decided(one)) for one in await consent.decisions(contact.id)],
        suppressed=await suppressions.of_addresses(contact.addresses),
        suppression_words=suppression_rules,
        typed=typed,
        errors=refused.fields if refused else {},
        owner_id=refused.owner_id if refused else None,
        labels=LABELS,
        page=page,
        previous=f"{here}?{urlencode({'before': page.previous})}" if page.previous else "",
        next=f"{here}?{urlencode({'after': page.next})}" if page.next else "",
        is_first=not arguments,
        new_ticket=f"{url_for('new_ticket.form')}?{urlencode({'contact': str(Address(contact.name, contact.email))})}",
        row_words=ROW_WORDS,
        live_topics="tickets",
    )


async def _form(contact: Contact, given: Mapping[str, str], errors: Mapping[str, str] | None = None) -> str:
    return await render_template("contacts/edit.html", contact=contact, given=given, errors=errors or {}, labels=LABELS)


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
