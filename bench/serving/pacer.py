"""A load generator of our own: `python -m bench.serving.pacer FILE --port N [--rate N]`; prints one line of JSON.

With a rate, requests leave at fixed moments whatever the server does, and a request's time counts from the moment at
which it should have left: a server that stalls cannot hide those that had to wait behind the stall (no coordinated
omission). Without a rate every connection asks again as soon as it has its answer. All that was asked is waited for at
the end, so that what was answered can be compared with what was stored, to the unit.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import re
import select
import socket
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

DRAIN = 30.0
"""Seconds to wait at the end for answers that are still out."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Talk:
    """One connection that is kept open."""

    sock: socket.socket
    asked_at: float = 0.0
    received: bytes = b""


@dataclass
class Tally:
    """What came back."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    times: array[float] = field(default_factory=lambda: array("d"))

    @property
    def answered(self) -> int:
        """Answers below 400."""
        return sum(count for status, count in self.statuses.items() if status < 400)

    @property
    def refused(self) -> int:
        """Answers of 400 and above."""
        return self.statuses.total() - self.answered


class Load:
    """One run against one port of loopback.

    rate: requests a second, or None for as many as the connections carry.
    """

    def __init__(self, port: int, asked: Sequence[bytes], *, connections: int, rate: float | None) -> None:
        self._port = port
        self._asked = asked
        self._rate = rate
        self._connections = connections
        self._epoll = select.epoll()
        self._talks: dict[int, Talk] = {}
        self._idle: deque[Talk] = deque()
        self._sent = 0
        self.tally = Tally()

    def run(self, seconds: float) -> float:
        """Load the server for that long; seconds that passed until the last answer."""
        for _ in range(self._connections):
            self._open()
        start = time.perf_counter()
        end, given_up = start + seconds, start + seconds + DRAIN
        while True:
            now = time.perf_counter()
            self._send(start, min(now, end), now)
            waiting = len(self._talks) - len(self._idle)
            if now >= end and (now >= given_up or (not waiting and not self._owed(start, end))):
                break
            # epoll counts in milliseconds, select in microseconds: at thousands of requests a second that matters.
            pause = 0.05 if self._rate is None else max(0.0, start + (self._sent + 1) / self._rate - now)
            select.select([self._epoll], [], [], min(pause, 0.05) if self._idle else 0.05)
            for number, _ in self._epoll.poll(0):
                self._receive(self._talks[number])
        self.tally.broken += len(self._talks) - len(self._idle)
        took = time.perf_counter() - start
        for talk in self._talks.values():
            talk.sock.close()
        self._epoll.close()
        return took

    def _owed(self, start: float, until: float) -> int:
        """Requests that should have left by then and have not."""
        return int((until - start) * self._rate) - self._sent if self._rate else 0

    def _send(self, start: float, until: float, now: float) -> None:
        count = len(self._idle)
        if self._rate:
            count = min(count, self._owed(start, until))
        elif until < now:
            count = 0
        for _ in range(count):
            talk = self._idle.popleft()
            talk.asked_at = start + self._sent / self._rate if self._rate else time.perf_counter()
            self._sent += 1
            talk.sock.send(random.choice(self._asked))

    def _receive(self, talk: Talk) -> None:
        try:
            data = talk.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            if talk not in self._idle:
                self.tally.broken += 1
            self._close(talk)
            self._open()
            return
        talk.received += data
        head = talk.received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = LENGTH.search(talk.received, 0, head)
        if length is None:
            raise SystemExit(f"an answer without Content-Length: {talk.received[:head]!r}")
        if len(talk.received) < head + 4 + int(length[1]):
            return
        self.tally.statuses[int(talk.received[9:12])] += 1
        self.tally.times.append(time.perf_counter() - talk.asked_at)
        talk.received = b""
        self._idle.append(talk)

    def _open(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        talk = self._talks[sock.fileno()] = Talk(sock)
        self._epoll.register(sock, select.EPOLLIN)
        self._idle.append(talk)

    def _close(self, talk: Talk) -> None:
        self._epoll.unregister(talk.sock)
        del self._talks[talk.sock.fileno()]
        if talk in self._idle:
            self._idle.remove(talk)
        talk.sock.close()


def read_requests(file: Path, port: int) -> list[bytes]:
    """The requests of a file of `bench.serving.dataset.write_requests`, as they go over the wire."""
    lines = [line.split("\t") for line in file.read_text(encoding="ascii").splitlines()]
    return [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {agent}\r\nX-Forwarded-For: {address}\r\n"
        "Accept: image/avif,image/webp,*/*\r\nAccept-Encoding: gzip, deflate\r\n\r\n".encode("ascii")
        for path, address, agent in lines
    ]


def main() -> int:
    """Run and print what came back; times in seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=None)
    options = parser.parse_args()
    asked = read_requests(options.file, options.port)
    load = Load(options.port, asked, connections=options.connections, rate=options.rate)
    gc.disable()
    took = load.run(options.seconds)
    times = sorted(load.tally.times)

    def percentile(share: float) -> float:
        return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0

    print(
        json.dumps(
            {
                "seconds": max(took, options.seconds),
                "answered": load.tally.answered,
                "refused": load.tally.refused,
                "broken": load.tally.broken,
                "p50": percentile(0.5),
                "p99": percentile(0.99),
                "p999": percentile(0.999),
                "worst": percentile(1),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
