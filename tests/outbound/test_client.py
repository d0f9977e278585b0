"""Calls to other servers, over real sockets and with name servers of the test's own."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.outbound.client import TooLarge, check_url, client
from app.outbound.guard import NotResolved, Refused, Resolver, tried
from app.outbound.rules import Allowed
from tests.support.certificates import certificates

LOOPBACK = Allowed.parse(["127.0.0.1"])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def names(*answers: list[str]) -> Resolver:
    """A name server that gives these answers, one after the other; the last one for ever."""
    left = list(answers)

    async def resolver(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolver


class Server:
    """Answers each request by what the test gives, and keeps what it was asked."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.port = 0


@asynccontextmanager
async def serving(answer: Answer | bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                server.heads.append(head)
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(head, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def test_the_address_that_was_checked_is_connected_to_and_the_name_is_kept() -> None:
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    named = Allowed.parse(["plausible.example"])
    async with serving(OK) as server, client(named, timeout=2, resolver=resolver) as http:
        for _ in range(3):
            response = await http.get(f"http://plausible.example:{server.port}/x")
            assert (response.status_code, response.text) == (200, "ok")
    assert server.connections == 1
    assert all(b"Host: plausible.example" in head for head in server.heads)
    assert b"MyPortal/1.0" in server.heads[0]
    assert asked == ["plausible.example"], "once for the one connection"


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["64:ff9b::7f00:1"]])
async def test_one_bad_address_refuses_the_host_and_nothing_is_sent(addresses: list[str]) -> None:
    async with serving(OK) as server, client(Allowed(), timeout=2, resolver=names(addresses)) as http:
        with pytest.raises(Refused, match="OUTBOUND_ALLOWED"):
            await http.get(f"https://plausible.example:{server.port}/")
    assert server.connections == 0


async def test_a_name_server_that_changes_its_answer_does_not_get_inside() -> None:
    resolver = names(["93.184.216.34"], ["127.0.0.1"])
    await check_url("https://plausible.example", Allowed(), resolver=resolver)
    async with serving(OK) as server, client(Allowed(), timeout=2, resolver=resolver) as http:
        with pytest.raises(Refused):
            await http.get(f"https://plausible.example:{server.port}/")
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "metadata.google.internal", "169.254.169.254"])
async def test_this_machine_is_refused(host: str) -> None:
    async with client(Allowed(), timeout=2) as http:
        with pytest.raises((Refused, NotResolved)):
            await http.get(f"https://{host}/")
    with pytest.raises((Refused, NotResolved)):
        await check_url(f"https://{host}", Allowed())


async def test_http_is_taken_only_for_hosts_that_are_named() -> None:
    public = names(["93.184.216.34"])
    with pytest.raises(ValueError, match="must start with https://"):
        await check_url("http://plausible.example", Allowed(), resolver=public)
    await check_url("https://plausible.example", Allowed(), resolver=public)
    await check_url("http://127.0.0.1:8000", LOOPBACK)
    async with client(Allowed(), timeout=2, resolver=public) as http:
        with pytest.raises(ValueError, match="must start with https://"):
            await http.get("http://plausible.example/")


async def test_a_name_that_does_not_exist_says_so() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(NotResolved, match=r"plausible\.example could not be looked up: Name or service not known"):
        await check_url("https://plausible.example", Allowed(), resolver=resolver)
    with pytest.raises(NotResolved, match="has no address"):
        await check_url("https://plausible.example", Allowed(), resolver=names([]))


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    allowed = Allowed.parse(["127.0.0.0/8"])
    both = names(["127.0.0.77", "127.0.0.1"])
    async with serving(OK) as server, client(allowed, timeout=2, resolver=both) as http:
        assert (await http.get(f"http://two.example:{server.port}/")).text == "ok"


@asynccontextmanager
async def deaf() -> AsyncIterator[int]:
    """The port of a listener that takes no more connections: who connects waits for ever."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for one in (first, second):
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.1", port))
        await asyncio.sleep(0.05)
        yield port


async def test_addresses_that_hang_are_no_connection_and_share_its_time() -> None:
    """The sync sends again what was certainly not sent: this must not look as if an answer was missing."""
    hanging = names([f"127.0.0.{number}" for number in range(1, 60)])
    async with deaf() as port, client(Allowed.parse(["127.0.0.0/8"]), timeout=0.4, resolver=hanging) as http:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(httpx.ConnectTimeout):
            await http.get(f"http://many.example:{port}/")
        assert asyncio.get_running_loop().time() - begun < 0.8, "for all together"


async def test_a_name_server_that_hangs_is_no_connection() -> None:
    async def resolver(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with client(LOOPBACK, timeout=0.1, resolver=resolver) as http:
        with pytest.raises(httpx.ConnectTimeout, match=r"no connection within 0\.3 s"):
            await http.get("http://slow.example/")


async def test_an_answer_that_never_comes_leaves_it_open_what_became_of_the_request() -> None:
    async def silent(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(silent) as server, client(LOOPBACK, timeout=0.1) as http:
        request = http.build_request("GET", f"http://127.0.0.1:{server.port}/", timeout=None)
        with pytest.raises(httpx.ReadTimeout):
            await http.send(request)
    assert len(server.heads) == 1


async def test_who_waits_for_a_free_connection_until_the_end_sent_nothing() -> None:
    async with serving(OK) as server, client(LOOPBACK, timeout=0.1, connections=1) as http:
        url = f"http://127.0.0.1:{server.port}/"
        held = await http.send(http.build_request("GET", url), stream=True)
        with pytest.raises(httpx.PoolTimeout):
            await http.get(url)
        await held.aclose()
        assert (await http.get(url)).text == "ok", "the connection is free again"
    assert len(server.heads) == 2


def test_few_addresses_are_tried_of_both_kinds() -> None:
    sixes = [f"2001:db8::{number}" for number in range(1, 9)]
    assert tried([*sixes, "192.0.2.1"]) == [sixes[0], "192.0.2.1", sixes[1], sixes[2]]
    assert tried(["192.0.2.1", "192.0.2.2", sixes[0]]) == ["192.0.2.1", sixes[0], "192.0.2.2"]
    assert tried(["192.0.2.1"]) == ["192.0.2.1"]
    assert tried([f"192.0.2.{number}" for number in range(1, 250)]) == [f"192.0.2.{number}" for number in range(1, 5)]


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with serving(moved) as server, client(LOOPBACK, timeout=2) as http:
        assert (await http.get(f"http://127.0.0.1:{server.port}/")).status_code == 301
    assert len(server.heads) == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(OK) as server, client(LOOPBACK, timeout=2) as http:
        assert (await http.get(f"http://127.0.0.1:{server.port}/")).text == "ok"


async def test_an_answer_without_end_is_cut() -> None:
    async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with serving(endless) as server, client(LOOPBACK, timeout=5, max_bytes=100_000) as http:
        with pytest.raises(TooLarge, match="100,000 bytes"):
            await http.get(f"http://127.0.0.1:{server.port}/")


async def test_an_answer_that_drips_has_an_end() -> None:
    async def dripping(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(dripping) as server, client(LOOPBACK, timeout=0.1) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"http://127.0.0.1:{server.port}/")


async def test_a_compressed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    bomb = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + str(len(packed)).encode() + b"\r\n\r\n"
    ) + packed
    async with serving(bomb) as server, client(LOOPBACK, timeout=2) as http:
        with pytest.raises(TooLarge, match="compressed"):
            await http.get(f"http://127.0.0.1:{server.port}/")
    assert b"Accept-Encoding: identity" in server.heads[0]


async def test_a_flood_of_headers_is_an_error() -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200_000
    async with serving(flood) as server, client(LOOPBACK, timeout=2) as http:
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize("fault", ["", "another name", "expired", "unknown authority"])
async def test_certificates_are_checked(tmp_path: Path, fault: str) -> None:
    authority, context = certificates(
        tmp_path,
        name="other.example" if fault == "another name" else "plausible.example",
        days=-1 if fault == "expired" else 1,
    )
    verify = ssl.create_default_context(cafile=None if fault == "unknown authority" else str(authority))
    allowed = Allowed.parse(["plausible.example"])
    http = client(allowed, timeout=2, resolver=names(["127.0.0.1"]), verify=verify)
    async with serving(OK, context) as server, http:
        url = f"https://plausible.example:{server.port}/"
        if not fault:
            assert (await http.get(url)).text == "ok"
            return
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(url)
    assert not server.heads
