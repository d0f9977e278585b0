"""What waits: for a turn, for a connection, for an answer; and what is known of a request that never ended."""

from __future__ import annotations

import asyncio

import httpcore
import httpx
import pytest

from app.outbound import guard
from app.outbound.client import client
from app.outbound.rules import Allowed
from tests.outbound.test_client import LOOPBACK, OK, names, serving

MANY = [f"127.0.0.{number}" for number in range(2, 12)]


async def test_addresses_that_all_hang_are_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*given: object, **named: object) -> httpcore.AsyncNetworkStream:
        await asyncio.sleep(30)
        raise AssertionError("nobody waits so long")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", hang)
    async with client(Allowed.parse(["127.0.0.0/8"]), timeout=0.1, resolver=names(MANY)) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.get("http://many.example/")


async def test_few_addresses_of_a_host_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    async def refuse(self: object, host: str, *given: object, **named: object) -> httpcore.AsyncNetworkStream:
        tried.append(host)
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", refuse)
    async with client(Allowed.parse(["127.0.0.0/8"]), timeout=1, resolver=names(MANY)) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://many.example/")
    assert tried == MANY[: guard.MOST_TRIED]


async def test_a_request_that_left_is_not_taken_for_one_that_did_not() -> None:
    async def silent(head: bytes, writer: object) -> None:
        await asyncio.sleep(30)

    async with serving(silent) as server, client(LOOPBACK, timeout=0.1) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"http://127.0.0.1:{server.port}/")


async def test_no_more_connections_than_asked_for_and_each_is_used_again() -> None:
    busy = most = 0

    async def slow(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        writer.write(OK)
        await writer.drain()

    async with serving(slow) as server, client(LOOPBACK, timeout=2, connections=3) as http:
        url = f"http://127.0.0.1:{server.port}/"
        answers = await asyncio.gather(*(http.get(url) for _ in range(30)))
        assert {answer.text for answer in answers} == {"ok"}
        assert (most, server.connections) == (3, 3)
        for _ in range(5):
            await http.get(url)
        assert server.connections == 3


async def test_who_waits_for_a_turn_sends_nothing() -> None:
    async def silent(head: bytes, writer: object) -> None:
        await asyncio.sleep(30)

    async with serving(silent) as server, client(LOOPBACK, timeout=0.15, connections=1) as http:
        url = f"http://127.0.0.1:{server.port}/"
        first = asyncio.create_task(http.get(url, timeout=httpx.Timeout(30)))
        await asyncio.sleep(0.05)
        begin = len(server.heads)
        second = asyncio.create_task(http.get(url, timeout=httpx.Timeout(30)))
        with pytest.raises(httpx.ReadTimeout):
            await first
        assert len(server.heads) == begin == 1
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)


@pytest.mark.parametrize("fault", ["status", "cut", "error"])
async def test_a_connection_that_failed_leaves_its_turn_to_others(fault: str) -> None:
    count = 0

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count == 1 and fault == "cut":
            writer.write(OK[:20])
            writer.close()
        elif count == 1 and fault == "error":
            writer.write(b"\x16\x03\x01 no HTTP\r\n\r\n")
            writer.close()
        else:
            writer.write(OK.replace(b"200", b"503") if count == 1 else OK)
        await writer.drain()

    async with serving(answer) as server, client(LOOPBACK, timeout=2, connections=1) as http:
        url = f"http://127.0.0.1:{server.port}/"
        if fault == "status":
            assert (await http.get(url)).status_code == 503
        else:
            with pytest.raises(httpx.TransportError):
                await http.get(url)
        assert (await http.get(url)).text == "ok"
