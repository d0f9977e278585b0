"""Clients that ask as fast as they can and know what became of each of their requests."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.server.conftest import Plain, until

ANSWER = re.compile(rb"HTTP/1\.1 200 OK\r\n(?:.*\r\n)?x-pid: (\d+)\r\n(?:.*\r\n)?\r\n", re.S | re.I)


@dataclass
class Callers:
    """Ask from several threads inside a `with`: half of them with a connection for each request.

    Those that keep their connection give it up when an answer says that it is the last one. path: what they ask for; it
    must have no body.
    """

    plain: Plain
    path: str = "/"
    threads: int = 8
    answered: int = 0
    pids: set[int] = field(default_factory=set)
    refused: int = 0
    """Connections that were not to be had."""
    dropped: int = 0
    """Requests that got no whole answer."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n % 2 == 0,)) for n in range(self.threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, answers: int) -> None:
        """Wait until so many more have come."""
        wanted = self.answered + answers
        until(lambda: self.answered >= wanted)

    def _ask(self, keeps: bool) -> None:
        while not self._over.is_set():
            try:
                sock = self.plain.connect(patience=5)
            except OSError:
                with self._lock:
                    self.refused += 1
                self._over.wait(0.01)
                continue
            with sock:
                while self._get_one(sock.sendall, sock.recv, keeps) and keeps and not self._over.is_set():
                    pass

    def _get_one(self, send: object, receive: object, keeps: bool) -> bool:
        """One request; whether the connection may be used again."""
        assert callable(send)
        assert callable(receive)
        end = b"" if keeps else b"Connection: close\r\n"
        got = b""
        try:
            send(f"GET {self.path} HTTP/1.1\r\nHost: a\r\n".encode() + end + b"\r\n")
            while not got.endswith(b"\r\n\r\n") and (piece := receive(65_536)):
                got += piece
        except OSError:
            pass
        answer = ANSWER.fullmatch(got)
        with self._lock:
            if answer is None:
                self.dropped += 1
            else:
                self.answered += 1
                self.pids.add(int(answer[1]))
        return answer is not None and b"connection: close" not in got.lower()
