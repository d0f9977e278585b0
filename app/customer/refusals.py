"""What a customer reads where their page cannot do what they wanted; what they wrote is shown again."""

from __future__ import annotations

import structlog
from quart import Blueprint, render_template, request
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.customer.errors import LinkUnusable, NotShown
from app.database import DatabaseUnavailable
from app.tickets.errors import TicketNotFound
from app.tickets.files import MAX_FILES_TOGETHER, MB
from app.web.errors import HINTS, TITLES, error_response
from app.web.page_scripts import no_scripts

log = structlog.get_logger(__name__)

CODES = {"unknown": 404, "expired": 410, "off": 404}
TOO_LARGE = (
    f"Together the files of an answer may have {MAX_FILES_TOGETHER // MB} MB. Go back: what you wrote is still there. "
    "Send fewer or smaller files, or a link to them."
)


def install(blueprint: Blueprint) -> None:
    """Answer for `blueprint` when a request is refused before or while its view runs."""
    blueprint.errorhandler(LinkUnusable)(_unusable)
    blueprint.errorhandler(NotShown)(_not_shown)
    blueprint.errorhandler(TicketNotFound)(_gone)
    blueprint.errorhandler(RequestEntityTooLarge)(_too_large)
    blueprint.errorhandler(HTTPException)(_refused)
    blueprint.errorhandler(DatabaseUnavailable)(_database_away)


async def _unusable(error: LinkUnusable) -> ResponseReturnValue:
    no_scripts()
    text = await _text()
    return await render_template("customer/unusable.html", reason=error.reason, text=text), CODES[error.reason]


async def _gone(_: TicketNotFound) -> ResponseReturnValue:
    return await _unusable(LinkUnusable("unknown"))


async def _not_shown(_: NotShown) -> ResponseReturnValue:
    no_scripts()
    return await render_template("customer/not_shown.html"), 404


async def _too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
    return await _kept(413, TOO_LARGE, "")


async def _refused(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code == 405:
        return await error_response(code, error.description or "")
    return await _kept(code, error.description or HINTS.get(code, ""), await _text())


async def _database_away(error: DatabaseUnavailable) -> ResponseReturnValue:
    log.error("database unavailable", endpoint=request.endpoint, error=str(error))
    return await _kept(503, HINTS[503], await _text())


async def _kept(code: int, words: str, text: str) -> ResponseReturnValue:
    no_scripts()
    title = TITLES.get(code, "Error")
    return await render_template("customer/kept.html", title=title, message=words, text=text), code


async def _text() -> str:
    """What they wrote in the form that was refused, '' where nothing."""
    if request.method != "POST":
        return ""
    try:
        form = await request.form
    except HTTPException:
        return ""
    return (form.get("body_text") or form.get("kept") or "").strip()
