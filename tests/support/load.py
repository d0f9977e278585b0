"""A bounded load of pixels and clicks that knows exactly how many answers came whole, for each id.

Whoever has a whole answer may rely on its event; a request without one may or may not have been recorded. So
`answered <= recorded <= sent` must hold for each id, and where no connection broke the three are equal.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from plugins.plausible.events import CLICK, OPEN, Kind
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links
from tests.support.background import Background

HOST = "127.0.0.1"
ANSWER_DEADLINE = 20.0
"""Seconds to a whole answer; a connection that took longer counts as broken."""
RECONNECT = 0.02
"""Seconds to the next try after a refused connection."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
Key = tuple[str, Kind]


@dataclass(frozen=True)
class Hit:
    """One request and what its answer looks like."""

    key: Key
    request: bytes
    status: int
    body: bytes


def open_hit(links: Links, tracking_id: str, *, address: str = "") -> Hit:
    """A mail client that shows the pixel."""
    target = links.pixel(tracking_id).removeprefix(links.portal_url)
    return Hit((tracking_id, OPEN), request(target, address=address), 200, GIF)


def click_hit(links: Links, tracking_id: str, url: str = "https://example.org/guide?part=2") -> Hit:
    """A reader who follows a link."""
    address = links.click(tracking_id, url)
    assert address is not None
    return Hit((tracking_id, CLICK), request(address.removeprefix(links.portal_url)), 302, b"")


def request(target: str | bytes, *, address: str = "") -> bytes:
    """The bytes of one request as a mail client sends them; `target` goes out as it is.

    address: of the client, as a trusted proxy tells it; '' for one on this machine.
    """
    path = target if isinstance(target, bytes) else target.encode("ascii")
    forwarded = f"X-Forwarded-For: {address}\r\n" if address else ""
    return (
        b"GET " + path + b" HTTP/1.1\r\n"
        b"Host: " + HOST.encode() + b"\r\n" + forwarded.encode() + b"Accept: image/*\r\n"
        b"User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15\r\n\r\n"
    )


@dataclass
class Tally:
    """What a load sent and what it got."""

    sent: Counter[Key] = field(default_factory=Counter)
    answered: Counter[Key] = field(default_factory=Counter)
    """Whole answers of the right status and body."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Whole answers of another kind, by their status line."""
    cut: int = 0
    """Answers that broke off in the middle."""
    unanswered: int = 0
    """Requests that got not one byte."""
    late: int = 0
    """Requests among the cut and unanswered whose client lost patience."""
    refused: int = 0
    """Connections that were not to be had."""
    slowest: float = 0.0
    """Seconds."""

    @property
    def total(self) -> int:
        """Whole, right answers."""
        return self.answered.total()

    @property
    def is_whole(self) -> bool:
        """Whether every request got its right answer."""
        return self.sent == self.answered and not self.wrong and not self.cut and not self.unanswered

    def __str__(self) -> str:
        return (
            f"{self.sent.total()} sent, {self.total} answered, {self.wrong or 'none'} wrong, {self.cut} cut, "
            f"{self.unanswered} unanswered ({self.late} late), {self.refused} refused, slowest {self.slowest:.2f} s"
        )


class Load:
    """Sends hits over kept-alive connections from a thread of its own, inside a `with`.

    hits: sent again and again in their order. limit: requests in all, otherwise until the end of the block. gap:
    seconds between an answer and the next request of its connection.
    """

    def __init__(
        self, port: int, hits: Sequence[Hit], *, connections: int = 16, gap: float = 0.02, limit: int | None = None
    ) -> None:
        self.port = port
        self.gap = gap
        self.tally = Tally()
        self.stopping = False
        self.left: Iterator[Hit] = itertools.islice(itertools.cycle(hits), limit)
        self._connections = connections
        self._background = Background()
        self._open: set[_Connection] = set()
        self._done = asyncio.Event()

    def __enter__(self) -> Self:
        self._background.__enter__()
        self._background.call(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._background.__exit__(kind, error, trace)

    def stop(self) -> Tally:
        """Send nothing more, wait for the answers that are still to come."""
        self._background.call(self._stop)
        return self.wait()

    def wait(self, *, seconds: float = ANSWER_DEADLINE + 10) -> Tally:
        """Wait until the last answer has come: with a `limit`, or after `stop`."""
        self._background.run(self._done.wait(), seconds=seconds)
        return self.tally

    def go_on(self, answers: int, *, seconds: float = 60) -> None:
        """Wait until so many more whole answers have come."""
        wanted = self.tally.total + answers
        eventually(lambda: self.tally.total >= wanted, seconds=seconds, what=lambda: f"{answers} answers: {self.tally}")

    def ended(self, connection: _Connection) -> None:
        """A connection sends nothing more."""
        self._open.discard(connection)
        if not self._open:
            self._done.set()

    def _start(self) -> None:
        self._open = {_Connection(self) for _ in range(self._connections)}
        for connection in self._open:
            connection.connect()

    def _stop(self) -> None:
        self.stopping = True
        for connection in list(self._open):
            connection.rest()


class _Connection(asyncio.Protocol):
    """One client: request, answer, pause, and so on; connects again when it was cut off."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._hit: Hit | None = None
        self._got = bytearray()
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        """The end of the pause, or of the patience."""
        self._task: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """Take up a new connection."""
        self._task = self._loop.create_task(self._connect())

    def rest(self) -> None:
        """End, unless an answer is to come."""
        if self._hit is None and self._transport is not None:
            self._transport.close()

    async def _connect(self) -> None:
        while not self._load.stopping:
            try:
                await self._loop.create_connection(lambda: self, HOST, self._load.port)
            except OSError:
                self._load.tally.refused += 1
                await asyncio.sleep(RECONNECT)
            else:
                return
        self._load.ended(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if self._hit is None:
            raise AssertionError(f"bytes that nobody asked for: {bytes(self._got)!r}")
        answer = whole_answer(self._got)
        if answer is None:
            return
        self._answered(self._hit, answer)
        self._got.clear()
        self._hit = None
        if answer.is_last:
            assert self._transport is not None
            self._transport.close()
        else:
            self._wait(self._load.gap, self._send)

    def connection_lost(self, error: Exception | None) -> None:
        self._wait(0, None)
        self._transport = None
        if self._hit is not None:
            self._load.tally.cut += bool(self._got)
            self._load.tally.unanswered += not self._got
            self._hit = None
            self._got.clear()
        self.connect()

    def _send(self) -> None:
        assert self._transport is not None
        hit = None if self._load.stopping else next(self._load.left, None)
        if hit is None:
            self._load.stopping = True
            self._transport.close()
            return
        self._hit, self._since = hit, time.monotonic()
        self._load.tally.sent[hit.key] += 1
        self._wait(ANSWER_DEADLINE, self._give_up)
        self._transport.write(hit.request)

    def _give_up(self) -> None:
        self._load.tally.late += 1
        if self._transport is not None:
            self._transport.abort()

    def _answered(self, hit: Hit, answer: Answer) -> None:
        tally = self._load.tally
        tally.slowest = max(tally.slowest, time.monotonic() - self._since)
        if (answer.status, answer.body) == (hit.status, hit.body):
            tally.answered[hit.key] += 1
        else:
            tally.wrong[f"{answer.status} with {len(answer.body)} bytes"] += 1

    def _wait(self, seconds: float, then: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then) if then is not None else None


@dataclass(frozen=True)
class Answer:
    """One whole answer."""

    status: int
    body: bytes
    is_last: bool
    """Whether the server said that it closes the connection now."""


def whole_answer(data: bytes | bytearray) -> Answer | None:
    """One answer, or None while some of it is still to come.

    Raises ValueError for what is no answer with a Content-Length, which is all that the tracking endpoints send.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(data[:end]).lower()
    found = _LENGTH.search(head)
    if found is None or not head.startswith(b"http/1.1 "):
        raise ValueError(f"not an answer with a length: {head!r}")
    start, length = end + 4, int(found[1])
    if len(data) < start + length:
        return None
    return Answer(int(head[9:12]), bytes(data[start : start + length]), b"\r\nconnection: close" in head)


def eventually(condition: Callable[[], object], *, seconds: float, what: Callable[[], str] | str) -> None:
    """Look until `condition` holds; past `seconds` fail and say `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)
