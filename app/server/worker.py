"""One web process: an ASGI application behind Granian on a socket that is already bound."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import sys
import time
from typing import Any, NoReturn

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.embed import Server

from app.server import door
from app.server.child import READY, TIRED, Line
from app.server.front import Direct, Front
from app.server.lifespan import Asgi, Lifespan, LifespanFailed
from app.server.limits import Limits, memory
from app.server.signals import Asked
from app.server.turns import answer_requests

log = structlog.get_logger(__name__)

NOT_STARTED = 3
"""Exit code of a process whose application refused to start."""
QUIET = 0.25
"""Seconds without a request after which those that are still connected count as idle, once we are asked to end."""
DRAIN = 1.5
"""Seconds that this may take at most."""
GRACE = 5.0
"""Seconds that clients have to take their answers after that."""
PATIENCE = 60.0
"""The same for one that is replaced: nobody waits for its end."""
LIFESPAN = 10.0
"""Seconds that the application has for its own end, after that."""
IDLE = 20.0
"""Seconds in which a request's head must come, and after which a connection that asks nothing is closed."""
MAX_HEAD = 65_536
"""Bytes of a request's line and headers."""
BACKLOG = 1024
SETTLE = 0.1
"""Seconds in which Granian would fail, where it fails at its start."""
LOOK = 1.0
"""Seconds between two looks whether this process has done enough."""
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

    def __init__(self, front: Front, sock: socket.socket) -> None:
        super().__init__(
            front,
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
        self._listener = sock.detach()
        self._is_unix = sock.family == socket.AF_UNIX

    def leave_to_others(self) -> None:
        """Accept nobody any more; who is connected stays so."""
        door.leave_to_others(self._listener)

    def _init_shared_socket(self) -> None:
        holder: Any = SocketHolder  # Granian's types leave its constructor out.
        # Granian closes the descriptor when it stops to accept; from here on it is nobody else's.
        self._shd = holder(self._listener, self._is_unix, BACKLOG)


def _room_for_connections() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - FILES_KEPT, files // 2)


def run(
    app: Asgi,
    sock: socket.socket,
    *,
    direct: Direct | None = None,
    line: Line | None = None,
    limits: Limits = Limits(),  # noqa: B008
) -> NoReturn:
    """`serve`, then end the process."""

    async def inside() -> NoReturn:
        leave(await serve(app, sock, direct=direct, line=line, limits=limits))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(inside())
    raise AssertionError("the process has ended")


def leave(code: int = 0) -> NoReturn:
    """End the process as it stands: Granian's threads may abort it while the interpreter takes itself apart."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def serve(
    app: Asgi,
    sock: socket.socket,
    *,
    direct: Direct | None = None,
    line: Line | None = None,
    limits: Limits = Limits(),  # noqa: B008
) -> int:
    """Start the application, answer until a signal, end it; 0, or the exit code of what went wrong.

    direct: what of the application answers without a coroutine; asked first.

    SIGINT and SIGTERM: nobody new comes in, whoever has come in is answered, for at most `GRACE` seconds; another such
    signal cuts that short. `app.server.child.RETIRE`: the same, but those who are not accepted yet are left to our
    successor. Then the application has `LIFESPAN` seconds. line, limits: to tell the supervisor when it answers, and
    when it has done enough.
    """
    asked = Asked()
    lifespan = Lifespan(app)
    try:
        await lifespan.startup()
    except LifespanFailed as error:
        log.error("the application did not start", error=str(error))
        return NOT_STARTED
    _spare_the_collector()
    front = Front(app, direct=direct, over_unix_socket=sock.family == socket.AF_UNIX)
    ended_as_asked = await _answer(front, sock, asked, line, limits)
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


async def _answer(front: Front, sock: socket.socket, asked: Asked, line: Line | None, limits: Limits) -> bool:
    """Answer until asked to end; False where Granian ended on its own."""
    # Not `sock.dup()`: that would make the socket a blocking one, also for the other processes that accept from it.
    with socket.socket(fileno=os.dup(sock.fileno())) as listener:
        server = _Granian(front, sock)
        serving = asyncio.create_task(server.serve(answer_requests))  # type: ignore[arg-type]  # it is a coroutine's
        end = asyncio.create_task(asked.to_end.wait())
        watching = asyncio.create_task(_watch(front, line, limits.spread())) if line is not None else None
        await asyncio.wait({serving, end}, return_when=asyncio.FIRST_COMPLETED)
        if watching is not None:
            watching.cancel()
        if not end.done():
            log.error("the server ended on its own", error=repr(serving.exception()))
            return False
        await _let_nobody_in(server, front, listener, asked)
    server.stop()  # type: ignore[no-untyped-call]
    if not asked.to_stop.is_set():
        await _either(serving, asked.to_stop, PATIENCE)
    await _either(serving, asked.to_hurry, GRACE if asked.to_stop.is_set() else 0.0)
    if not serving.done():
        log.warning("connections that were still open are cut", hurried=asked.to_hurry.is_set())
    return True


async def _watch(front: Front, line: Line, limits: Limits) -> None:
    """Say that we answer, and later that we have done enough."""
    began = time.monotonic()
    await asyncio.sleep(SETTLE)
    line.say(READY)
    while True:
        await asyncio.sleep(LOOK)
        seconds = time.monotonic() - began
        reason = limits.reached(requests=front.requests, seconds=seconds, memory=memory() if limits.memory_mb else 0)
        if reason:
            log.info("a web process has done enough and is to be replaced", after=reason)
            line.say(TIRED)
            return


async def _let_nobody_in(server: _Granian, front: Front, listener: socket.socket, asked: Asked) -> None:
    """Close the door, then answer whoever is inside already, until nobody has asked anything for a while.

    Granian closes at once what is idle, and does not tell a client that will never ask again from one whose question
    is on its way.
    """
    front.is_closing = True
    loop = asyncio.get_running_loop()
    until = loop.time() + DRAIN
    seen, since, is_shut = front.requests, loop.time(), False
    if not asked.to_stop.is_set():
        server.leave_to_others()
    while not asked.to_hurry.is_set() and loop.time() < until:
        if asked.to_stop.is_set() and not is_shut and listener.family != socket.AF_UNIX:
            # The path of a unix socket is for the supervisor to take away: it is that of all processes.
            is_shut = True
            door.shut(listener)
        await asyncio.sleep(QUIET / 10)
        if front.requests != seen or (is_shut and door.waiting(listener)):
            seen, since = front.requests, loop.time()
        elif loop.time() - since >= QUIET:
            return


async def _either(serving: asyncio.Task[None], event: asyncio.Event, timeout: float) -> None:
    """Wait for one of the two, at most so many seconds."""
    happened = asyncio.create_task(event.wait())
    await asyncio.wait({serving, happened}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    happened.cancel()
