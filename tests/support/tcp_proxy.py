"""A network between two processes of this machine that a test can cut, freeze or slow down."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from types import TracebackType
from typing import Literal, Self

from tests.support.background import Background

Mode = Literal["open", "cut", "silent", "slow"]
"""open: passes all. cut: resets connections, old and new. silent: takes connections and bytes and passes none on, in
either direction. slow: passes each piece after a delay."""
PIECE = 65536


class TcpProxy:
    """Listens on a free port of loopback and passes to `port`, in a thread of its own, inside a `with`.

    delay: seconds that each piece of up to 64 KB waits in the mode `slow`, in either direction.
    """

    def __init__(self, port: int, *, delay: float = 0.2) -> None:
        self.port = 0
        self._target = port
        self._delay = delay
        self._mode: Mode = "open"
        self._flowing = asyncio.Event()
        self._background = Background()
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._background.__enter__()
        self._background.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._background.run(self._end())
        finally:
            self._background.__exit__(kind, error, trace)

    def become(self, mode: Mode) -> None:
        """Change the network for old and new connections."""
        self._background.call(lambda: self._become(mode))

    def forsake(self) -> None:
        """Nothing of the connections there are now arrives ever again, their end neither; new ones are open.

        So it is when a firewall has forgotten them, or our host has changed its address.
        """
        self._background.call(self._forsake)

    def _forsake(self) -> None:
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def _become(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "silent":
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode == "cut":
            for client in self._clients:
                client.cancel()

    async def _start(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._become("cut")
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            if self._mode != "cut":
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._clients.discard(task)
            _reset(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flowing = self._flowing
        await flowing.wait()
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, back, flowing))
                both.create_task(self._pass(there, writer, flowing))
        except* OSError:
            pass
        finally:
            _reset(back)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
        while True:
            try:
                data = await reader.read(PIECE)
            except OSError:
                # A broken connection, too, is something that has to arrive.
                await flowing.wait()
                raise
            if self._mode == "slow":
                await asyncio.sleep(self._delay)
            await flowing.wait()
            if not data:
                break
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other end hears a reset, not an orderly end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        # SO_LINGER with 0 seconds: (on, seconds) as two C ints.
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4))
    writer.transport.abort()
