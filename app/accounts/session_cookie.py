"""The session cookie: HttpOnly, SameSite=Lax, Secure and bound to the host where people come over TLS."""

from __future__ import annotations

from quart import request
from werkzeug.wrappers import Response

from app.accounts.service import SESSION_LIFE
from app.runtime import current
from app.web.access import session_cookie


def session_token() -> str:
    """The session's token as this request carries it, or ''."""
    return request.cookies.get(session_cookie(current().settings), "")


def set_session(response: Response, token: str) -> None:
    """Give the browser a session."""
    settings = current().settings
    response.set_cookie(
        session_cookie(settings),
        token,
        max_age=SESSION_LIFE,
        httponly=True,
        secure=settings.is_https,
        samesite="Lax",
        path="/",
    )


def drop_session(response: Response) -> None:
    """Take the session from the browser."""
    settings = current().settings
    response.delete_cookie(session_cookie(settings), httponly=True, secure=settings.is_https, samesite="Lax", path="/")
