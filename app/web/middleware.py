"""Ties a Quart application to its runtime: opened with the server, current for every request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from quart import Quart

from app.crypto import derive
from app.runtime import Runtime

Scope = MutableMapping[str, Any]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]

MAX_REQUEST = 32_000_000
"""Bytes a request may have: 25 MB of attachments and the form around them."""

MAX_FIELD = 2_000_000
"""Bytes of one field of a form with files; what is longer than a reply may be, but not this, is shown again."""


def configure(app: Quart, runtime: Runtime) -> None:
    """Open `runtime` with `app`, and make it current in each request."""
    settings = runtime.settings
    app.secret_key = derive(settings.key, "flash-cookie")
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        MAX_FORM_MEMORY_SIZE=MAX_FIELD,
        SESSION_COOKIE_NAME="__Host-myportal-flash" if settings.is_https else "myportal-flash",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.extensions["runtime"] = runtime
    inner: Asgi = app.asgi_app

    async def with_runtime(scope: Scope, receive: Any, send: Any) -> None:
        with runtime.entered():
            await inner(scope, receive, send)

    app.asgi_app = with_runtime  # type: ignore[method-assign, assignment]

    @app.before_serving
    async def open_runtime() -> None:
        # A web process that comes back while the database is away still answers pixels and links.
        await runtime.open(without_database=True)


def close_last(app: Quart, runtime: Runtime) -> None:
    """Close `runtime` after everything registered before: what plugins still have to write needs the database."""
    app.after_serving(runtime.close)
