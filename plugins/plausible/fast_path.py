"""Pixel and click, answered before Quart: what mail clients call, at any rate they like.

They answer in any case: with the module off, the database down, the event long gone. Every header of their answers is
decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Protocol
from urllib.parse import parse_qsl

from app.database import utcnow
from app.hookspecs import AsgiRoute
from app.services.web import client_address
from app.settings import Network
from plugins.plausible.addresses import Addresses
from plugins.plausible.classify import chosen_headers
from plugins.plausible.classify.headers import KEPT
from plugins.plausible.events import (
    CLICK,
    LONGEST_REFERRER,
    LONGEST_USER_AGENT,
    OPEN,
    Address,
    Kind,
    TrackingEvent,
    clean_header,
    read_address,
)
from plugins.plausible.evidence import Evidence, pack
from plugins.plausible.links import CLICKS, OTHER_CLICKS, OTHER_PIXELS, PIXELS, is_allowed, location
from plugins.plausible.networks import Networks
from plugins.plausible.recording.intake import Intake
from plugins.plausible.tokens import Signer

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent pixel, 43 bytes."""
Headers = list[tuple[bytes, bytes]]
COMMON: Headers = [
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
]
# A cached pixel hides every later open, so nothing may keep it, and nothing can be asked again (no ETag).
PIXEL_HEADERS: Headers = [
    (b"content-type", b"image/gif"),
    (b"content-length", str(len(GIF)).encode()),
    (b"cache-control", b"no-store, no-cache, max-age=0, private"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    *COMMON,
]
CLICK_HEADERS: Headers = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"0"),
    (b"cache-control", b"no-store"),
    *COMMON,
]
REFUSED_HEADERS: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; img-src 'self'"),
    *COMMON,
]
METHODS = b"GET, HEAD, OPTIONS"
RECORDED = frozenset({"GET", "HEAD", "OPTIONS"})
"""Nobody reads a mail by HEAD or OPTIONS: who asks so is a machine, and so is the rest of what it does."""
KEPT_HEADERS = frozenset(name.encode() for name in KEPT)
PIXEL_START = {"type": "http.response.start", "status": 200, "headers": PIXEL_HEADERS}
PIXEL_BODY = {"type": "http.response.body", "body": GIF}
NO_BODY = {"type": "http.response.body", "body": b""}
LONGEST_CACHED = 400
"""Bytes of a header that is remembered with what it means: strangers choose how long they are."""
LONGEST_QUERY = 16_384
"""Bytes; a destination has at most 2,048 characters, each three to twelve bytes when it is escaped."""


NOWHERE: frozenset[str] = frozenset()
AGENTS = frozenset({"agent"})


class Signs(Protocol):
    """How agents are known, as `app.services.web` offers it."""

    def is_agent_address(self, address: str) -> bool:
        """Whether an agent used it lately."""

    async def is_agent_session(self, cookie_header: bytes) -> bool:
        """Whether the Cookie header carries an agent's session."""


class FastPath:
    """The two ASGI applications.

    refused_page: gives the page for links that are not ours. trusted: proxies whose X-Forwarded-For is believed.
    networks: the list in force. signs: by which agents are told from readers. addresses: how much of one is kept.
    """

    def __init__(
        self,
        intake: Intake,
        signer: Signer,
        *,
        refused_page: Callable[[], Awaitable[bytes]],
        trusted: Sequence[Network],
        networks: Callable[[], Networks],
        signs: Signs,
        addresses: Addresses,
    ) -> None:
        self._intake = intake
        self._networks = networks
        self._signs = signs
        self._addresses = addresses
        self._signer = signer
        self._refused_page = refused_page
        # By the texts alone: the proxies are always the same, and a network's hash costs more than the rest.
        self._read_address = partial(_read_address, trusted=tuple(trusted))
        self.remembered_addresses = lru_cache(maxsize=8192)(self._read_address)

    def routes(self) -> list[AsgiRoute]:
        """Under which addresses they answer; those of the second pair stand in mails of other systems' making."""
        return [AsgiRoute((PIXELS, OTHER_PIXELS), self.pixel), AsgiRoute((CLICKS, OTHER_CLICKS), self.click)]

    async def pixel(self, scope: Any, receive: Any, send: Any) -> None:
        """The same picture for every address; an open where the address is that of a tracked copy."""
        method = scope["method"]
        if method in RECORDED:
            await self._take(scope, OPEN, pixel_id(scope["path"]))
        if method not in {"GET", "HEAD"}:
            await _other_method(method, send)
            return
        await send(PIXEL_START)
        await send(PIXEL_BODY if method == "GET" else NO_BODY)

    async def click(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the reader on where the signature holds; a page that leads nowhere otherwise."""
        method = scope["method"]
        if method not in RECORDED:
            await _other_method(method, send)
            return
        tracking_id, url, signature = click_parts(scope["path"], scope["query_string"])
        is_ours = self._signer.verify(tracking_id, url, signature) and is_allowed(url)
        if is_ours:
            await self._take(scope, CLICK, tracking_id, url)
        if method == "OPTIONS":
            await _other_method(method, send)
            return
        if not is_ours:
            page = await self._refused_page()
            headers = [*REFUSED_HEADERS, (b"content-length", str(len(page)).encode())]
            await send({"type": "http.response.start", "status": 400, "headers": headers})
            await send({"type": "http.response.body", "body": page if method == "GET" else b""})
            return
        headers = [*CLICK_HEADERS, (b"location", location(url).encode("ascii"))]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send(NO_BODY)

    async def _take(self, scope: Any, kind: Kind, tracking_id: str, url: str | None = None) -> None:
        agent = referrer = None
        forwarded: list[str] = []
        kept: list[tuple[bytes, bytes]] = []
        size = 0
        cookies = b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
            elif name == b"referer":
                referrer = value
            elif name == b"x-forwarded-for":
                forwarded.append(value.decode("latin-1"))
            elif name in KEPT_HEADERS:
                kept.append((name, value))
                size += len(value)
            elif name == b"cookie":
                cookies = value
        peer = scope.get("client")
        read = self._read_address if sum(map(len, forwarded)) > LONGEST_CACHED else self.remembered_addresses
        address = read(peer[0] if peer else "", tuple(forwarded))
        # Only for ids of ours: strangers must not make us look up sessions.
        is_session = bool(cookies) and self._intake.is_ours(tracking_id) and await self._signs.is_agent_session(cookies)

        def event() -> TrackingEvent:
            return TrackingEvent(
                kind,
                tracking_id,
                utcnow(),
                url,
                _text(agent, LONGEST_USER_AGENT),
                self._addresses.kept(address, tracking_id),
                _text(referrer, LONGEST_REFERRER),
                evidence=(_packed if size > LONGEST_CACHED else _remembered_evidence)(
                    scope["method"], tuple(kept), self._networks_of(address), is_session
                ),
            )

        await self._intake.take(kind, tracking_id, address, event)

    def _networks_of(self, address: Address) -> frozenset[str]:
        """What is known of the whole address, before it is cut."""
        if address.cut is None:
            return NOWHERE
        found = self._networks().classes_of(address.full)
        return found | AGENTS if self._signs.is_agent_address(address.full) else found


def pixel_id(path: str) -> str:
    """The tracking id in a pixel's path: '/track/pixel/{id}/' or '/api/email-tracking/pixel/{id}.gif'."""
    if path.startswith(OTHER_PIXELS):
        return path[len(OTHER_PIXELS) :].strip("/")
    return path[len(PIXELS) :].removeprefix("/").removesuffix(".gif")


def click_parts(path: str, query: bytes) -> tuple[str, str, str]:
    """Tracking id, destination and signature of a click; '' for each that does not stand there exactly once.

    Of two, a proxy and we might each read another one.
    """
    found: dict[str, list[str]] = {"tid": [], "url": [], "sig": []}
    if len(query) <= LONGEST_QUERY:
        try:
            for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100):
                if name in found:
                    found[name].append(value)
        except ValueError:
            return "", "", ""
    if path.startswith(OTHER_CLICKS):
        found["tid"] = [path[len(OTHER_CLICKS) :].strip("/")]
    elif path.removesuffix("/") != CLICKS:
        return "", "", ""
    tracking_id, url, signature = (values[0] if len(values) == 1 else "" for values in found.values())
    return tracking_id, url, signature


async def _other_method(method: str, send: Any) -> None:
    status = 200 if method == "OPTIONS" else 405
    headers = [(b"allow", METHODS), (b"content-length", b"0"), (b"cache-control", b"no-store"), *COMMON]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(NO_BODY)


def _read_address(peer: str, forwarded: tuple[str, ...], *, trusted: tuple[Network, ...]) -> Address:
    return read_address(client_address(peer, forwarded, trusted))


def _text(value: bytes | None, longest: int) -> str | None:
    """A header's text: bytes that are no UTF-8 become replacement characters."""
    if value is None:
        return None
    return _decoded(value, longest) if len(value) > LONGEST_CACHED else _cached_text(value, longest)


def _decoded(value: bytes, longest: int) -> str | None:
    return clean_header(value[: 4 * longest].decode("utf-8", "replace"), longest)


_cached_text = lru_cache(maxsize=1024)(_decoded)


def _packed(method: str, kept: tuple[tuple[bytes, bytes], ...], networks: frozenset[str], is_session: bool) -> str:
    return pack(Evidence(method, chosen_headers(kept), networks, is_session))


_remembered_evidence = lru_cache(maxsize=2048)(_packed)
