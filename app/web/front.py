"""What stands before Quart: plugins' own handlers for addresses that strangers hit at any rate they like.

Quart's request handling costs five to ten times what such an answer itself does, and a coroutine and a task for each
request as much as the answer again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog

from app.hookspecs import Answer, DirectRoute, Scope

log = structlog.get_logger(__name__)

FAILED = b"The request could not be answered.\n"
FAILED_START = {
    "type": "http.response.start",
    "status": 500,
    "headers": [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(FAILED)).encode()),
        (b"cache-control", b"no-store"),
    ],
}
FAILED_BODY = {"type": "http.response.body", "body": FAILED}


class Front:
    """An ASGI application: requests under a plugin's prefix go to the plugin, everything else to `inner`.

    routes: slug and route, the first that fits wins. A server that can answer without a coroutine asks `direct` first.
    """

    def __init__(
        self, routes: Sequence[tuple[str, DirectRoute]], inner: Callable[[Any, Any, Any], Awaitable[None]]
    ) -> None:
        self._inner = inner
        self._routes = [(route.prefixes, slug, route.handler) for slug, route in routes]
        self._prefixes = tuple(prefix for prefixes, _, _ in self._routes for prefix in prefixes)
        self._waiting: set[asyncio.Future[None]] = set()

    def direct(self, scope: Scope, answer: Answer) -> bool:
        """Let a plugin answer an HTTP request, now or later; whether one does.

        answer: called from the event loop; where it is called more than once, the first one counts.
        """
        path = scope["path"]
        if not path.startswith(self._prefixes):
            return False
        for prefixes, slug, handler in self._routes:
            if path.startswith(prefixes):
                try:
                    work = handler(scope, answer)
                except Exception as error:
                    _fail(slug, error, answer)
                else:
                    if work is not None:
                        waiting = asyncio.ensure_future(_guarded(slug, work, answer))
                        self._waiting.add(waiting)
                        waiting.add_done_callback(self._waiting.discard)
                break
        return True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection (ASGI 3)."""
        # Asked here too, so that a page's request costs nothing more.
        if scope["type"] == "http" and scope["path"].startswith(self._prefixes):
            answered: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

            def answer(start: Any, body: Any) -> None:
                if not answered.done():
                    answered.set_result((start, body))

            self.direct(scope, answer)
            start, body = await answered
            await send(start)
            await send(body)
            return
        await self._inner(scope, receive, send)


async def _guarded(slug: str, work: Awaitable[None], answer: Answer) -> None:
    try:
        await work
    except Exception as error:
        _fail(slug, error, answer)


def _fail(slug: str, error: Exception, answer: Answer) -> None:
    # Without its words: they may hold addresses and ids.
    log.error("plugin failed", plugin=slug, hook="direct_routes", error=type(error).__name__)
    answer(FAILED_START, FAILED_BODY)
