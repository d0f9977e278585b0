"""Files and inline pictures of a text for many, as a module handles them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from app.database import Connection
from app.email.building import OWN_IMAGE
from app.files.contents import read
from app.files.mailing_repository import MailingFile
from app.files.mailings import FilesRefused, attached, copy, forget, of_mailing, put, usable
from app.services.web import User
from app.tickets.attachments import keep as _keep
from app.tickets.composer import uploads
from app.tickets.errors import TicketRefused
from app.tickets.files import MB, Upload, in_mb, raster_type

__all__ = [
    "MB",
    "FilesRefused",
    "MailingFile",
    "Upload",
    "attached",
    "copy",
    "forget",
    "in_mb",
    "keep",
    "of_mailing",
    "put",
    "uploads",
    "usable",
    "with_pictures",
]


async def keep(files: Sequence[Upload], *, user: User) -> list[int]:
    """Store files whose form was refused for another reason; their ids, for `put`. Raises FilesRefused."""
    try:
        return [one.id for one in await _keep(files, ticket_id=None, user=user)]
    except TicketRefused as error:
        raise FilesRefused(error.fields) from None


async def with_pictures(conn: Connection, html: str, mailing: str) -> str:
    """HTML with a mailing's own pictures in it, for a frame that loads nothing."""
    known = {one.id for one in await of_mailing(conn, mailing)}
    contents = await read(conn, [int(found[2]) for found in OWN_IMAGE.finditer(html) if int(found[2]) in known])

    def swap(found: re.Match[str]) -> str:
        content = contents.get(int(found[2]), b"")
        kind = raster_type(content)
        if kind is None:
            return found[0]
        return f"{found[1]}data:{kind};base64,{base64.b64encode(content).decode('ascii')}{found[3]}"

    return OWN_IMAGE.sub(swap, html)
