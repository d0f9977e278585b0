"""Pixel and click, answered before Quart: what mail clients call, at any rate they like.

They answer in any case: with the module off, the database down, the event long gone. Every header of their answers is
decided here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from app.database import utcnow
from app.hookspecs import Answer, DirectRoute, Scope
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
READ_HEADERS = frozenset({*(name.encode() for name in KEPT), b"user-agent", b"x-forwarded-for", b"referer", b"cookie"})
"""What is looked at; other headers say nothing of who asks."""
PIXEL_START = {"type": "http.response.start", "status": 200, "headers": PIXEL_HEADERS}
PIXEL_BODY = {"type": "http.response.body", "body": GIF}
NO_BODY = {"type": "http.response.body", "body": b""}
LONGEST_CACHED = 800
"""Bytes of headers that are remembered with what they mean: strangers choose how long they are."""
_AS_WE_WRITE_IT = re.compile(rb"tid=([A-Za-z0-9_-]{16,64})&url=([A-Za-z0-9_.~%-]{1,16000})&sig=([A-Za-z0-9_-]{24})")
"""The query of a link of ours that nobody changed on its way: read without splitting it into any fields."""
_unquoted = lru_cache(maxsize=1024)(unquote)
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
    """The two handlers.

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

    def routes(self) -> list[DirectRoute]:
        """Under which addresses they answer; those of the second pair stand in mails of other systems' making."""
        return [DirectRoute((PIXELS, OTHER_PIXELS), self.pixel), DirectRoute((CLICKS, OTHER_CLICKS), self.click)]

    def pixel(self, scope: Scope, answer: Answer) -> Awaitable[None] | None:
        """The same picture for every address; an open where the address is that of a tracked copy."""
        method = scope["method"]
        if method not in RECORDED:
            _other_method(method, answer)
            return None
        return self._take(scope, OPEN, pixel_id(scope["path"]), None, lambda _: _show(method, answer))

    def click(self, scope: Scope, answer: Answer) -> Awaitable[None] | None:
        """Send the reader on where the signature holds; a page that leads nowhere otherwise."""
        method = scope["method"]
        if method not in RECORDED:
            _other_method(method, answer)
            return None
        tracking_id, url, signature = click_parts(scope["path"], scope["query_string"])
        # In this order: strangers must not fill what is remembered.
        if self._signer.verify(tracking_id, url, signature):
            redirect = (_redirect if len(url) > LONGEST_CACHED else _remembered_redirect)(url)
            if redirect is not None:
                return self._take(scope, CLICK, tracking_id, url, lambda _: _lead(method, redirect, answer))
        if method != "OPTIONS":
            return self._refuse(method, answer)
        _other_method(method, answer)
        return None

    async def _refuse(self, method: str, answer: Answer) -> None:
        page = await self._refused_page()
        headers = [*REFUSED_HEADERS, (b"content-length", str(len(page)).encode())]
        answer(
            {"type": "http.response.start", "status": 400, "headers": headers},
            {"type": "http.response.body", "body": page if method == "GET" else b""},
        )

    def _take(
        self, scope: Scope, kind: Kind, tracking_id: str, url: str | None, then: Callable[[str], None]
    ) -> Awaitable[None] | None:
        agent = referrer = None
        forwarded: list[str] = []
        kept: list[tuple[bytes, bytes]] = []
        size = 0
        cookies = b""
        for name, value in scope["headers"]:
            if name not in READ_HEADERS:
                continue
            if name == b"user-agent":
                agent = value
                size += len(value)
            elif name == b"x-forwarded-for":
                forwarded.append(value.decode("latin-1"))
            elif name == b"referer":
                referrer = value
                size += len(value)
            elif name == b"cookie":
                cookies = value
            else:
                kept.append((name, value))
                size += len(value)
        peer = scope.get("client")
        read = self._read_address if sum(map(len, forwarded)) > LONGEST_CACHED else self.remembered_addresses
        address = read(peer[0] if peer else "", tuple(forwarded))

        def event(*, is_session: bool = False) -> TrackingEvent:
            look = _look if size > LONGEST_CACHED else _remembered_look
            agent_text, referrer_text, evidence = look(
                scope["method"], agent, referrer, tuple(kept), self._networks_of(address), is_session
            )
            return TrackingEvent(
                kind,
                tracking_id,
                utcnow(),
                url,
                agent_text,
                self._addresses.kept(address, tracking_id),
                referrer_text,
                evidence=evidence,
            )

        # Only for ids of ours: strangers must not make us look up sessions.
        if cookies and self._intake.is_ours(tracking_id):
            return self._take_with_session(cookies, kind, tracking_id, address, event, then)
        self._intake.take(kind, tracking_id, address, event, then)
        return None

    async def _take_with_session(
        self,
        cookies: bytes,
        kind: Kind,
        tracking_id: str,
        address: Address,
        event: Callable[..., TrackingEvent],
        then: Callable[[str], None],
    ) -> None:
        is_session = await self._signs.is_agent_session(cookies)
        self._intake.take(kind, tracking_id, address, partial(event, is_session=is_session), then)

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
    if path == CLICKS and (usual := _AS_WE_WRITE_IT.fullmatch(query)) is not None:
        tid, escaped, sig = usual.groups()
        return tid.decode(), (unquote if len(escaped) > LONGEST_CACHED else _unquoted)(escaped.decode()), sig.decode()
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


def _show(method: str, answer: Answer) -> None:
    if method == "OPTIONS":
        _other_method(method, answer)
    else:
        answer(PIXEL_START, PIXEL_BODY if method == "GET" else NO_BODY)


def _redirect(url: str) -> Mapping[str, object] | None:
    """The start of an answer that leads there; None where no click may."""
    if not is_allowed(url):
        return None
    headers = [*CLICK_HEADERS, (b"location", location(url).encode("ascii"))]
    return {"type": "http.response.start", "status": 302, "headers": headers}


_remembered_redirect = lru_cache(maxsize=1024)(_redirect)
"""Of a link in a mail to many, or one that is clicked again."""


def _lead(method: str, redirect: Mapping[str, object], answer: Answer) -> None:
    if method == "OPTIONS":
        _other_method(method, answer)
    else:
        answer(redirect, NO_BODY)


def _other_method(method: str, answer: Answer) -> None:
    status = 200 if method == "OPTIONS" else 405
    headers = [(b"allow", METHODS), (b"content-length", b"0"), (b"cache-control", b"no-store"), *COMMON]
    answer({"type": "http.response.start", "status": status, "headers": headers}, NO_BODY)


def _read_address(peer: str, forwarded: tuple[str, ...], *, trusted: tuple[Network, ...]) -> Address:
    return read_address(client_address(peer, forwarded, trusted))


def _look(
    method: str,
    agent: bytes | None,
    referrer: bytes | None,
    kept: tuple[tuple[bytes, bytes], ...],
    networks: frozenset[str],
    is_session: bool,
) -> tuple[str | None, str | None, str]:
    """What is stored of a request's headers: User-Agent, Referer, evidence."""
    evidence = pack(Evidence(method, chosen_headers(kept), networks, is_session))
    return _text(agent, LONGEST_USER_AGENT), _text(referrer, LONGEST_REFERRER), evidence


_remembered_look = lru_cache(maxsize=2048)(_look)


def _text(value: bytes | None, longest: int) -> str | None:
    """A header's text: bytes that are no UTF-8 become replacement characters."""
    return None if value is None else clean_header(value[: 4 * longest].decode("utf-8", "replace"), longest)
