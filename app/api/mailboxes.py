"""/api/mailboxes: where mail comes from. For admins."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field, SecretStr
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import refusal
from app.api.models import Answer, Given
from app.api.requests import takes
from app.inbound import mailboxes as service
from app.inbound import polling
from app.inbound.errors import InboundNotFound, MailboxRefused
from app.inbound.imap import ImapFailed
from app.inbound.mailbox_models import Mailbox as FoundMailbox
from app.inbound.mailbox_rules import Form
from app.runtime import current
from app.web.access import admin_required

MAILBOX = f"<int(min=1, max={models.MAX_ID}):mailbox_id>"

mailboxes = Blueprint("api_mailboxes", __name__, url_prefix="/mailboxes")


class Mailbox(Answer):
    """A mailbox. Its password is never given out."""

    id: int
    address: str
    department: int | None = Field(description="The department that answers its tickets.")
    signature: str
    fetches: bool = Field(description="Whether its mail is fetched by IMAP; else it comes by pipe or LMTP.")
    host: str
    port: int
    security: str
    username: str
    folder: str
    has_password: bool
    last_look_at: AwareDatetime | None
    last_mail_at: AwareDatetime | None
    last_error: str = Field(description="Why the last look failed; empty where it did not.")


class Mailboxes(Answer):
    """All mailboxes."""

    mailboxes: list[Mailbox]


class NewMailbox(Given):
    """A mailbox."""

    address: str
    department: int | None = Field(None, ge=1, le=models.MAX_ID)
    signature: str = ""
    fetches: bool = False
    host: str = ""
    port: int = Field(993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str = ""
    folder: str = "INBOX"
    password: SecretStr = Field(SecretStr(""), description="Left out: the saved one stays, for the same server only.")


class MailboxTest(Answer):
    """What the server said."""

    works: bool
    message: str


class Deleted(Answer):
    """It is gone; mail that came by it is still there."""

    address: str


@mailboxes.errorhandler(InboundNotFound)
async def not_found(error: InboundNotFound) -> Response:
    """A mailbox that is gone."""
    return refusal(404, str(error))


@mailboxes.errorhandler(MailboxRefused)
async def refused(error: MailboxRefused) -> Response:
    """What does not hold, by field."""
    return refusal(422, " ".join(error.fields.values()), error.fields)


@mailboxes.get("")
@admin_required
@document_response(Mailboxes)
async def list_mailboxes() -> Response:
    """List the mailboxes, with the state of each."""
    return answer(Mailboxes(mailboxes=[_shown(one) for one in await service.mailboxes()]))


@mailboxes.post("")
@admin_required
@document_response(Mailbox, 201)
@takes(NewMailbox)
async def create_mailbox(*, body: NewMailbox) -> Response:
    """Add a mailbox."""
    found = await service.add(_form(body), by=g.user)
    return answer(_shown(await service.mailbox(found)), 201)


@mailboxes.put(f"/{MAILBOX}")
@admin_required
@document_response(Mailbox)
@takes(NewMailbox)
async def replace_mailbox(*, mailbox_id: int, body: NewMailbox) -> Response:
    """Set a mailbox anew."""
    await service.change(mailbox_id, _form(body), by=g.user)
    return answer(_shown(await service.mailbox(mailbox_id)))


@mailboxes.delete(f"/{MAILBOX}")
@admin_required
@document_response(Deleted)
async def delete_mailbox(*, mailbox_id: int) -> Response:
    """Delete a mailbox."""
    return answer(Deleted(address=await service.delete(mailbox_id, by=g.user)))


@mailboxes.post(f"/{MAILBOX}/test")
@admin_required
@document_response(MailboxTest)
async def test_mailbox(*, mailbox_id: int) -> Response:
    """Log in at the server as saved, and tell what is there; nothing is changed."""
    found = await service.mailbox(mailbox_id)
    try:
        words = await polling.examine(current(), service.place_of(current(), found))
    except (ImapFailed, ValueError) as error:
        return answer(MailboxTest(works=False, message=f"It does not work: {error}."))
    return answer(MailboxTest(works=True, message=words))


def _form(body: NewMailbox) -> Form:
    return Form(
        address=body.address,
        department=str(body.department or ""),
        signature=body.signature,
        fetches=body.fetches,
        host=body.host,
        port=str(body.port),
        security=body.security,
        username=body.username,
        folder=body.folder,
        password=body.password.get_secret_value(),
    )


def _shown(found: FoundMailbox) -> Mailbox:
    return Mailbox(
        id=found.id,
        address=found.address,
        department=found.department_id,
        signature=found.signature,
        fetches=found.fetches,
        host=found.host,
        port=found.port,
        security=found.security,
        username=found.username,
        folder=found.folder,
        has_password=bool(found.password),
        last_look_at=found.last_look_at,
        last_mail_at=found.last_mail_at,
        last_error=found.last_error,
    )
