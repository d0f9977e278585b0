"""/api/contacts: who writes to us, and whether they may be tracked."""

from __future__ import annotations

from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models, views
from app.api.answers import answer
from app.api.requests import takes
from app.consent import service as consent
from app.contacts import service

CONTACT = f"<int(min=1, max={models.MAX_ID}):contact_id>"

contacts = Blueprint("contacts", __name__, url_prefix="/contacts")


@contacts.get(f"/{CONTACT}")
@document_response(models.Contact)
async def read_contact(*, contact_id: int) -> Response:
    """Read a contact, with every decision about being tracked and where it came from."""
    return answer(await _contact(contact_id))


@contacts.patch(f"/{CONTACT}")
@document_response(models.Contact)
@takes(models.ContactChange)
async def change_contact(*, contact_id: int, body: models.ContactChange) -> Response:
    """Note what a contact decided about being tracked.

    It counts for the next mail, and a refusal also for what would be recorded of earlier ones. The same decision again
    changes nothing.
    """
    await consent.decide(contact_id, body.tracking, source=body.tracking_source, user_id=g.user.id)
    return answer(await _contact(contact_id))


async def _contact(contact_id: int) -> models.Contact:
    return views.contact(await service.contact(contact_id), await consent.decisions(contact_id))
