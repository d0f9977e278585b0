"""Calls to other servers that an admin or a mail names: only where the portal may connect, bounded, no redirects."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import httpx

from app.outbound.client import MAX_CONNECTIONS, TooLarge
from app.outbound.client import check_url as _check_url
from app.outbound.client import client as _client
from app.outbound.guard import NotResolved, Refused
from app.outbound.ourselves import Visit, certificate_fault, stranger, visit
from app.outbound.rules import Allowed
from app.runtime import current

__all__ = [
    "NotResolved",
    "Refused",
    "TooLarge",
    "Visit",
    "certificate_fault",
    "check_url",
    "client",
    "stranger",
    "visit_ourselves",
]


def client(
    *,
    timeout: float,
    max_bytes: int = 1_000_000,
    connections: int = MAX_CONNECTIONS,
    verify: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client for `async with`; connections are kept alive in it, and every new one is checked.

    timeout: seconds for each step. max_bytes: of one answer's body. Raises `Refused` (nothing was sent) for addresses
    that are private and not named by OUTBOUND_ALLOWED, `NotResolved` (nothing was sent), `TooLarge`, httpx's own
    errors, and ValueError for what is no plain http(s) address.
    """
    return _client(_allowed(), timeout=timeout, max_bytes=max_bytes, connections=connections, verify=verify)


async def check_url(url: str) -> None:
    """Raise `Refused`, `NotResolved` or ValueError, in words, where a client would not connect to this address."""
    await _check_url(url, _allowed())


async def visit_ourselves(url: str, paths: Sequence[str], *, timeout: float) -> Visit:
    """Get paths of the portal through its public address, also where that leads to this machine or inside.

    Raises ValueError where the address is neither PORTAL_URL nor TRACKING_URL: nothing else may be called so.
    """
    settings = current().settings
    if url not in {settings.portal_url, settings.tracking_url}:
        raise ValueError(f"must be PORTAL_URL or TRACKING_URL, got {url!r}")
    return await visit(url, paths, timeout=timeout)


def _allowed() -> Allowed:
    return Allowed.parse(current().settings.outbound_allowed)
