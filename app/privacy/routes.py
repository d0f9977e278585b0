"""Privacy for admins: the text for the privacy policy, a contact's export, a contact's erasure."""

from __future__ import annotations

from quart import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.contacts import service as contacts
from app.contacts.errors import ContactNotFound
from app.contacts.models import Contact
from app.privacy import erasure, nightly
from app.privacy.disclosure import disclosure
from app.privacy.download import download
from app.privacy.export import export_contact
from app.privacy.people import placeholder
from app.runtime import current
from app.tickets.files import disposition
from app.web.access import admin_required
from app.web.errors import error_response

privacy = Blueprint("privacy", __name__)

LABELS = {"confirm": "Address"}


@privacy.errorhandler(ContactNotFound)
async def not_found(error: ContactNotFound) -> ResponseReturnValue:
    """A contact that is gone, or never was."""
    return await error_response(404, str(error))


@privacy.get("/admin/privacy")
@admin_required
async def index() -> ResponseReturnValue:
    """The text, the nightly purge, erasures under way."""
    return await render_template(
        "privacy/index.html",
        disclosure=await disclosure(),
        runs=await nightly.runs(),
        names=_names(),
        night_hour=current().settings.night_hour,
        erasures=await erasure.unfinished(),
    )


@privacy.get("/admin/privacy/disclosure.txt")
@admin_required
async def text() -> ResponseReturnValue:
    """The text alone, to save."""
    found = await disclosure()
    headers = {"Content-Disposition": disposition("privacy-policy.txt")}
    return Response(found.text, content_type="text/plain; charset=utf-8", headers=headers)


@privacy.post("/contacts/<int:contact_id>/export")
@admin_required
async def export(contact_id: int) -> ResponseReturnValue:
    """Everything about a contact, as a zip."""
    return download(await export_contact(contact_id, by=g.user))


@privacy.get("/contacts/<int:contact_id>/erase")
@admin_required
async def erase_form(contact_id: int) -> ResponseReturnValue:
    """What an erasure takes and what it leaves; or how far one has come."""
    return await _page(await contacts.contact(contact_id))


@privacy.post("/contacts/<int:contact_id>/erase")
@admin_required
async def erase(contact_id: int) -> ResponseReturnValue:
    """Begin, where the address was typed as it is."""
    contact = await contacts.contact(contact_id)
    form = await request.form
    typed = form.get("confirm", "").strip()
    if typed.lower() != contact.email.lower():
        words = f"This is not {contact.email}; type it as it stands here, so that nobody else is erased."
        return await _page(contact, typed=typed, keeps_ours="keep_ours" in form, errors={"confirm": words}), 422
    await erasure.request(contact_id, by=g.user, keeps_ours="keep_ours" in form)
    return redirect(url_for("privacy.erase_form", contact_id=contact_id), 303)


@privacy.post("/contacts/<int:contact_id>/erase/again")
@admin_required
async def try_again(contact_id: int) -> ResponseReturnValue:
    """Try what is not done now."""
    found = await erasure.last_of(contact_id)
    if found is not None and found.finished_at is None:
        await erasure.try_again(found.id)
        await flash("The worker tries it now.", "info")
    return redirect(url_for("privacy.erase_form", contact_id=contact_id), 303)


async def _page(
    contact: Contact, *, typed: str = "", keeps_ours: bool = False, errors: dict[str, str] | None = None
) -> str:
    found = await erasure.last_of(contact.id)
    return await render_template(
        "privacy/erase.html",
        contact=contact,
        erasure=found,
        is_erased=found is not None and contact.email == placeholder(contact.id),
        names=_names(),
        typed=typed,
        keeps_ours=keeps_ours,
        errors=errors or {},
        labels=LABELS,
    )


def _names() -> dict[str, str]:
    """What the parts of the portal are called."""
    return {erasure.PORTAL: "Portal", **{slug: info.name for slug, info in current().infos.items()}}
