"""What stands before the application in a web process: it counts requests, and at the end says goodbye."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from app.server.lifespan import Asgi


class Front:
    """An ASGI application around another one."""

    def __init__(self, app: Asgi, *, over_unix_socket: bool) -> None:
        self._app = _from_loopback(app) if over_unix_socket else app
        self.requests = 0
        self.is_closing = False
        """From now on each answer is the last one of its connection, and says so: a client that has been told does not
        ask over a connection that is about to be closed."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """ASGI."""
        self.requests += 1
        if self.is_closing:
            return self._app(scope, receive, _saying_goodbye(send))
        return self._app(scope, receive, send)


def _saying_goodbye(send: Any) -> Any:
    async def inner(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return inner


def _from_loopback(app: Asgi) -> Asgi:
    """What comes over a unix socket comes from this machine: TRUSTED_PROXIES can name it as 127.0.0.1."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": ("127.0.0.1", 0)}, receive, send)

    return inner
