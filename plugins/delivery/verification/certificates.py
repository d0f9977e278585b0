"""Amazon's certificates, fetched once each and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from app.services import outbound
from plugins.delivery.errors import Refused, Unavailable

TIMEOUT = 4.0
MOST_BYTES = 50_000
KEEP = 24 * 3600.0
"""Seconds."""
KEEP_BAD = 600.0
"""Seconds that an address that serves no certificate is not asked again."""
MOST = 50
"""Addresses that are remembered; Amazon has one for each region at a time."""


class NotThere(Exception):
    """The address serves no such thing."""


async def get(url: str) -> bytes:
    """Get a page of Amazon's. Raises NotThere, Unavailable."""
    try:
        async with outbound.client(timeout=TIMEOUT, max_bytes=MOST_BYTES) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, outbound.Refused, outbound.NotResolved) as error:
        raise Unavailable(f"Amazon could not be reached: {type(error).__name__}") from None
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Unavailable(f"Amazon answered {answer.status_code}")
    if answer.status_code != 200:
        raise NotThere(f"answered {answer.status_code}")
    return answer.content


class Certificates:
    """One per process. fetch: gets an address of Amazon's. Raises NotThere, Unavailable."""

    def __init__(self, fetch: Callable[[str], Awaitable[bytes]] = get) -> None:
        self._fetch = fetch
        self._known: dict[str, tuple[x509.Certificate | None, float]] = {}
        self._turn = asyncio.Lock()

    async def confirm(self, url: str) -> None:
        """Confirm a subscription; the caller looked at the address. Raises Refused, Unavailable."""
        try:
            await self._fetch(url)
        except NotThere as error:
            raise Refused(401, f"Amazon did not confirm the subscription: it {error}.") from None

    async def key(self, url: str) -> rsa.RSAPublicKey:
        """The public key of the certificate there; the caller looked at the address. Raises Refused, Unavailable."""
        found = self._remembered(url)
        if found is None:
            # One at a time: whoever sends many addresses must not make us call Amazon as often.
            async with self._turn:
                found = self._remembered(url) or await self._fetched(url)
        certificate = found[0]
        if certificate is None:
            raise Refused(401, "There is no certificate at SigningCertURL.")
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Refused(401, "The certificate at SigningCertURL is not valid now.")
        public = certificate.public_key()
        if not isinstance(public, rsa.RSAPublicKey):
            raise Refused(401, "The certificate at SigningCertURL is none for RSA.")
        return public

    def _remembered(self, url: str) -> tuple[x509.Certificate | None, float] | None:
        found = self._known.get(url)
        return found if found is not None and time.monotonic() < found[1] else None

    async def _fetched(self, url: str) -> tuple[x509.Certificate | None, float]:
        certificate: x509.Certificate | None = None
        with suppress(NotThere, ValueError):
            certificate = x509.load_pem_x509_certificate(await self._fetch(url))
        if len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)))
        found = certificate, time.monotonic() + (KEEP if certificate is not None else KEEP_BAD)
        self._known[url] = found
        return found
