"""/api/attachments: files to send with a reply, and files of messages."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from quart import Blueprint, Response, g, request
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import Refused
from app.api.models import Answer, FileAnswer, Given
from app.api.requests import asks
from app.tickets import attachments as service
from app.tickets import files
from app.tickets.files import Upload

ATTACHMENT = f"<int(min=1, max={models.MAX_ID}):attachment_id>"

attachments = Blueprint("api_attachments", __name__, url_prefix="/attachments")


class UploadNamed(Given):
    """The file's name."""

    model_config = Given.model_config | {"strict": False}

    filename: str = Field(min_length=1, max_length=255)


class Uploaded(Answer):
    """A file that is stored, and yours alone until a reply or note carries it."""

    id: int = Field(description="For `attachments` of a reply.")
    filename: str
    content_type: str
    size: int = Field(description="Bytes.")


class AttachmentFile(FileAnswer):
    """The file, to be saved; its own type is not told."""

    media_type: ClassVar[str] = "application/octet-stream"


@attachments.post("")
@document_response(Uploaded, 201)
@asks(UploadNamed)
async def upload_attachment(*, query: UploadNamed) -> Response:
    """Store a file: the body is its content, Content-Type its type. At most 10 MB."""
    content = await request.get_data(cache=False)
    if not isinstance(content, bytes) or not content:
        words = "is empty; send the file's content as the body."
        raise Refused(422, f"The body {words}", {"body": words})
    stored = await service.keep([Upload(query.filename, request.mimetype, content)], ticket_id=None, user=g.user)
    one = stored[0]
    found = Uploaded(id=one.id, filename=one.filename, content_type=one.content_type, size=one.size)
    return answer(found, 201, {"Location": f"/api/attachments/{one.id}"})


@attachments.get(f"/{ATTACHMENT}")
@document_response(AttachmentFile)
async def download_attachment(*, attachment_id: int) -> Response:
    """Download a file of a message, or one of yours that is not sent yet."""
    info, content = await service.read(attachment_id, user=g.user)
    headers = {
        "Content-Disposition": files.disposition(info.filename),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, content_type="application/octet-stream", headers=headers)
