"""Attachments and pasted images: files are only ever downloaded; nothing but raster images is shown in a page."""

from __future__ import annotations

from quart import Blueprint, Response, g, jsonify, url_for
from quart.typing import ResponseReturnValue

from app.tickets import attachments, composer, files, lost_text
from app.tickets.errors import TicketNotFound, TicketRefused

ticket_files = Blueprint("ticket_files", __name__)
lost_text.install(ticket_files)

LOCKED = "default-src 'none'; sandbox"
"""Whatever a file turns out to be, a browser that opens it after all runs and loads nothing."""


@ticket_files.post("/tickets/new/images", defaults={"ticket_id": None})
@ticket_files.post("/tickets/<int:ticket_id>/images")
async def add_image(ticket_id: int | None) -> ResponseReturnValue:
    """Store an image that was pasted or dropped into the editor; its uploader's alone until the message is sent."""
    found = await composer.uploads("image")
    if len(found) != 1:
        return jsonify({"error": f"Send one image in the field `image`; {len(found)} came."}), 422
    try:
        image_id = await attachments.store_image(ticket_id, found[0], user=g.user)
    except TicketRefused as error:
        return jsonify({"error": str(error)}), 422
    return jsonify({"id": image_id, "url": url_for("ticket_files.inline", attachment_id=image_id)}), 201


@ticket_files.get("/attachments/<int:attachment_id>")
async def download(attachment_id: int) -> ResponseReturnValue:
    """A file to save. Its own type is not told: a browser must have no reason to open it on our address."""
    info, content = await attachments.read(attachment_id, user=g.user)
    return locked(content, "application/octet-stream", {"Content-Disposition": files.disposition(info.filename)})


@ticket_files.get("/attachments/<int:attachment_id>/inline")
async def inline(attachment_id: int) -> ResponseReturnValue:
    """A PNG, JPEG, GIF or WebP image, by its bytes; anything else is not found."""
    _, content = await attachments.read(attachment_id, user=g.user)
    content_type = files.raster_type(content)
    if content_type is None:
        raise TicketNotFound(f"File {attachment_id} is no image that can be shown; download it instead.")
    headers = {"Content-Disposition": "inline", "Cache-Control": "private, max-age=3600"}
    return locked(content, content_type, headers)


def locked(content: bytes, content_type: str, headers: dict[str, str], status: int = 200) -> Response:
    """A file as it goes to a browser, whatever it turns out to be."""
    response = Response(content, status, content_type=content_type, headers=headers)
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
