"""The web processes on one port: started, started again when one dies, replaced without a gap, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path

import structlog

from app.server import door
from app.server.child import RETIRE, Child
from app.server.metrics_folder import fold_ended, metrics_folder
from app.server.sockets import renewed
from app.server.worker import DRAIN, GRACE, LIFESPAN, NOT_STARTED, PATIENCE

log = structlog.get_logger(__name__)

STOP_DEADLINE = DRAIN + GRACE + LIFESPAN + 1.0
"""Seconds after which a process that was asked to end is killed."""
RETIRE_DEADLINE = STOP_DEADLINE + PATIENCE
"""The same for one that was replaced."""
START_DEADLINE = 60.0
"""Seconds that a successor has to say that it answers."""
RETRY = 60.0
"""Seconds after which a process that could not be replaced is tried again."""
MIN_LIFE = 5.0
PAUSE = 1.0
"""Seconds before a process is started again that lived less than `MIN_LIFE`."""


def supervise(
    command: Sequence[str], sockets: Sequence[socket.socket], *, environment: Mapping[str, str], var_dir: Path
) -> int:
    """Keep a process of `command` running for each socket until SIGINT or SIGTERM; the exit code.

    command: gets `--fd=` the descriptor of its socket, which is bound, and `--line=` one to tell us how it does
    (`app.server.child`). environment: what the processes get beside ours. They count into one folder below `var_dir`,
    so that each can tell the metrics of all.
    """
    with metrics_folder(var_dir / "metrics") as folder:
        supervisor = Supervisor(
            command,
            sockets,
            environment={**os.environ, **environment, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
            at_end=lambda pid: fold_ended(folder, pid),
        )
        return asyncio.run(supervisor.run())


class Supervisor:
    """Keeps a process of `command` running for each socket; at_end is told the id of each process that ended.

    The sockets stay open here, so that connections wait while a process is started anew.
    """

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        *,
        environment: Mapping[str, str],
        at_end: Callable[[int], None],
    ) -> None:
        self._command = command
        self._sockets = list(sockets)
        self._environment = environment
        self._at_end = at_end
        self._children: set[Child] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._turn = asyncio.Lock()
        """Whoever has it replaces a process: two never start at the same time."""
        self._code = 0

    async def run(self) -> int:
        """Until SIGINT or SIGTERM; a second one hurries. The exit code: 1 where a process could not start at first.

        SIGHUP replaces all processes, one after the other.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._replace_all)
        for place in range(len(self._sockets)):
            self._do(self._keep(place))
        await self._stop.wait()
        # While anybody holds one, clients still connect, to nobody.
        for sock in self._sockets:
            sock.close()
        await asyncio.wait(self._tasks, timeout=STOP_DEADLINE)
        for child in self._children:
            log.error("a web process that did not end is killed", pid=child.pid)
            child.tell(signal.SIGKILL)
        await asyncio.gather(*self._tasks)
        return self._code

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            for sock in self._sockets:
                door.shut(sock)
        for child in self._children:
            child.tell(signal.SIGTERM)

    def _replace_all(self) -> None:
        log.info("all web processes are replaced, one after the other")
        for child in self._children:
            child.tired.set()

    async def _keep(self, place: int) -> None:
        first = True
        while not self._stop.is_set():
            born = time.monotonic()
            child = await self._start(place)
            while await child.is_to_go() and not self._stop.is_set():
                child = await self._replace(place, child)
            code = await child.ended
            if self._stop.is_set():
                return
            if first and code == NOT_STARTED:
                self._code = 1
                self._end()
                return
            first = False
            if code == NOT_STARTED:
                # Perhaps the next one does not start either; let the other processes have what comes meanwhile.
                self._sockets[place] = renewed(self._sockets[place])
            log.error("a web process ended and is started again", code=code)
            if time.monotonic() - born < MIN_LIFE:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):
                        await self._stop.wait()

    async def _replace(self, place: int, old: Child) -> Child:
        """Start another process on the same socket, and let the old one go once it answers. Return the one to keep."""
        async with self._turn:
            if self._stop.is_set() or old.ended.done():
                return old
            new = await self._start(place)
            if await new.answers(START_DEADLINE):
                log.info("a web process is replaced", old=old.pid, new=new.pid)
                self._do(self._see_off(old))
                return new
            if not self._stop.is_set():
                log.error("a web process could not be replaced: the new one did not start, and the old one goes on")
                new.tell(signal.SIGKILL)
            await new.ended
            old.tired.clear()
            asyncio.get_running_loop().call_later(RETRY, old.tired.set)
            return old

    async def _see_off(self, old: Child) -> None:
        old.tell(RETIRE)
        await asyncio.wait({old.ended}, timeout=RETIRE_DEADLINE)
        if not old.ended.done():
            log.error("a web process that did not end is killed", pid=old.pid)
            old.tell(signal.SIGKILL)
            await old.ended

    async def _start(self, place: int) -> Child:
        # One that was ended by somebody else has shut the door behind it.
        door.open_again(self._sockets[place])
        child = await Child.start(self._command, self._sockets[place], self._environment)
        self._children.add(child)
        child.ended.add_done_callback(lambda _: self._ended(child))
        if self._stop.is_set():
            child.tell(signal.SIGTERM)
        return child

    def _ended(self, child: Child) -> None:
        self._children.discard(child)
        self._at_end(child.pid)
