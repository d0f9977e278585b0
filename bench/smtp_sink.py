"""A mail server that takes everything, as fast as one process of Python can; it remembers who got how many mails."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Sink:
    """A mail server that takes everything: who got how many, and when the last one came."""

    taken: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    port: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Sink]:
        """Listen on loopback."""
        server = await asyncio.start_server(self._session, "127.0.0.1", 0, limit=1 << 25)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        try:
            writer.write(b"220 sink ESMTP\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    writer.write(b"250-sink\r\n250-SIZE 50000000\r\n250 8BITMIME\r\n")
                elif verb == b"RCPT":
                    recipient = line[line.find(b"<") + 1 : line.find(b">")].decode()
                    writer.write(b"250 ok\r\n")
                elif verb == b"DATA":
                    writer.write(b"354 go\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self._take(recipient, len(data))
                    writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _take(self, recipient: str, size: int) -> None:
        # From here on the server has it, whether or not its answer arrives.
        self.taken[recipient] += 1
        self.bytes += size
        self.last_at = time.monotonic()
        self.first_at = self.first_at or self.last_at
