"""The one way from the portal to servers that somebody else names: guarded, bounded, without redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import cast

import httpcore
import httpx

from app.outbound import rules
from app.outbound.guard import GuardedBackend, Resolver, checked_addresses, resolve
from app.outbound.rules import Allowed

USER_AGENT = "Mozilla/5.0 (compatible; MyPortal/1.0)"
MAX_CONNECTIONS = 32
KEPT_FOR = 30.0
"""Seconds that an idle connection is kept; a new one is checked anew."""
SLOWEST = 3.0
"""Times the timeout that a whole answer may take, however steadily it drips."""
FIRST_BYTES = "http11.send_request_headers.started"
"""What httpcore traces just before the first byte of a request leaves: until then the server cannot know of it."""


class TooLarge(httpx.TransportError):
    """The answer is larger than was asked for."""


def client(
    allowed: Allowed,
    *,
    timeout: float,
    max_bytes: int = 1_000_000,
    connections: int = MAX_CONNECTIONS,
    resolver: Resolver = resolve,
    verify: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client that connects only where it may, keeps connections, follows no redirect and heeds no proxy variable.

    timeout: seconds for each step (connect, send, each piece of the answer). max_bytes: of one answer's body. verify:
    other authorities than the usual ones, to which SSL_CERT_FILE adds. Raises `Refused` where it must not connect,
    `TooLarge`, and httpx's own errors: after a ConnectTimeout or a ConnectError nothing was sent.
    """
    context = verify or httpx.create_ssl_context()
    encrypted, plain = (
        _Transport(GuardedBackend(allowed, resolver, plain=plain), timeout, max_bytes, connections, context)
        for plain in (False, True)
    )
    return httpx.AsyncClient(
        transport=encrypted,
        mounts={"http://": plain},
        timeout=httpx.Timeout(timeout, pool=None),
        follow_redirects=False,
        trust_env=False,
        # An answer that is small on the way and huge once unpacked would pass the cap.
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    )


async def check_url(url: str, allowed: Allowed, *, resolver: Resolver = resolve) -> None:
    """Raise `Refused`, `NotResolved` or ValueError, in words, where the portal would not connect to this address."""
    parts, host = rules.split(url)
    plain = parts.scheme == "http"
    await checked_addresses(host, parts.port or (80 if plain else 443), allowed, resolver, plain=plain)


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(
        self, backend: GuardedBackend, timeout: float, max_bytes: int, connections: int, context: ssl.SSLContext
    ) -> None:
        super().__init__(verify=context, trust_env=False)
        # httpx has no parameter for it.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEPT_FOR,
            network_backend=backend,
        )
        self._longest = timeout * SLOWEST
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        rules.split(str(request.url))
        until = asyncio.get_running_loop().time() + self._longest
        sent = False

        async def trace(event: str, info: object) -> None:
            nonlocal sent
            sent = sent or event == FIRST_BYTES

        request.extensions = {**request.extensions, "trace": trace}
        try:
            async with asyncio.timeout_at(until):
                response = await super().handle_async_request(request)
        except TimeoutError:
            if not sent:
                raise httpx.ConnectTimeout(f"no connection within {self._longest:g} s", request=request) from None
            raise httpx.ReadTimeout(f"no answer within {self._longest:g} s", request=request) from None
        stream = cast(httpx.AsyncByteStream, response.stream)
        if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            await stream.aclose()
            raise TooLarge("the answer is compressed, which was not asked for", request=request)
        response.stream = _Bounded(stream, self._max_bytes, until, request)
        return response


class _Bounded(httpx.AsyncByteStream):
    """An answer's body that ends, with an error, where it is too large or takes too long."""

    def __init__(self, inner: httpx.AsyncByteStream, most: int, until: float, request: httpx.Request) -> None:
        self._inner = inner
        self._most = most
        self._until = until
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        pieces = self._inner.__aiter__()
        while True:
            try:
                async with asyncio.timeout_at(self._until):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise httpx.ReadTimeout("the answer did not end in time", request=self._request) from None
            if piece is None:
                return
            size += len(piece)
            if size > self._most:
                raise TooLarge(f"the answer is larger than {self._most:,} bytes", request=self._request)
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
