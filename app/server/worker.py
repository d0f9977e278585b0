"""One web process: an ASGI application behind Granian on a socket that is already bound."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.embed import Server

from app.server.lifespan import Asgi, Lifespan, LifespanFailed
from app.server.signals import Asked

log = structlog.get_logger(__name__)

NOT_STARTED = 3
"""Exit code of a process whose application refused to start."""
GRACE = 5.0
"""Seconds that clients have to take their answers once we are asked to end."""
LIFESPAN = 10.0
"""Seconds that the application has for its own end, after that."""
IDLE = 20.0
"""Seconds in which a request's head must come, and after which a connection that asks nothing is closed."""
MAX_HEAD = 65_536
"""Bytes of a request's line and headers."""
BACKLOG = 1024
COLLECT_AFTER = (20_000, 20, 50)
"""Objects, and collections of the younger ones, after which cycles are looked for (`gc.set_threshold`)."""
MAX_FILES = 65_536
FILES_KEPT = 256
"""File descriptors that connections leave for the database, logs and files."""
LOGGING = {
    "handlers": {"structlog": {"class": "app.log.ToStructlog"}},
    "loggers": {"_granian": {"handlers": ["structlog"], "propagate": False}},
}


class _Granian(Server):
    """Granian's server for an event loop that is ours, on a socket that is ours.

    Granian itself binds anew in each process (SO_REUSEPORT): connections that wait for a process that dies are lost
    then, two programs can share a port without a word, and unix sockets work in one process only.
    """

    def __init__(self, app: Asgi, sock: socket.socket) -> None:
        super().__init__(
            app,
            # Without lifespan: see app.server.lifespan.
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            # Granian counts connections, not requests: with its default of 1,024, that many idle ones stop the rest.
            backpressure=_room_for_connections(),
            http1_settings=HTTP1Settings(header_read_timeout=int(IDLE * 1000), max_buffer_size=MAX_HEAD),
            # Below errors it tells of each client that hung up, and that this way of using it is young.
            log_level=LogLevels.error,
            log_dictconfig=LOGGING,
        )
        self._sock = sock

    def _init_shared_socket(self) -> None:
        uds = self._sock.family == socket.AF_UNIX
        holder: Any = SocketHolder  # Granian's types leave its constructor out.
        # Granian closes the descriptor when it stops to accept; from here on it is nobody else's.
        self._shd = holder(self._sock.detach(), uds, BACKLOG)


def _room_for_connections() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - FILES_KEPT, files // 2)


def run(app: Asgi, sock: socket.socket, *, at_end: Callable[[], None] | None = None) -> NoReturn:
    """`serve`, then end the process. at_end: called just before."""

    async def inside() -> NoReturn:
        code = await serve(app, sock)
        if at_end is not None:
            at_end()
        leave(code)

    asyncio.run(inside())
    raise AssertionError("the process has ended")


def leave(code: int = 0) -> NoReturn:
    """End the process as it stands: Granian's threads may abort it while the interpreter takes itself apart."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def serve(app: Asgi, sock: socket.socket) -> int:
    """Start the application, answer until SIGINT or SIGTERM, end it; 0, or the exit code of what went wrong.

    Answers that are under way go out first, for at most `GRACE` seconds; a second signal cuts that short. Then the
    application has `LIFESPAN` seconds.
    """
    asked = Asked()
    lifespan = Lifespan(app)
    try:
        await lifespan.startup()
    except LifespanFailed as error:
        log.error("the application did not start", error=str(error))
        return NOT_STARTED
    _spare_the_collector()
    ended_as_asked = await _answer(_from_loopback(app) if sock.family == socket.AF_UNIX else app, sock, asked)
    try:
        async with asyncio.timeout(LIFESPAN):
            await lifespan.shutdown()
    except TimeoutError:
        log.error("the application did not end in time", seconds=LIFESPAN)
        return 1
    except LifespanFailed as error:
        log.error("the application did not end cleanly", error=str(error))
        return 1
    return 0 if ended_as_asked else 1


def _spare_the_collector() -> None:
    """Leave what the start made out of every later collection, and collect less often: what requests make is freed by
    its counts, and looking for cycles took a tenth of the time of a busy process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _answer(app: Asgi, sock: socket.socket, asked: Asked) -> bool:
    """Answer until asked to stop; False where Granian ended on its own."""
    server = _Granian(app, sock)
    serving = asyncio.create_task(server.serve())
    stop = asyncio.create_task(asked.to_stop.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.done():
        log.error("the server ended on its own", error=repr(serving.exception()))
        return False
    server.stop()  # type: ignore[no-untyped-call]
    hurry = asyncio.create_task(asked.to_hurry.wait())
    await asyncio.wait({serving, hurry}, timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        log.warning("connections that were still open are cut", hurried=hurry.done())
    return True


def _from_loopback(app: Asgi) -> Asgi:
    """What comes over a unix socket comes from this machine: TRUSTED_PROXIES can name it as 127.0.0.1."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": ("127.0.0.1", 0)}, receive, send)

    return inner
