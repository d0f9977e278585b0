"""What stands before the application in a web process: it counts requests, and at the end says goodbye."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.server.lifespan import Asgi

Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
Direct = Callable[[Any, Answer], bool]
"""Answers a request without a coroutine, now or later, if it can: it gets the ASGI scope and a function that takes the
messages `http.response.start` and `http.response.body`. Whether it does."""

LOOPBACK = ("127.0.0.1", 0)
"""What comes over a unix socket comes from this machine: TRUSTED_PROXIES can name it so."""


class Front:
    """An ASGI application around another one.

    direct: asked first, where it is given.
    """

    def __init__(self, app: Asgi, *, direct: Direct | None = None, over_unix_socket: bool) -> None:
        self._app = app
        self._direct = direct
        self._over_unix_socket = over_unix_socket
        self.requests = 0
        self.is_closing = False
        """From now on each answer is the last one of its connection, and says so: a client that has been told does not
        ask over a connection that is about to be closed."""

    def direct(self, scope: Any, answer: Answer) -> bool:
        """Let the application answer an HTTP request without a coroutine; whether it does."""
        if self._direct is None:
            return False
        if self._over_unix_socket:
            scope["client"] = LOOPBACK
        if not self._direct(scope, _last(answer) if self.is_closing else answer):
            return False
        self.requests += 1
        return True

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """ASGI."""
        self.requests += 1
        if self._over_unix_socket:
            scope["client"] = LOOPBACK
        return self._app(scope, receive, _saying_goodbye(send) if self.is_closing else send)


def _last(answer: Answer) -> Answer:
    return lambda start, body: answer(_goodbye(start), body)


def _saying_goodbye(send: Any) -> Any:
    async def inner(message: Any) -> None:
        await send(_goodbye(message) if message["type"] == "http.response.start" else message)

    return inner


def _goodbye(start: Mapping[str, Any]) -> dict[str, Any]:
    return {**start, "headers": [*start.get("headers", ()), (b"connection", b"close")]}
