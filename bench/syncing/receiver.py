"""A receiver that costs next to nothing, so that the sync is what is measured: `python -m bench.syncing.receiver`.

It reads each request of `/api/event` to its end, waits, and answers 202 as Plausible does; or it goes wrong for a part
of them. `POST /set` changes how, `GET /counts` says what came, and from which visitors several events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.processes import die_with_parent

OK = b"HTTP/1.1 202 Accepted\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"
DROPPED = OK.replace(b"\r\n\r\n", b"\r\nx-plausible-dropped: 1\r\n\r\n", 1)
FAULTS = ("503", "429", "500", "400", "dropped", "lost", "half")
PROCESSED = frozenset({"500", "lost", "half"})
"""Faults after which the event counts all the same."""


@dataclass
class State:
    """How requests are answered, and what came so far."""

    delay: float = 0.0
    hangs: bool = False
    faulty: float = 0.0
    """Part of the requests that something happens to."""
    visitors: Counter[bytes] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    draws: random.Random = field(default_factory=lambda: random.Random(3))


class Connection(asyncio.Protocol):
    """One client; its requests come one after the other."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take whole requests out of what came."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[: end + 2]
            length = int(_header(head, b"content-length") or 0)
            if len(self._held) < end + 4 + length:
                return
            body, self._held = self._held[end + 4 : end + 4 + length], self._held[end + 4 + length :]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        state = self._state
        path = head.split(b" ", 2)[1]
        if path == b"/set":
            for name, value in json.loads(body).items():
                setattr(state, name, value)
            self._say(OK)
        elif path == b"/counts":
            again = {address.decode(): count for address, count in state.visitors.items() if count > 1}
            told = {"outcomes": state.outcomes, "again": again}
            self._say(_answer(200, json.dumps(told).encode()))
            state.outcomes, state.visitors = Counter(), Counter()
        elif path == b"/api/event":
            self._event(head)
        else:
            self._say(_answer(200, b'{"ok":true}'))

    def _event(self, head: bytes) -> None:
        state = self._state
        fault = state.draws.choice(FAULTS) if state.draws.random() < state.faulty else ""
        if not fault or fault in PROCESSED:
            state.visitors[_header(head, b"x-plausible-ip") or b""] += 1
            state.outcomes["counted"] += 1
        state.outcomes[fault or "accepted"] += 1
        if state.hangs:
            return
        if state.delay:
            asyncio.get_running_loop().call_later(state.delay, self._finish, fault)
        else:
            self._finish(fault)

    def _finish(self, fault: str) -> None:
        if fault == "dropped":
            self._say(DROPPED)
        elif fault == "lost":
            self._close()
        elif fault == "half":
            self._say(OK[:40])
            self._close()
        elif fault:
            self._say(_answer(int(fault), b'{"errors":{"domain":["is wrong"]}}'))
        else:
            self._say(OK)

    def _say(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _answer(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


async def main() -> None:
    """Answer on a port of loopback until somebody ends us."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    options: Any = parser.parse_args()
    die_with_parent()
    state = State()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", options.port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
