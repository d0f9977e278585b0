"""What was written is never lost: a form that could not be taken comes back as text to copy."""

from __future__ import annotations

import structlog
from quart import Blueprint, Response, g, jsonify, render_template, request
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.database import DatabaseUnavailable
from app.email.markup_limits import MAX_HTML
from app.tickets import composer
from app.tickets.errors import TicketNotFound
from app.web.errors import HINTS, TITLES, error_response
from app.web.middleware import MAX_REQUEST

log = structlog.get_logger(__name__)

JSON_PATHS = ("/images", "/draft")


def install(blueprint: Blueprint) -> None:
    """Answer for `blueprint` when a request is refused before or while its view runs.

    Sessions end and databases go away between two clicks: then the page that says so holds what was written.
    """
    blueprint.errorhandler(TicketNotFound)(_not_found)
    blueprint.errorhandler(RequestEntityTooLarge)(_too_large)
    blueprint.errorhandler(HTTPException)(_refused)
    blueprint.errorhandler(DatabaseUnavailable)(_database_away)


async def _not_found(error: TicketNotFound) -> ResponseReturnValue:
    return await _answer(404, str(error))


async def _too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    sent = f"The form has {request.content_length:,} bytes" if request.content_length else "The form is too large"
    words = (
        f"{sent}; a message may have {MAX_HTML:,} characters with its formatting, and {MAX_REQUEST:,} bytes with its "
        "files. Nothing was sent. Go back: what you wrote is still there. Shorten it, or attach the long part as a "
        "file."
    )
    return await _answer(413, words)


async def _refused(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    words = error.description or HINTS.get(code, "")
    if code in {401, 403}:
        return await _answer(code, words, keep=True)
    return await _answer(code, words)


async def _database_away(error: DatabaseUnavailable) -> ResponseReturnValue:
    log.error("database unavailable", path=request.path, error=str(error))
    return await _answer(503, HINTS[503], keep=True)


async def _answer(code: int, words: str, *, keep: bool = False) -> ResponseReturnValue:
    if request.path.endswith(JSON_PATHS):
        response: Response = jsonify({"error": words})
        response.status_code = code
        return response
    text = await _text() if keep and request.method == "POST" else ""
    if not text:
        return await error_response(code, words)
    page = await render_template(
        "tickets/kept.html",
        title=TITLES.get(code, "Error"),
        message=words,
        text=text,
        is_known=g.get("user") is not None,
    )
    return page, code


async def _text() -> str:
    try:
        return (await (await composer.from_request()).text()).strip()
    except HTTPException:
        return ""
