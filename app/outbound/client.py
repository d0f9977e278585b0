"""The one way from the portal to servers that somebody else names: guarded, bounded, without redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

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
    `TooLarge`, and httpx's own errors: after a ConnectError, ConnectTimeout or PoolTimeout nothing was sent.
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


class _Transport(httpx.AsyncBaseTransport):
    """So many connections, each in a pool of its own: one pool looks at all its connections for every request, which
    with sixteen of them costs more than the request itself.
    """

    def __init__(
        self, backend: GuardedBackend, timeout: float, max_bytes: int, connections: int, context: ssl.SSLContext
    ) -> None:
        self._backend = backend
        self._context = context
        self._turn = asyncio.Semaphore(connections)
        self._free: list[httpx.AsyncHTTPTransport] = []
        """The one that was used last is taken first, so that few are kept alive where few are used."""
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._longest = timeout * SLOWEST
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        rules.split(str(request.url))
        try:
            async with asyncio.timeout(self._longest):
                await self._turn.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout(f"no turn within {self._longest:g} s", request=request) from None
        one = self._free.pop() if self._free else self._one_more()
        begun = _Begun()
        request.extensions = {**request.extensions, "trace": begun.see}
        until = asyncio.get_running_loop().time() + self._longest
        try:
            async with asyncio.timeout_at(until):
                response = await one.handle_async_request(request)
        except TimeoutError:
            self._give_back(one)
            if begun.is_sent:
                raise httpx.ReadTimeout(f"no answer within {self._longest:g} s", request=request) from None
            raise httpx.ConnectTimeout(f"no connection within {self._longest:g} s", request=request) from None
        except BaseException:
            self._give_back(one)
            raise
        stream = _Bounded(
            cast(httpx.AsyncByteStream, response.stream), self._max_bytes, until, request, lambda: self._give_back(one)
        )
        response.stream = stream
        if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            await stream.aclose()
            raise TooLarge("the answer is compressed, which was not asked for", request=request)
        return response

    def _one_more(self) -> httpx.AsyncHTTPTransport:
        made = httpx.AsyncHTTPTransport(verify=self._context, trust_env=False)
        # httpx has no parameter for the backend.
        made._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._context,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEPT_FOR,
            network_backend=self._backend,
        )
        self._all.append(made)
        return made

    def _give_back(self, one: httpx.AsyncHTTPTransport) -> None:
        self._free.append(one)
        self._turn.release()

    async def aclose(self) -> None:
        for one in self._all:
            await one.aclose()


class _Begun:
    """Whether any byte of a request can have left."""

    is_sent = False

    async def see(self, name: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step. Source: https://www.encode.io/httpcore/extensions/#trace"""
        if name.endswith("send_request_headers.started"):
            self.is_sent = True


class _Bounded(httpx.AsyncByteStream):
    """An answer's body that ends, with an error, where it is too large or takes too long. done: called once, at the end
    of it.
    """

    def __init__(
        self,
        inner: httpx.AsyncByteStream,
        most: int,
        until: float,
        request: httpx.Request,
        done: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._most = most
        self._until = until
        self._request = request
        self._done: Callable[[], None] | None = done

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
        done, self._done = self._done, None
        try:
            await self._inner.aclose()
        finally:
            if done is not None:
                done()
