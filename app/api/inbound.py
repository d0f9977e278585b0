"""/api/inbound: mails that came in: what is in quarantine, what waits, what was set aside. For admins."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import refusal
from app.api.models import Answer, FileAnswer, Given
from app.api.requests import asks
from app.inbound import service
from app.inbound.errors import InboundError, InboundNotFound
from app.inbound.models import InboundLine
from app.tickets import files
from app.web.access import admin_required

MAIL = f"<int(min=1, max={models.MAX_COPY_ID}):mail_id>"

inbound = Blueprint("api_inbound", __name__, url_prefix="/inbound")


class InboundMail(Answer):
    """A mail that came in."""

    id: int
    received_at: AwareDatetime
    state: Literal["new", "processed", "quarantined"]
    kind: str = Field(description="reply, auto_reply, bounce, list, loop …; empty while it is not read.")
    reason: str = Field(description="Why it is in quarantine, or became no message.")
    sender: str
    subject: str
    size: int = Field(description="Bytes.")
    source: Literal["pipe", "lmtp", "imap"]
    mailbox: str
    ticket_id: int | None
    message_id: int | None = Field(description="The message that it became.")
    warnings: list[str] = Field(description="What speaks against its sender.")


class InboundMails(Answer):
    """A stretch of mails, newest first."""

    mails: list[InboundMail]
    next: int | None = Field(description="`before` of the next page; null on the last.")


class InboundFilter(Given):
    """Which mails."""

    model_config = Given.model_config | {"strict": False}

    view: Literal["quarantined", "new", "aside", "all"] = "quarantined"
    before: int | None = Field(None, ge=1, le=models.MAX_COPY_ID, description="Only mails before the one with this id.")


class OriginalMail(FileAnswer):
    """The mail as it came."""

    media_type: ClassVar[str] = "application/octet-stream"


@inbound.errorhandler(InboundNotFound)
async def not_found(error: InboundNotFound) -> Response:
    """A mail that is gone, or never was."""
    return refusal(404, str(error))


@inbound.errorhandler(InboundError)
async def refused(error: InboundError) -> Response:
    """What cannot be done to a mail in its state."""
    return refusal(422, str(error))


@inbound.get("")
@admin_required
@document_response(InboundMails)
@asks(InboundFilter)
async def list_inbound(*, query: InboundFilter) -> Response:
    """List mails that came in."""
    page = await service.page("" if query.view == "all" else query.view, before=query.before or 0)
    return answer(InboundMails(mails=[_shown(one) for one in page.mails], next=page.older or None))


@inbound.get(f"/{MAIL}")
@admin_required
@document_response(InboundMail)
async def read_inbound(*, mail_id: int) -> Response:
    """Read what became of a mail."""
    return answer(_shown(await service.mail(mail_id)))


@inbound.get(f"/{MAIL}/original")
@admin_required
@document_response(OriginalMail)
async def download_inbound(*, mail_id: int) -> Response:
    """Download a mail as it came."""
    await service.mail(mail_id)
    headers = {"Content-Disposition": files.disposition(f"mail-{mail_id}.eml")}
    return Response(await service.original(mail_id), content_type="application/octet-stream", headers=headers)


@inbound.post(f"/{MAIL}/retry")
@admin_required
@document_response(InboundMail)
async def retry_inbound(*, mail_id: int) -> Response:
    """Let the worker read a mail again that is in quarantine or was set aside."""
    await service.let_go_on(mail_id, by=g.user)
    return answer(_shown(await service.mail(mail_id)))


def _shown(found: InboundLine) -> InboundMail:
    return InboundMail(
        id=found.id,
        received_at=found.received_at,
        state=found.state,
        kind=found.kind,
        reason=found.reason,
        sender=found.sender,
        subject=found.subject,
        size=found.size,
        source=found.source,
        mailbox=found.mailbox,
        ticket_id=found.ticket_id,
        message_id=found.reply_id,
        warnings=list(found.warnings),
    )
