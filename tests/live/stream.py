"""Reads server-sent events as a browser does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from quart.testing.connections import TestHTTPConnection
from quart.typing import TestClientProtocol as Client

from tests.support.web import HOST

SOON = 10.0
"""Seconds that a test waits for something that comes at once: only a failure takes this long."""


@dataclass
class Change:
    """One event as the page's script gets it."""

    data: dict[str, Any]
    last_event_id: str


@dataclass
class Stream:
    """An open stream; `id` is what the browser sends as Last-Event-ID when it comes back."""

    connection: TestHTTPConnection
    id: str = ""
    pings: int = 0
    _buffer: str = ""

    async def change(self) -> Change:
        """The next event of type `change`. Raises TimeoutError, or EOFError where the stream ended."""
        while True:
            fields = await self._block()
            self.id = fields.get("id", self.id)
            if fields.get("event") == "change":
                return Change(json.loads(fields["data"]), self.id)

    async def until_open(self) -> None:
        """Wait until the server has said where the stream starts."""
        while not self.id:
            self.id = (await self._block()).get("id", "")

    async def _block(self) -> dict[str, str]:
        while "\n\n" not in self._buffer:
            async with asyncio.timeout(SOON):
                piece = await self.connection.receive()
            if not piece:
                raise EOFError
            self._buffer += piece.decode()
        block, _, self._buffer = self._buffer.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        self.pings += fields.get("event") == "ping"
        return fields


@asynccontextmanager
async def listening(client: Client, topics: str, *, last_event_id: str = "", after: str = "") -> AsyncIterator[Stream]:
    """A page that follows topics inside the block."""
    headers = {"Host": HOST, **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    async with client.request(f"/live?topics={topics}&after={after}", headers=headers) as connection:
        assert isinstance(connection, TestHTTPConnection)
        await connection.send_complete()
        stream = Stream(connection)
        await stream.until_open()
        yield stream
        await connection.disconnect()
