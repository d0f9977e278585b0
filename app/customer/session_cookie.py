"""The cookie of a ticket's page: one for each link, HttpOnly, SameSite=Lax, and bound to the host over TLS."""

from __future__ import annotations

from quart import Response, request
from werkzeug.wrappers import Response as AnyResponse

from app.customer.rules import SESSION_LIFE
from app.runtime import current


def session_token(recipient_id: int) -> str:
    """The session's token for one link as this request carries it, or ''."""
    return request.cookies.get(_name(recipient_id), "")


def set_session(response: Response | AnyResponse, recipient_id: int, token: str) -> None:
    """Give the browser a session."""
    response.set_cookie(
        _name(recipient_id),
        token,
        max_age=SESSION_LIFE,
        httponly=True,
        secure=current().settings.is_https,
        samesite="Lax",
        path="/",
    )


def drop_session(response: Response | AnyResponse, recipient_id: int) -> None:
    """Take the session from the browser."""
    response.delete_cookie(
        _name(recipient_id), httponly=True, secure=current().settings.is_https, samesite="Lax", path="/"
    )


def _name(recipient_id: int) -> str:
    prefix = "__Host-" if current().settings.is_https else ""
    return f"{prefix}myportal-ticket-{recipient_id}"
