"""/api/contacts/{id}/export and /erasure: give out and erase all about a person. For admins."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api.answers import answer
from app.api.contacts import CONTACT
from app.api.errors import Refused
from app.api.models import Answer, FileAnswer, Given
from app.api.requests import takes
from app.contacts import service as contacts
from app.privacy import erasure
from app.privacy.download import download
from app.privacy.export import export_contact
from app.privacy.models import Erasure as FoundErasure
from app.web.access import admin_required

COMPLETE = "X-Export-Complete"

privacy = Blueprint("privacy", __name__, url_prefix="/contacts")


class ExportZip(FileAnswer):
    """The zip: data.json, a CSV for each table, files, README.txt.

    `X-Export-Complete: no` where something is missing.
    """

    media_type: ClassVar[str] = "application/zip"


class NewErasure(Given):
    """Whom to erase. It cannot be undone."""

    confirm: str = Field(
        max_length=320,
        description="The contact's main address, as it stands in `email`, so that nobody else is erased.",
    )
    keep_ours: bool = Field(False, description="Keep our replies, notes and files, and the subjects of tickets.")


class ErasurePart(Answer):
    """What one part of the portal has to erase."""

    name: str = Field(description="`portal`, or the slug of a module.")
    state: str = Field(description="waiting, failed (and tried again) or done.")
    counts: dict[str, int] = Field(description="What went, and how much of it.")
    message: str = Field(description="Why it is not done; empty where nothing keeps it.")
    attempts: int
    next_at: AwareDatetime | None = Field(description="When it is tried again; null once it is done.")
    done_at: AwareDatetime | None


class Erasure(Answer):
    """A request to erase a contact, and how far it has come."""

    id: int
    contact_id: int
    state: str = Field(description="waiting, failed (a part of it did, and is tried again) or done.")
    keep_ours: bool
    requested_at: AwareDatetime
    requested_by: str = Field(description="The admin's name; empty for the command line.")
    finished_at: AwareDatetime | None
    parts: list[ErasurePart]


@privacy.get(f"/{CONTACT}/export")
@admin_required
@document_response(ExportZip)
async def export(*, contact_id: int) -> Response:
    """Give out everything about a contact, as a zip.

    It is made anew for each request, and kept nowhere; the audit log says who asked for it.
    """
    found = await export_contact(contact_id, by=g.user)
    response = download(found)
    response.headers[COMPLETE] = "no" if found.problems else "yes"
    return response


@privacy.post(f"/{CONTACT}/erasure")
@admin_required
@document_response(Erasure, 202)
@takes(NewErasure)
async def erase(*, contact_id: int, body: NewErasure) -> Response:
    """Erase a contact; the worker begins at once.

    While one is not finished, the same request tries again what is left of it. Ask for its state below the same path.
    """
    contact = await contacts.contact(contact_id)
    if body.confirm.strip().lower() != contact.email.lower():
        words = "is not the main address of this contact; give it as it stands in their `email`."
        raise Refused(422, f"Nothing was erased. `confirm` {words}", {"confirm": words})
    asked = await erasure.request(contact_id, by=g.user, keeps_ours=body.keep_ours)
    await erasure.try_again(asked.id)
    return answer(_shown(asked), 202)


@privacy.get(f"/{CONTACT}/erasure")
@admin_required
@document_response(Erasure)
async def read_erasure(*, contact_id: int) -> Response:
    """Read how far the last erasure of a contact has come."""
    await contacts.contact(contact_id)
    found = await erasure.last_of(contact_id)
    if found is None:
        raise Refused(404, "Nobody asked to erase this contact.")
    return answer(_shown(found))


def _shown(found: FoundErasure) -> Erasure:
    state = "done" if found.finished_at is not None else "failed" if found.failed else "waiting"
    return Erasure(
        id=found.id,
        contact_id=found.contact_id,
        state=state,
        keep_ours=found.keeps_ours,
        requested_at=found.requested_at,
        requested_by=found.requested_by,
        finished_at=found.finished_at,
        parts=[
            ErasurePart(
                name=part.name,
                state=part.state,
                counts=dict(part.counts),
                message=part.words,
                attempts=part.attempts,
                next_at=None if part.state == "done" else part.next_at,
                done_at=part.done_at,
            )
            for part in found.parts
        ],
    )
