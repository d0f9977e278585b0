"""The stand-in on a port of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import h11

from tests.support.background import Background
from tests.support.plausible.api import answer
from tests.support.plausible.faults import Fault, Faults
from tests.support.plausible.http import Closed, Incoming, Request, Response
from tests.support.plausible.model import Dropped, Edition, Event, Instance, Key, Rejected, Site

HTML = b"<!doctype html><html><head><title>Log in</title></head><body><h1>Please log in</h1></body></html>"
LINGER_NONE = (1).to_bytes(4, "little") + bytes(4)
"""SO_LINGER with 0 seconds: close with a reset."""


class PlausibleServer:
    """An instance of Plausible that validates, drops and answers as the real one, and fails as it is told to.

    edition: `ce` has the Plugins API and drops no data-centre addresses; `cloud` has the Sites API and drops them.
    site, sites: what it knows. stats_key, sites_key: API keys of a team that owns the sites; `plugin_token` provisions
    the first site on Community Edition. tls: serve https. clock: an aware UTC time. record: keep every request.
    More is set on `instance`, while it runs too.
    """

    def __init__(
        self,
        *,
        edition: Edition = "ce",
        site: str | Site = "help.example.com",
        sites: Iterable[str | Site] = (),
        stats_key: str = "stats-key",
        sites_key: str = "sites-key",
        plugin_token: str = "plausible-plugin-token",  # noqa: S107
        spam_referrers: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        record: bool = True,
        seed: int = 1,
    ) -> None:
        known = [one if isinstance(one, Site) else Site(one) for one in (site, *sites)]
        domains = frozenset(one.domain for one in known)
        self.instance = Instance(
            edition,
            {one.domain: one for one in known},
            keys={stats_key: Key(domains), sites_key: Key(domains, frozenset({"stats", "sites"}))},
            plugin_tokens={plugin_token: known[0].domain} if edition == "ce" else {},
            spam_referrers=frozenset(spam_referrers),
            clock=clock,
        )
        self.stats_key = stats_key
        self.sites_key = sites_key
        self.plugin_token = plugin_token
        self.faults = Faults(seed=seed)
        self.requests: list[Request] = []
        """Every request, in order of its last byte; empty with record=False."""
        self.connections = 0
        """How many connections were taken."""
        self.host = host
        self.port = port
        self._tls = tls
        self._record = record
        self._site = known[0]
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    @property
    def site(self) -> Site:
        """The first site."""
        return self._site

    @property
    def events(self) -> list[Event]:
        """What counts, in order."""
        return self.instance.events

    @property
    def dropped(self) -> list[Dropped]:
        """What was answered 202 and does not count."""
        return self.instance.dropped

    @property
    def rejected(self) -> list[Rejected]:
        """What /api/event refused."""
        return self.instance.rejected

    @classmethod
    @contextmanager
    def in_thread(cls, **options: Any) -> Iterator[Self]:
        """Run one in a thread of its own, for tests that wait for another process."""
        with Background() as background:
            server = cls(**options)
            background.run(server.__aenter__())
            try:
                yield server
            finally:
                background.run(server.__aexit__(None, None, None))

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._bind()
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlisten()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def down(self) -> None:
        """Refuse connections and reset those there are; from any thread."""
        self._inside(self._go_down)

    def up(self) -> None:
        """Listen again, on the same port; from any thread."""
        self._inside(self._listen)

    def _go_down(self) -> None:
        self._unlisten()
        # Bound and not listening: the port stays ours and refuses.
        self._bind()
        for task, writer in list(self._open.items()):
            _reset(writer)
            task.cancel()

    def _inside(self, function: Callable[[], None]) -> None:
        assert self._loop is not None, "the server is not running"
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            function()
            return

        async def inside() -> None:
            function()

        asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)

    def _bind(self) -> None:
        self._listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind((self.host, self.port))
        self.port = self._listener.getsockname()[1]

    def _listen(self) -> None:
        assert self._loop is not None
        assert self._listener is not None
        self._listener.listen(1024)
        self._accepting = self._loop.create_task(self._accept(self._listener))

    def _unlisten(self) -> None:
        assert self._loop is not None
        assert self._listener is not None
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        self._loop.remove_reader(self._listener)
        self._listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            taken, _ = await loop.sock_accept(listener)
            self.connections += 1
            reader = asyncio.StreamReader()
            task = loop.create_task(self._serve(taken, reader, self.connections))
            task.add_done_callback(lambda done: self._open.pop(done, None))

    async def _serve(self, taken: socket.socket, reader: asyncio.StreamReader, number: int) -> None:
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, taken, ssl=self._tls)
        except OSError:
            taken.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            incoming = Incoming(reader, writer, number)
            while await self._exchange(incoming) and incoming.again():
                pass
        except (Closed, OSError, h11.LocalProtocolError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _exchange(self, incoming: Incoming) -> bool:
        """Read one request and answer it; False where the connection is over."""
        head = await incoming.head()
        path = head.target.decode("latin-1").partition("?")[0]
        if self.faults.take(path, unread=True):
            self._keep(incoming.unread(head, self.instance.clock()))
            _reset(incoming.writer)
            return False
        request = await incoming.rest(head, self.instance.clock())
        self._keep(request)
        fault = self.faults.take(path, unread=False)
        response = answer(self.instance, request) if fault is None or fault.processed else Response(200)
        if fault is not None:
            return await self._fail(fault, incoming, response)
        await incoming.answer(response, self.instance.clock())
        return True

    async def _fail(self, fault: Fault, incoming: Incoming, response: Response) -> bool:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "hang":
            await self.faults.released.wait()
            return False
        elif fault.kind == "lose_answer":
            return False
        elif fault.kind == "close_mid_answer":
            # Head and length say more than comes.
            response.headers.append(("x-half", "x" * 200))
            await incoming.answer(response, self.instance.clock(), bytes_sent=120)
            return False
        elif fault.kind == "garbage":
            incoming.writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            return False
        else:
            response = _wrong(fault)
        await incoming.answer(response, self.instance.clock())
        return True

    def _keep(self, request: Request) -> None:
        if self._record:
            self.requests.append(request)


def _wrong(fault: Fault) -> Response:
    if fault.kind == "html":
        return Response(200, HTML, "text/html; charset=utf-8")
    if fault.kind == "huge":
        return Response(200, b" " * fault.size, "application/json", close=True)
    if fault.kind == "redirect":
        return Response(fault.status, b"", headers=[("location", fault.location)])
    headers = [("retry-after", fault.retry_after)] if fault.retry_after is not None else []
    return Response(fault.status, HTML, "text/html; charset=utf-8", headers=headers)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
    writer.transport.abort()
