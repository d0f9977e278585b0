"""Web processes of the plain application, each on a socket of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from app.server import claim_path, claim_port, claim_port_for_each

ROOT = Path(__file__).resolve().parents[2]
SOON = 30.0
"""Seconds that a test waits for something that comes at once: only a failure takes this long."""


class Plain:
    """A running process, what it says and how to talk to it."""

    def __init__(self, process: subprocess.Popen[str], address: tuple[str, int] | str, errors: Path) -> None:
        self.process = process
        self._address = address
        self._errors = errors
        self._said: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._said.put(line.rstrip())

    def hear(self) -> str:
        """The next thing that it says."""
        return self._said.get(timeout=SOON)

    def connect(self, *, patience: float = SOON) -> socket.socket:
        """A new connection. patience: seconds to wait for it."""
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        sock = socket.socket(family)
        sock.settimeout(patience)
        try:
            sock.connect(self._address)
        except OSError:
            sock.close()
            raise
        sock.settimeout(SOON)
        return sock

    def ask(self, request: bytes) -> bytes:
        """Everything that comes until the server closes."""
        with self.connect() as sock:
            sock.sendall(request)
            return read_all(sock)

    def get(self, path: str) -> bytes:
        """The whole answer of one GET on a connection of its own."""
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and return when nobody listens any more."""
        self.process.send_signal(number)
        until(self._refuses)

    def _refuses(self) -> bool:
        # Refused, or answered by nobody while the last one closes.
        try:
            with self.connect(patience=0.2):
                return False
        except OSError:
            return True

    def wait(self) -> int:
        """Its exit code, once it ends."""
        code = self.process.wait(SOON)
        self._listener.join(SOON)
        return code

    @property
    def rest(self) -> list[str]:
        """What it said that was not heard yet."""
        return [self._said.get() for _ in range(self._said.qsize())]

    @property
    def errors(self) -> str:
        """Its standard error."""
        return self._errors.read_text()


class StartPlain(Protocol):
    """Starts one; all are gone after the test."""

    def __call__(self, *arguments: str, uds: Path | None = None, workers: int = 1, **environment: str) -> Plain: ...


def read_all(sock: socket.socket) -> bytes:
    """What comes until the other end closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65_536):
            found += piece
    return found


def until(condition: Callable[[], bool]) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartPlain]:
    """Starts web processes of the plain application."""
    started: list[Plain] = []

    def start(*arguments: str, uds: Path | None = None, workers: int = 1, **environment: str) -> Plain:
        errors = tmp_path / f"errors{len(started)}"
        with errors.open("w") as stderr, ExitStack() as ours:
            if uds:
                sockets = [claim_path(uds, option="--uds")]
            elif workers == 1:
                sockets = [claim_port("127.0.0.1", 0, option="--port")]
            else:
                sockets = claim_port_for_each(workers, "127.0.0.1", 0, option="--port")
            for sock in sockets:
                ours.enter_context(sock)
            descriptors = [sock.fileno() for sock in sockets]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.server.plain_app", *(f"--fd={fd}" for fd in descriptors), *arguments],
                cwd=ROOT,
                env={**os.environ, **environment},
                pass_fds=descriptors,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
            started.append(Plain(process, sockets[0].getsockname(), errors))
        return started[-1]

    yield start
    for plain in started:
        plain.process.kill()
        plain.wait()


@pytest.fixture
def plain(start: StartPlain) -> Plain:
    """One that answers."""
    plain = start()
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    return plain
