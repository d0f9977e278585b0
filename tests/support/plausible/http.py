"""HTTP/1.1 as a server: whole requests with the bytes they came in, and answers as bytes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

import h11

PIECE = 65536
MAX_BODY = 64_000_000
"""Bytes of a request body past which the connection is closed; far over every limit that is answered."""


@dataclass(frozen=True)
class Request:
    """A request as it came.

    raw: its bytes as sent, head and body. headers: names in lower case, in order. target: path and query as sent.
    whole: False where the connection was closed on purpose before the body.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes
    peer: str
    received: datetime
    connection: int
    whole: bool = True

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The first header of this name, None without one."""
        return next((value for key, value in self.headers if key == name.lower()), None)


@dataclass
class Response:
    """An answer; `close` ends the connection after it."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: list[tuple[str, str]] = field(default_factory=list)
    close: bool = False

    @classmethod
    def of_json(cls, status: int, value: object) -> Response:
        """An answer with this value as JSON."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def event(self, now: datetime) -> h11.Response:
        """The head for h11. now: aware, for the `Date`."""
        headers = [("date", format_datetime(now.astimezone(UTC), usegmt=True)), *self.headers]
        if self.status != 204:
            headers += [("content-type", self.content_type), ("content-length", str(len(self.body)))]
        if self.close:
            headers.append(("connection", "close"))
        return h11.Response(status_code=self.status, headers=[(k.encode(), v.encode()) for k, v in headers])


class Closed(Exception):
    """The client has gone, or speaks no HTTP."""


@dataclass
class Incoming:
    """One connection: reads requests and writes answers, one after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=65536))
    _received: bytes = b""

    async def head(self) -> h11.Request:
        """Read up to the end of a request's head; raises Closed."""
        event = await self._next()
        if not isinstance(event, h11.Request):
            raise Closed
        return event

    async def rest(self, head: h11.Request, now: datetime) -> Request:
        """Read the body that belongs to the head; raises Closed."""
        if self.state.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if not isinstance(event, h11.Data) or len(body) > MAX_BODY:
                raise Closed
            body += event.data
        left_over = self.state.trailing_data[0]
        raw = self._received[: len(self._received) - len(left_over)]
        self._received = left_over
        return self.request(head, now, bytes(body), raw)

    def request(self, head: h11.Request, now: datetime, body: bytes, raw: bytes, *, whole: bool = True) -> Request:
        """The record of a request."""
        peer = self.writer.get_extra_info("peername")
        return Request(
            method=head.method.decode(),
            target=head.target.decode("latin-1"),
            headers=tuple((key.decode().lower(), value.decode("latin-1")) for key, value in head.headers),
            body=body,
            raw=raw,
            peer=peer[0] if peer else "",
            received=now,
            connection=self.number,
            whole=whole,
        )

    def unread(self, head: h11.Request, now: datetime) -> Request:
        """The record of a request whose body nobody reads."""
        return self.request(head, now, b"", self._received, whole=False)

    async def answer(self, response: Response, now: datetime, *, bytes_sent: int | None = None) -> None:
        """Send an answer, or only its first `bytes_sent` bytes."""
        data = (
            (self.state.send(response.event(now)) or b"")
            + ((self.state.send(h11.Data(data=response.body)) or b"") if response.body else b"")
            + (self.state.send(h11.EndOfMessage()) or b"")
        )
        self.writer.write(data if bytes_sent is None else data[:bytes_sent])
        await self.writer.drain()

    def again(self) -> bool:
        """Get ready for the next request; False where the connection has to end."""
        if self.state.our_state is not h11.DONE or self.state.their_state is not h11.DONE:
            return False
        self.state.start_next_cycle()
        return True

    def _write(self, event: h11.InformationalResponse) -> None:
        self.writer.write(self.state.send(event) or b"")

    async def _next(self) -> h11.Request | h11.Data | h11.EndOfMessage | h11.ConnectionClosed:
        while True:
            try:
                event = self.state.next_event()
            except h11.RemoteProtocolError as error:
                raise Closed from error
            if event is h11.NEED_DATA:
                data = await self.reader.read(PIECE)
                self._received += data
                try:
                    self.state.receive_data(data)
                except h11.RemoteProtocolError as error:
                    raise Closed from error
            elif isinstance(event, (h11.Request, h11.Data, h11.EndOfMessage, h11.ConnectionClosed)):
                return event
            else:
                raise Closed
