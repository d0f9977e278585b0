"""What stands before Quart: plugins' own ASGI applications for addresses that strangers hit at any rate they like.

Quart's request handling costs five to ten times what such an answer itself does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from app.hookspecs import AsgiApp, AsgiRoute

log = structlog.get_logger(__name__)

FAILED = b"The request could not be answered.\n"
FAILED_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(FAILED)).encode()),
    (b"cache-control", b"no-store"),
]


class Front:
    """An ASGI application: requests under a plugin's prefix go to the plugin, everything else to `inner`.

    routes: slug and route, the first that fits wins.
    """

    def __init__(
        self, routes: Sequence[tuple[str, AsgiRoute]], inner: Callable[[Any, Any, Any], Awaitable[None]]
    ) -> None:
        self._inner = inner
        self._routes = [(route.prefixes, slug, route.app) for slug, route in routes]
        self._prefixes = tuple(prefix for prefixes, _, _ in self._routes for prefix in prefixes)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection (ASGI 3)."""
        if scope["type"] == "http" and scope["path"].startswith(self._prefixes):
            for prefixes, slug, app in self._routes:
                if scope["path"].startswith(prefixes):
                    await _guarded(slug, app, scope, receive, send)
                    return
        await self._inner(scope, receive, send)


async def _guarded(slug: str, app: AsgiApp, scope: Any, receive: Any, send: Any) -> None:
    try:
        await app(scope, receive, send)
    except Exception as error:
        # Without its words: they may hold addresses and ids.
        log.error("plugin failed", plugin=slug, hook="asgi_routes", error=type(error).__name__)
        # Where the answer had begun, the server refuses a second start and cuts the connection, which is right.
        await send({"type": "http.response.start", "status": 500, "headers": FAILED_HEADERS})
        await send({"type": "http.response.body", "body": FAILED})
