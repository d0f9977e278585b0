"""Error pages in words, and as JSON below /api."""

from __future__ import annotations

import structlog
from quart import Quart, Response, jsonify, make_response, render_template, request
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.database import DatabaseUnavailable
from app.web.page_scripts import no_scripts

log = structlog.get_logger(__name__)

TITLES = {
    400: "That request could not be understood",
    401: "You are logged out",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That cannot be done here",
    413: "That is too large",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "The portal is catching its breath",
}
HINTS = {
    404: "The address may be mistyped, or what was here is gone.",
    500: "It was written down for the operator. Going back and trying again often works.",
    503: "The database does not answer. Nothing that was saved is lost; try again in a moment.",
}


def wants_json() -> bool:
    """Whether the caller is a program."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


async def error_response(code: int, message: str) -> ResponseReturnValue:
    """The page, or the JSON object {"error": {"code", "message"}}."""
    if wants_json():
        response: Response = jsonify({"error": {"code": code, "message": message}})
        response.status_code = code
        return response
    no_scripts()
    page = await render_template("errors/error.html", code=code, title=TITLES.get(code, "Error"), message=message)
    return page, code


def install(app: Quart) -> None:
    """Handle what views raise."""

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        generic = type(error).description
        message = error.description if error.description and error.description != generic else HINTS.get(code, "")
        if not isinstance(error, MethodNotAllowed):
            return await error_response(code, message or "")
        # RFC 9110, 15.5.6: a 405 names the methods that the address knows.
        methods = ", ".join(sorted(error.valid_methods or ()))
        if wants_json():
            message = f"This address takes {methods}, not {request.method}."
        response = await make_response(await error_response(code, message or ""))
        response.headers["Allow"] = methods
        return response

    @app.errorhandler(DatabaseUnavailable)
    async def database_error(error: DatabaseUnavailable) -> ResponseReturnValue:
        log.error("database unavailable", endpoint=request.endpoint, error=str(error))
        return await error_response(503, HINTS[503])

    @app.errorhandler(Exception)
    async def unexpected(error: Exception) -> ResponseReturnValue:
        log.exception("unexpected error", endpoint=request.endpoint)
        return await error_response(500, HINTS[500])
