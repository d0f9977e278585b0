"""How the threads of a web process share a core: in turn while there is a rush, as all others do at other times."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import structlog

from app.server import scheduling as module
from app.server.scheduling import Scheduling
from tests.server.conftest import Plain, StartPlain, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has SCHED_BATCH")

CONNECTIONS = 120
PATIENCE = 20.0


def policies(pid: int | str = "self") -> set[int]:
    """Of all threads of a process."""
    return {os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")}


@pytest.fixture
def other_thread() -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    yield
    end.set()
    thread.join()


@pytest.mark.usefixtures("other_thread")
async def test_all_threads_take_turns_in_a_rush_and_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALM", 0.2)
    scheduling = Scheduling(asyncio.get_running_loop())
    assert policies() == {os.SCHED_OTHER}
    for _ in range(3):
        scheduling.rush()
        assert policies() == {os.SCHED_BATCH}
        await asyncio.sleep(0.12)
    assert policies() == {os.SCHED_BATCH}
    async with asyncio.timeout(PATIENCE):
        while scheduling.is_rush:
            await asyncio.sleep(0.02)
    assert policies() == {os.SCHED_OTHER}


async def test_where_it_is_not_allowed_it_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def refuses(thread: int, *_: object) -> None:
        tried.append(thread)
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuses)
    monkeypatch.setattr(module, "CALM", 0.01)
    scheduling = Scheduling(asyncio.get_running_loop())
    with structlog.testing.capture_logs() as logs:
        scheduling.rush()
        await asyncio.sleep(0.05)
        scheduling.rush()
    assert [line["error"] for line in logs] == ["PermissionError"]
    assert len(tried) == 1


def _ask(sock: socket.socket) -> None:
    sock.sendall(b"GET /direct HTTP/1.1\r\nHost: a\r\n\r\n")


def test_many_requests_at_once_are_a_rush(start: StartPlain) -> None:
    plain: Plain = start()
    assert plain.hear() == "started"
    until(lambda: not plain._refuses())
    assert policies(plain.process.pid) == {os.SCHED_OTHER}
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        socks = [stack.enter_context(plain.connect()) for _ in range(CONNECTIONS)]
        while policies(plain.process.pid) != {os.SCHED_BATCH}:
            assert time.monotonic() < deadline
            for sock in socks:
                _ask(sock)
            for sock in socks:
                assert b"200 OK" in sock.recv(1000)
    until(lambda: policies(plain.process.pid) == {os.SCHED_OTHER})
    plain.stop()
    assert plain.wait() == 0
