"""/api/contacts: who writes to us, and whether they may be tracked."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api.answers import answer
from app.api.models import MAX_ID, MAX_LIMIT, Answer, Given
from app.api.requests import asks, takes
from app.consent import service as consent
from app.contacts import service

CONTACT = f"<int(min=1, max={MAX_ID}):contact_id>"

Decision = Literal["unknown", "allowed", "refused"]

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")


class ContactChange(Given):
    """What to change of a contact."""

    tracking: Decision = Field(
        description="What the contact decided about being tracked: refused is final for every mail, allowed goes "
        "before department and module, unknown starts over."
    )
    tracking_source: Literal["api", "import"] = Field("api", description="Where you have it from; kept as its proof.")


class TrackingDecision(Answer):
    """What a contact decided about being tracked, once."""

    decision: Decision
    at: AwareDatetime
    source: str = Field(description="agent, page (the opt-out page), api or import.")
    by: str = Field(description="Who wrote it down; empty where the contact decided by themselves.")


class Contact(Answer):
    """Somebody who writes to us."""

    id: int
    name: str
    email: str = Field(description="The address that we write to first.")
    addresses: list[str]
    tracking: Decision
    tracking_decided_at: AwareDatetime | None
    tracking_source: str = Field(
        description="agent, page (the opt-out page), api or import; empty before any decision."
    )
    tracking_decisions: list[TrackingDecision] = Field(description="Newest first, at most 100.")


class ContactEntry(Answer):
    """A contact in a list."""

    id: int
    name: str
    email: str = Field(description="The address that we write to first.")
    last_activity_at: AwareDatetime | None = Field(description="Of their tickets.")


class Contacts(Answer):
    """A page of contacts, in the alphabet's order."""

    contacts: list[ContactEntry]
    next: int | None = Field(description="`after` of the next page; null on the last.")


class ContactFilter(Given):
    """Which contacts."""

    model_config = Given.model_config | {"strict": False}

    q: str = Field("", max_length=200, description="The beginning of a name, or of an address.")
    after: int = Field(0, ge=0, le=MAX_ID)
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


@contacts.get("")
@document_response(Contacts)
@asks(ContactFilter)
async def list_contacts(*, query: ContactFilter) -> Response:
    """List who writes to us."""
    page = await service.list_contacts(query.q, after=query.after, limit=query.limit)
    found = [
        ContactEntry(id=one.id, name=one.name, email=one.email, last_activity_at=one.last_activity_at)
        for one in page.rows
    ]
    return answer(Contacts(contacts=found, next=page.next or None))


@contacts.get(f"/{CONTACT}")
@document_response(Contact)
async def read_contact(*, contact_id: int) -> Response:
    """Read a contact, with every decision about being tracked and where it came from."""
    return answer(await _contact(contact_id))


@contacts.patch(f"/{CONTACT}")
@document_response(Contact)
@takes(ContactChange)
async def change_contact(*, contact_id: int, body: ContactChange) -> Response:
    """Note what a contact decided about being tracked.

    It counts for the next mail, and a refusal also for what would be recorded of earlier ones. The same decision again
    changes nothing.
    """
    await consent.decide(contact_id, body.tracking, source=body.tracking_source, user_id=g.user.id)
    return answer(await _contact(contact_id))


async def _contact(contact_id: int) -> Contact:
    found = await service.contact(contact_id)
    told = [
        TrackingDecision(decision=one.decision, at=one.at, source=one.source, by=one.by)
        for one in await consent.decisions(contact_id)
        if one.at is not None
    ]
    return Contact(
        id=found.id,
        name=found.name,
        email=found.email,
        addresses=list(found.addresses),
        tracking=found.tracking,
        tracking_decided_at=told[0].at if told else None,
        tracking_source=told[0].source if told else "",
        tracking_decisions=told,
    )
