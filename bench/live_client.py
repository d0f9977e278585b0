"""Open pages and readers for `bench.live`: bare connections of one event loop, so that a thousand cost little here."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter as clock

OPENING_AT_ONCE = 50
OPENS_WITHIN = 60.0
DRAIN = 10.0
"""Seconds to wait at the end for answers and events that are still out."""


@dataclass
class Told:
    """How long pages waited: seconds from a pixel's answer to its event, 0 where the event came first."""

    delays: list[float] = field(default_factory=list)
    events: int = 0
    _asked: set[int] = field(default_factory=set)
    _waiting: dict[int, float] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Answered opens that no page has heard of."""
        return len(self._waiting)

    def asked(self, ticket_id: int) -> None:
        """A pixel of this ticket is fetched; the one before has been told."""
        self._asked.add(ticket_id)

    def answered(self, ticket_id: int) -> None:
        """Its answer is here."""
        if ticket_id in self._asked:
            self._waiting[ticket_id] = clock()

    def heard(self, ticket_id: int) -> None:
        """The ticket's page hears of a change."""
        self.events += 1
        if ticket_id in self._asked:
            now = clock()
            self._asked.remove(ticket_id)
            self.delays.append(now - self._waiting.pop(ticket_id, now))


class Page(asyncio.Protocol):
    """One open ticket page: its stream of events. `closed` is set when the server ends it."""

    def __init__(self, ticket_id: int, told: Told) -> None:
        self._ticket_id = ticket_id
        self._told = told
        self._rest = b""
        self.opened = asyncio.get_running_loop().create_future()
        self.closed = False

    def data_received(self, data: bytes) -> None:
        """Count the events in it."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            if b"event: change" in block:
                self._told.heard(self._ticket_id)
            elif b"event: ping" in block and not self.opened.done():
                self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember it: a benchmark whose pages have gone measures nothing."""
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"no stream for ticket {self._ticket_id}: {self._rest[:200]!r}"))


class Pages:
    """Pages that follow a ticket each."""

    def __init__(self, port: int, cookie: str, told: Told) -> None:
        self._port = port
        self._cookie = cookie
        self._told = told
        self._open: list[tuple[asyncio.Transport, Page]] = []

    @property
    def closed(self) -> int:
        """How many the server let go."""
        return sum(page.closed for _, page in self._open)

    async def open(self, ticket_ids: Sequence[int]) -> None:
        """Open a page for each ticket. Raises ConnectionError where the server refuses one."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)

        async def open_one(ticket_id: int) -> None:
            async with gate, asyncio.timeout(OPENS_WITHIN):
                loop = asyncio.get_running_loop()
                found = await loop.create_connection(lambda: Page(ticket_id, self._told), "127.0.0.1", self._port)
                self._open.append(found)
                found[0].write(
                    f"GET /live?topics=ticket:{ticket_id} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
                    f"Accept: text/event-stream\r\nCookie: {self._cookie}\r\n\r\n".encode()
                )
                await found[1].opened

        await asyncio.gather(*map(open_one, ticket_ids))

    def close(self) -> None:
        """Leave every page."""
        for transport, _ in self._open:
            transport.abort()


class Reader(asyncio.Protocol):
    """One kept-alive connection that fetches pixels; an answer other than 200 ends the benchmark."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[None] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what requests are written to."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    async def get(self, path: str) -> float:
        """Seconds until the answer was here."""
        assert self._transport is not None  # noqa: S101
        self._answer = asyncio.get_running_loop().create_future()
        start = clock()
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUser-Agent: Mail/1\r\n\r\n".encode()
        )
        await self._answer
        return clock() - start

    def data_received(self, data: bytes) -> None:
        """The pixel ends with the trailer of a GIF."""
        self._received += data
        if not self._received.startswith(b"HTTP/1.1 200"[: len(self._received)]):
            self._end(ConnectionError(f"a pixel was answered with {self._received[:100]!r}"))
        elif self._received.endswith(b"\x00;"):
            self._received = b""
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer learns of it."""
        self._end(exc or ConnectionError("the server hung up"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            if error is None:
                self._answer.set_result(None)
            else:
                self._answer.set_exception(error)


async def open_readers(port: int, count: int) -> list[Reader]:
    """Connections that fetch pixels."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: Reader(port), "127.0.0.1", port))[1] for _ in range(count)]


async def fetch_all_the_time(readers: Sequence[Reader], paths: Iterator[str], seconds: float) -> list[float]:
    """Each connection asks as soon as it has its answer; the seconds of each answer, shortest first."""
    end = clock() + seconds

    async def fetch(reader: Reader) -> list[float]:
        times = []
        while clock() < end:
            times.append(await reader.get(next(paths)))
        return times

    return sorted(itertools.chain.from_iterable(await asyncio.gather(*map(fetch, readers))))


async def fetch_at_rate(
    port: int, pixels: Sequence[tuple[int, str]], *, rate: float, seconds: float, told: Told | None
) -> list[float]:
    """Fetch the pixels (ticket, path) in turn at fixed moments; the seconds of each answer, shortest first.

    told: what the tickets' pages hear; its events are waited for at the end.
    """
    idle: list[Reader] = []
    times: list[float] = []

    async def fetch(ticket_id: int, path: str) -> None:
        reader = idle.pop() if idle else (await open_readers(port, 1))[0]
        if told:
            told.asked(ticket_id)
        times.append(await reader.get(path))
        if told:
            told.answered(ticket_id)
        idle.append(reader)

    start = clock()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - clock()))
            tasks.create_task(fetch(*pixels[number % len(pixels)]))
    given_up = clock() + DRAIN
    while told and told.missing and clock() < given_up:
        await asyncio.sleep(0.05)
    for reader in idle:
        reader.close()
    return sorted(times)
