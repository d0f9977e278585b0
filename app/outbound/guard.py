"""Connects only to addresses that were looked at: a name is resolved here, once, and what was checked is connected to.

Between a check and a connection that resolves again an attacker's name server could give another answer ("DNS
rebinding"); so the socket is opened to the checked address itself, while TLS and Host keep the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any

import httpcore
import httpx

from app.outbound.rules import METADATA_NAMES, Allowed, is_named, reason_against

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, best first. Raises OSError."""
RESOLVE_DEADLINE = 5.0
MOST_TRIED = 4
"""Addresses of one name that a connection is tried to; they share the time that one has."""


class Refused(httpx.TransportError):
    """The host has an address that the portal does not connect to; nothing was sent."""


class NotResolved(httpx.ConnectError):
    """The host has no address; nothing was sent."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked_addresses(host: str, port: int, allowed: Allowed, resolver: Resolver, *, plain: bool) -> list[str]:
    """The addresses of `host`, all of which may be connected to. Raises Refused, NotResolved and ValueError, in words.

    One bad address among good ones refuses the host: which of them is taken must not be the attacker's choice. plain:
    without TLS, which only hosts that OUTBOUND_ALLOWED names may have: what goes there can be read and changed on the
    way.
    """
    name = host.lower().rstrip(".")
    if name in METADATA_NAMES and not allowed.has_name(name):
        raise Refused(f"{host} is not allowed: it is a metadata service")
    try:
        async with asyncio.timeout(RESOLVE_DEADLINE):
            addresses = await resolver(host, port)
    except TimeoutError:
        raise NotResolved(f"{host} could not be looked up within {RESOLVE_DEADLINE:g} s") from None
    except (OSError, UnicodeError) as error:
        raise NotResolved(f"{host} could not be looked up: {getattr(error, 'strerror', None) or error}") from None
    if not addresses:
        raise NotResolved(f"{host} has no address")
    for address in addresses:
        reason = reason_against(host, address, allowed)
        if reason:
            raise Refused(
                f"{host} is not allowed: {reason}. Where it is a server of yours, name it in OUTBOUND_ALLOWED and "
                "start the portal again"
            )
    if plain and not all(is_named(host, address, allowed) for address in addresses):
        raise ValueError(
            f"must start with https://, got 'http://{host}'; http:// is taken for hosts that OUTBOUND_ALLOWED names"
        )
    return addresses


def tried(addresses: Sequence[str]) -> list[str]:
    """The addresses that a connection is tried to, at most MOST_TRIED: IPv6 and IPv4 in turns, because where one of the
    two leads nowhere, it does so for all its addresses (RFC 8305, 4). Within each the resolver's order stays.
    """
    first = ":" in addresses[0] if addresses else False
    ours = [address for address in addresses if (":" in address) == first]
    others = [address for address in addresses if (":" in address) != first]
    pairs = zip_longest(ours, others)
    return [address for pair in pairs for address in pair if address is not None][:MOST_TRIED]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of one client. plain: those without TLS."""

    def __init__(self, allowed: Allowed, resolver: Resolver, *, plain: bool) -> None:
        self._plain = plain
        self._allowed = allowed
        self._resolver = resolver
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first checked address that answers, within `timeout` seconds for all of them."""
        addresses = tried(await checked_addresses(host, port, self._allowed, self._resolver, plain=self._plain))
        share = None if timeout is None else timeout / len(addresses)
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Refused("unix sockets are not allowed")

    async def sleep(self, seconds: float) -> None:
        """For httpcore's retries."""
        await asyncio.sleep(seconds)
