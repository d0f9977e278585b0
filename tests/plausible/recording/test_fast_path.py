"""Pixel and click as bare handlers: addresses, headers, and what of a request is kept."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.plausible import fast_path as module
from plugins.plausible.addresses import Addresses
from plugins.plausible.events import CLICK, OPEN, Address, Kind, TrackingEvent
from plugins.plausible.evidence import Evidence, unpack
from plugins.plausible.fast_path import GIF, FastPath, click_parts, pixel_id
from plugins.plausible.networks import Networks, parse
from plugins.plausible.recording.intake import Intake
from plugins.plausible.recording.queue import Then
from plugins.plausible.tokens import Signer

SIGNER = Signer(["k" * 40])
NETWORKS = Networks(parse("cloud amazon 198.51.100.0/24 test 2026-01-01"))
TID = "t" * 54
URL = "https://example.org/guide?a=1&b=ü"
PIXEL = f"/api/email-tracking/pixel/{TID}.gif"
CLICKED = "/api/email-tracking/click"
COMMON = [
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
]
Headers = list[tuple[bytes, bytes]]


class Taken(Intake):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.taken: list[tuple[Kind, str, str]] = []
        self.events: list[TrackingEvent] = []

    def take(
        self, kind: Kind, tracking_id: str, address: Address, event: Callable[[], TrackingEvent], then: Then
    ) -> None:
        self.taken.append((kind, tracking_id, address.full))
        self.events.append(event())
        then("committed")

    def is_ours(self, tracking_id: str) -> bool:
        return tracking_id == TID


class Signs:
    """Knows the agents that a test names."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()
        self.sessions: set[bytes] = set()
        self.asked: list[bytes] = []

    def is_agent_address(self, address: str) -> bool:
        return address in self.addresses

    async def is_agent_session(self, cookie_header: bytes) -> bool:
        self.asked.append(cookie_header)
        return cookie_header in self.sessions


class Caller:
    """A mail client, as an ASGI server shows it to us."""

    def __init__(self) -> None:
        self.intake = Taken()

        async def refused() -> bytes:
            return b"<p>no</p>"

        trusted = [ipaddress.ip_network("10.0.0.0/8")]
        self.signs = Signs()
        self.paths = FastPath(
            self.intake,
            SIGNER,
            refused_page=refused,
            trusted=trusted,
            networks=lambda: NETWORKS,
            signs=self.signs,
            addresses=Addresses(["k" * 32], lambda: "cut"),
        )

    async def __call__(
        self,
        path: str,
        query: bytes = b"",
        *,
        method: str = "GET",
        headers: Headers | None = None,
        client: tuple[str, int] | None = ("203.0.113.9", 4711),
    ) -> tuple[int, Headers, bytes]:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": headers or [],
            "client": client,
        }
        answers: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
        handler = next(route.handler for route in self.paths.routes() if path.startswith(route.prefixes))
        work = handler(scope, lambda start, body: answers.append((start, body)))
        if work is not None:
            await work
        [(start, body)] = answers
        assert (start["type"], body["type"]) == ("http.response.start", "http.response.body")
        assert not body.get("more_body")
        return start["status"], list(start["headers"]), body["body"]

    @property
    def event(self) -> TrackingEvent:
        """The only one."""
        [event] = self.intake.events
        return event


@pytest.fixture
def call() -> Caller:
    return Caller()


def signed(url: str = URL, tracking_id: str = TID) -> bytes:
    return f"tid={tracking_id}&url={quote(url, safe='')}&sig={SIGNER.sign(tracking_id, url)}".encode()


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_the_headers_of_the_pixel_are_exactly_these(call: Caller) -> None:
    status, headers, body = await call(PIXEL)
    assert (status, body) == (200, GIF)
    assert headers == [
        (b"content-type", b"image/gif"),
        (b"content-length", b"43"),
        (b"cache-control", b"no-store, no-cache, max-age=0, private"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        *COMMON,
    ]


async def test_the_headers_of_a_click_are_exactly_these(call: Caller) -> None:
    status, headers, body = await call(CLICKED, signed())
    assert (status, body) == (302, b"")
    assert headers == [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        *COMMON,
        (b"location", b"https://example.org/guide?a=1&b=%C3%BC"),
    ]


async def test_the_headers_of_a_refusal_are_exactly_these(call: Caller) -> None:
    status, headers, body = await call(CLICKED)
    assert (status, body) == (400, b"<p>no</p>")
    assert headers == [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; style-src 'self'; img-src 'self'"),
        *COMMON,
        (b"content-length", b"9"),
    ]


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "X" * 50])
@pytest.mark.parametrize("path", [PIXEL, CLICKED, f"/track/pixel/{TID}/", f"/track/click/{TID}/"])
async def test_other_methods_are_told_which_there_are(call: Caller, method: str, path: str) -> None:
    status, headers, body = await call(path, signed(), method=method)
    assert (status, body) == (200 if method == "OPTIONS" else 405, b"")
    assert headers == [
        (b"allow", b"GET, HEAD, OPTIONS"),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        *COMMON,
    ]
    # OPTIONS is what some scanners ask, so that it tells of them; the others are nobody's way to look at a mail.
    assert len(call.intake.taken) == (method == "OPTIONS")


@pytest.mark.parametrize(
    ("path", "query"), [(PIXEL, b""), (CLICKED, signed()), (CLICKED, b""), (f"/track/click/{TID}", signed())]
)
async def test_head_answers_as_get_does_without_a_body(call: Caller, path: str, query: bytes) -> None:
    status, headers, body = await call(path, query, method="HEAD")
    assert body == b""
    assert [unpack(event.evidence).method for event in call.intake.events] == ([] if status == 400 else ["HEAD"])
    assert await call(path, query) == (status, headers, (await call(path, query))[2])


async def test_no_answer_changes_another_one(call: Caller) -> None:
    first = await call(CLICKED, signed())
    await call(CLICKED, signed("https://example.com/"))
    await call(CLICKED)
    await call(PIXEL)
    assert await call(CLICKED, signed()) == first


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"/api/email-tracking/pixel/{TID}.gif",
        f"/api/email-tracking/pixel/{TID}",
        f"/track/pixel/{TID}/",
        f"/track/pixel/{TID}",
        f"/track/pixel//{TID}//",
    ],
)
async def test_a_pixel_may_be_spelt_in_these_ways(call: Caller, path: str) -> None:
    assert (await call(path))[0] == 200
    assert call.intake.taken == [(OPEN, TID, "203.0.113.9")]


@pytest.mark.parametrize(
    ("path", "has_id"),
    [(CLICKED, True), (f"{CLICKED}/", True), (f"/track/click/{TID}/", False), (f"/track/click/{TID}", False)],
)
async def test_a_click_may_be_spelt_in_these_ways(call: Caller, path: str, has_id: bool) -> None:
    query = signed() if has_id else signed().partition(b"&")[2]
    assert (await call(path, query))[0] == 302
    assert call.intake.taken == [(CLICK, TID, "203.0.113.9")]
    assert call.event.url == URL


@pytest.mark.parametrize(
    "path", [f"{CLICKED}s", f"{CLICKED}/x", f"{CLICKED}//", f"/track/click/u{TID}/", "/track/click/"]
)
async def test_other_spellings_of_a_click_lead_nowhere(call: Caller, path: str) -> None:
    assert (await call(path, signed()))[0] == 400
    assert call.intake.taken == []


async def test_a_pixel_answers_with_every_character_in_its_id(call: Caller) -> None:
    characters = [chr(value) for value in range(256)] + ["\ufffd", "😀", "\ud800", "\udcff"]
    for one in characters:
        for name in (TID + one, one + TID, one * 3000):
            assert (await call(f"/api/email-tracking/pixel/{name}.gif"))[::2] == (200, GIF)
            assert (await call(f"/track/pixel/{name}/"))[::2] == (200, GIF)
    assert len(call.intake.taken) == 6 * len(characters)
    # A slash at an end is the other spelling of the same address, and nothing else is.
    assert sum(name == TID for _, name, _ in call.intake.taken) == 2


@given(st.text(st.characters(exclude_categories=[])))
def test_a_pixel_names_one_id_whatever_it_is(name: str) -> None:
    assert pixel_id(f"/api/email-tracking/pixel/{name}.gif") == name
    assert pixel_id(f"/track/pixel/{name}/") == name.strip("/")


# --- queries of clicks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query + b"&utm_source=x&fbclid=" + b"y" * 500,
        lambda query: b"&&" + query + b"&",
        lambda query: query.replace(b"%2F", b"%2f"),
        lambda query: b"&".join(reversed(query.split(b"&"))),
        lambda query: query + b"&=&a&%FF=%FF&\xff=1",
        lambda query: query.replace(b"tid=", b"%74id="),
    ],
)
async def test_what_does_not_change_the_meaning_of_a_query_does_no_harm(
    call: Caller, change: Callable[[bytes], bytes]
) -> None:
    assert (await call(CLICKED, change(signed())))[0] == 302
    assert call.event.url == URL


async def test_a_space_may_be_a_plus(call: Caller) -> None:
    url = "https://example.org/a b+c"
    signature = SIGNER.sign(TID, url)
    for spelt in (quote(url, safe=""), quote_plus(url)):
        status, headers, _ = await call(CLICKED, f"tid={TID}&url={spelt}&sig={signature}".encode())
        assert (status, dict(headers)[b"location"]) == (302, b"https://example.org/a%20b+c")


@pytest.mark.parametrize(
    "change",
    [
        lambda query: b"",
        lambda query: query + b"&url=",
        lambda query: query + b"&url",
        lambda query: query + b"&" + query,
        lambda query: query + b"&%75rl=x",
        lambda query: query + b"&sig=",
        lambda query: query + b"&tid=" + TID.encode(),
        lambda query: query.replace(b"&", b";"),
        lambda query: query.replace(b"%C3%BC", b"\xc3\xbc"),
        lambda query: query.replace(b"%C3%BC", b"%FC"),
        lambda query: query + b"&a=1" * 100,
        lambda query: query + b"&a=" + b"x" * 20_000,
        lambda query: query.replace(b"sig=", b"sig=%00"),
        lambda query: query.replace(b"sig=", b"sig=%C3%BC"),
        lambda query: query.replace(b"tid=", b"tid=%ED%A0%80"),
        lambda query: query.upper(),
        lambda query: b"\0" * 100,
        lambda query: b"%" * 100,
    ],
)
async def test_a_query_with_another_meaning_leads_nowhere(call: Caller, change: Callable[[bytes], bytes]) -> None:
    status, headers, _ = await call(CLICKED, change(signed()))
    assert status == 400
    assert b"location" not in dict(headers)
    assert call.intake.taken == []


@given(st.binary(max_size=300))
def test_any_query_can_be_read(query: bytes) -> None:
    for path in (CLICKED, f"/track/click/{TID}/"):
        assert all(isinstance(one, str) for one in click_parts(path, query))


async def test_the_longest_destination_fits_however_it_is_escaped(call: Caller) -> None:
    url = "https://example.org/" + "😀" * 300 + "/" * (2048 - 320)
    query = f"tid={TID}&url={quote(url, safe='')}&sig={SIGNER.sign(TID, url)}".encode()
    assert len(url) == 2048
    assert (await call(CLICKED, query))[0] == 302


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "forwarded", "address", "kept"),
    [
        (("203.0.113.9", 1), [], "203.0.113.9", "203.0.113.0"),
        (("203.0.113.9", 1), [b"198.51.100.1"], "203.0.113.9", "203.0.113.0"),
        (("10.0.0.1", 1), [b"198.51.100.1"], "198.51.100.1", "198.51.100.0"),
        (("10.0.0.1", 1), [b"6.6.6.6, 198.51.100.1, 10.2.3.4"], "198.51.100.1", "198.51.100.0"),
        (("10.0.0.1", 1), [b"6.6.6.6", b"198.51.100.1", b"10.2.3.4"], "198.51.100.1", "198.51.100.0"),
        (("10.0.0.1", 1), [b"2001:db8:1:2::3"], "2001:db8:1:2::3", "2001:db8:1::"),
        (("10.0.0.1", 1), [b"\xff\xfe"], "10.0.0.1", "10.0.0.0"),
        (("10.0.0.1", 1), [b"6.6.6.6," * 5000 + b"198.51.100.1"], "198.51.100.1", "198.51.100.0"),
        (("10.0.0.1", 1), [b"x" * 100_000], "10.0.0.1", "10.0.0.0"),
        (("::ffff:203.0.113.9", 1), [], "203.0.113.9", "203.0.113.0"),
        (("fe80::1%eth0", 1), [], "fe80::1", "fe80::"),
        (("/run/portal.sock", 0), [b"198.51.100.1"], "", None),
        (None, [b"198.51.100.1"], "", None),
    ],
)
async def test_proxies_are_believed_from_right_to_left_and_only_our_own(
    call: Caller, client: tuple[str, int] | None, forwarded: list[bytes], address: str, kept: str | None
) -> None:
    await call(PIXEL, headers=[(b"x-forwarded-for", one) for one in forwarded], client=client)
    assert call.intake.taken == [(OPEN, TID, address)]
    assert call.event.ip_address == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"Mail/1", "Mail/1"),
        (b"", None),
        (b" \t ", None),
        (b"\xc3\xbc\xff", "ü\ufffd"),
        (b"a\x00b\x7fc\xc2\x9bd", "a b c d"),
        (b"\xed\xa0\x80", "\ufffd" * 3),
        (b"x" * 100_000, "x" * 1000),
        ("😀".encode() * 2000, "😀" * 1000),
    ],
)
async def test_headers_are_kept_as_clean_text_of_bounded_length(call: Caller, value: bytes, kept: str | None) -> None:
    await call(PIXEL, headers=[(b"user-agent", value), (b"referer", value)])
    assert call.event.user_agent == kept
    assert (call.event.referrer or "").startswith(kept or "")
    assert len(call.event.referrer or "") <= 2048
    (call.event.user_agent or "").encode()


async def test_of_a_header_that_comes_twice_one_is_kept(call: Caller) -> None:
    await call(PIXEL, headers=[(b"user-agent", b"one"), (b"user-agent", b"two"), (b"cookie", b"secret")])
    assert call.event.user_agent in {"one", "two"}
    assert "secret" not in repr(call.event)


async def test_what_is_remembered_of_headers_is_bounded(call: Caller) -> None:
    caches = (module._remembered_look, call.paths.remembered_addresses)
    for cache in caches:
        cache.cache_clear()
        assert cache.cache_info().maxsize is not None
    longer = module.LONGEST_CACHED + 1
    await call(
        PIXEL,
        headers=[(b"user-agent", b"x" * longer), (b"referer", b"y" * longer), (b"x-forwarded-for", b"1" * longer)],
    )
    assert [cache.cache_info().currsize for cache in caches] == [0, 0]
    for number in range(9000):
        await call(
            PIXEL, headers=[(b"user-agent", str(number).encode())], client=(f"10.0.{number >> 8}.{number & 255}", 1)
        )
    assert [cache.cache_info().currsize for cache in caches] == [2048, 8192]


SIGNATURE = SIGNER.sign(TID, URL)
PIECES = st.sampled_from([
    TID, SIGNATURE, quote(URL, safe=""), quote(URL), quote_plus("a b+c"), "%", "%zz", "%C3", "+", "&", "=", ";",
    "\u00fc", "tid=", "url=", "sig=", "&tid=", "&url=", "&sig=", "x=1&",
])  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60)))
def test_a_link_as_we_write_it_is_read_as_any_other(middle: str) -> None:
    for url in (middle, quote(middle.encode("utf-8", "surrogatepass"), safe="")):
        for query in (middle, f"tid={TID}&url={url}&sig={SIGNATURE}"):
            raw = query.encode("utf-8", "surrogatepass")
            # With a slash behind it only the general way reads it.
            assert click_parts(CLICKED, raw) == click_parts(f"{CLICKED}/", raw)


async def test_only_what_we_signed_is_remembered(call: Caller) -> None:
    module._remembered_redirect.cache_clear()
    await call(CLICKED, f"tid={TID}&url={quote(URL, safe='')}&sig={'x' * 24}".encode())
    assert module._remembered_redirect.cache_info().currsize == 0
    for _ in range(2):
        assert (await call(CLICKED, signed()))[0] == 302
    assert module._remembered_redirect.cache_info()[:2] == (1, 1)


# --- evidence --------------------------------------------------------------------------------------------------------


async def test_what_classification_needs_is_kept_and_nothing_else(call: Caller) -> None:
    await call(
        PIXEL,
        headers=[
            (b"accept", b"image/*"),
            (b"accept-language", b"de"),
            (b"authorization", b"Bearer secret"),
            (b"sec-purpose", b"prefetch;prerender"),
            (b"cookie", b"a=b"),
            (b"accept", b"text/\xff"),
        ],
    )
    assert unpack(call.event.evidence) == Evidence(
        headers=(("accept", "image/*, text/\xff"), ("accept-language", "de"), ("sec-purpose", "prefetch;prerender"))
    )
    assert "secret" not in repr(call.event)
    assert "a=b" not in repr(call.event)


async def test_the_network_is_looked_up_before_the_address_is_cut(call: Caller) -> None:
    await call(PIXEL, client=("198.51.100.77", 1))
    assert (call.event.ip_address, unpack(call.event.evidence).networks) == ("198.51.100.0", frozenset({"cloud"}))


async def test_agents_are_known_by_their_address_and_their_session(call: Caller) -> None:
    call.signs.addresses.add("203.0.113.9")
    call.signs.sessions.add(b"myportal=1")
    await call(PIXEL, headers=[(b"cookie", b"myportal=1")])
    found = unpack(call.event.evidence)
    assert (found.networks, found.agent_session) == (frozenset({"agent"}), True)


async def test_strangers_do_not_make_us_look_up_sessions(call: Caller) -> None:
    await call("/api/email-tracking/pixel/unknown.gif", headers=[(b"cookie", b"myportal=1")])
    assert call.signs.asked == []


async def test_headers_of_any_length_and_bytes_are_cut(call: Caller) -> None:
    await call(PIXEL, headers=[(b"accept", b"\x00\x01" * 40_000), (b"accept-language", b"x" * 64_000)] * 20)
    assert len(call.event.evidence or "") < 1000
