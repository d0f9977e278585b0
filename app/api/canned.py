"""/api/canned-replies: saved replies, one's own and shared ones."""

from __future__ import annotations

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import refusal
from app.api.models import Answer, Given
from app.api.requests import asks, takes
from app.canned import service
from app.canned.errors import CannedNotFound, CannedRefused
from app.canned.models import Canned

CANNED = f"<int(min=1, max={models.MAX_ID}):canned_id>"

canned = Blueprint("canned_replies", __name__, url_prefix="/canned-replies")


class CannedReply(Answer):
    """A saved reply that you may use."""

    id: int
    title: str
    html_body: str = Field(description="With its variables as they were written, such as {{contact.first_name}}.")
    shared: bool = Field(description="All agents may use it.")
    owner: str | None = Field(description="Whose it is; null where they are gone.")
    used: int
    updated_at: AwareDatetime


class CannedReplies(Answer):
    """All that you may use, in the alphabet's order."""

    canned_replies: list[CannedReply]


class NewCannedReply(Given):
    """A saved reply."""

    title: str
    html_body: str
    shared: bool = False


class CannedText(Answer):
    """A saved reply with its variables filled in."""

    html_body: str


class CannedFor(Given):
    """For which ticket."""

    model_config = Given.model_config | {"strict": False}

    ticket_id: int = Field(ge=1, le=models.MAX_ID)


class Deleted(Answer):
    """It is gone."""

    title: str


@canned.errorhandler(CannedNotFound)
async def not_found(error: CannedNotFound) -> Response:
    """One that is gone, or somebody else's."""
    return refusal(404, str(error))


@canned.errorhandler(CannedRefused)
async def refused(error: CannedRefused) -> Response:
    """What does not hold, by field."""
    names = {"body": "html_body", "body_html": "html_body"}
    return refusal(422, str(error), {names.get(name, name): words for name, words in error.fields.items()})


@canned.get("")
@document_response(CannedReplies)
async def list_canned_replies() -> Response:
    """List the saved replies that you may use."""
    found = await service.canned_replies(g.user)
    return answer(CannedReplies(canned_replies=[_shown(one) for one in found]))


@canned.post("")
@document_response(CannedReply, 201)
@takes(NewCannedReply)
async def create_canned_reply(*, body: NewCannedReply) -> Response:
    """Save a reply."""
    found = await service.add(by=g.user, title=body.title, body_html=body.html_body, is_shared=body.shared)
    return answer(_shown(await service.canned_reply(found, user=g.user)), 201)


@canned.put(f"/{CANNED}")
@document_response(CannedReply)
@takes(NewCannedReply)
async def replace_canned_reply(*, canned_id: int, body: NewCannedReply) -> Response:
    """Replace a saved reply of yours; admins may replace any shared one."""
    await service.change(canned_id, by=g.user, title=body.title, body_html=body.html_body, is_shared=body.shared)
    return answer(_shown(await service.canned_reply(canned_id, user=g.user)))


@canned.delete(f"/{CANNED}")
@document_response(Deleted)
async def delete_canned_reply(*, canned_id: int) -> Response:
    """Delete a saved reply for good."""
    return answer(Deleted(title=await service.delete(canned_id, by=g.user)))


@canned.get(f"/{CANNED}/text")
@document_response(CannedText)
@asks(CannedFor)
async def fill_canned_reply(*, canned_id: int, query: CannedFor) -> Response:
    """Fill in a saved reply for a ticket; it counts as used."""
    return answer(CannedText(html_body=await service.filled(canned_id, query.ticket_id, user=g.user)))


def _shown(found: Canned) -> CannedReply:
    return CannedReply(
        id=found.id,
        title=found.title,
        html_body=found.body_html,
        shared=found.is_shared,
        owner=found.user_name,
        used=found.used,
        updated_at=found.updated_at,
    )
