"""Several web processes on one port: started, started again when one dies, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog
from prometheus_client.multiprocess import mark_process_dead

from app.processes import die_with_parent
from app.server.metrics_folder import metrics_folder
from app.server.sockets import renewed
from app.server.worker import GRACE, LIFESPAN, NOT_STARTED

log = structlog.get_logger(__name__)

STOP_DEADLINE = GRACE + LIFESPAN + 1.0
"""Seconds after which a process that was asked to end is killed."""
MIN_LIFE = 5.0
PAUSE = 1.0
"""Seconds before a process is started again that lived less than `MIN_LIFE`."""


def supervise(
    command: Sequence[str], sockets: Sequence[socket.socket], *, environment: Mapping[str, str], var_dir: Path
) -> int:
    """Keep a process of `command` running for each socket until SIGINT or SIGTERM; the exit code.

    command: gets `--fd=` the descriptor of its socket, which is bound. environment: what the processes get beside ours.
    They count into one folder below `var_dir`, so that each can tell the metrics of all.
    """
    with metrics_folder(var_dir / "metrics") as folder:
        supervisor = Supervisor(
            command,
            sockets,
            environment={**os.environ, **environment, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
            at_end=lambda pid: mark_process_dead(pid, str(folder)),  # type: ignore[no-untyped-call]
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
        self._processes: set[Process] = set()
        self._stop = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Until SIGINT or SIGTERM; a second one hurries. The exit code: 1 where a process could not start at first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        keepers = [asyncio.create_task(self._keep(place)) for place in range(len(self._sockets))]
        await self._stop.wait()
        # While anybody holds one, clients still connect, to nobody.
        for sock in self._sockets:
            sock.close()
        await asyncio.wait(keepers, timeout=STOP_DEADLINE)
        for process in self._processes:
            log.error("a web process that did not end is killed", pid=process.pid)
            process.kill()
        await asyncio.gather(*keepers)
        return self._code

    def _end(self) -> None:
        self._stop.set()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    async def _keep(self, place: int) -> None:
        first = True
        while not self._stop.is_set():
            born = time.monotonic()
            code = await self._run_once(self._sockets[place])
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

    async def _run_once(self, sock: socket.socket) -> int:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            f"--fd={sock.fileno()}",
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[sock.fileno()],
            # Ctrl-C reaches us alone, and we end things in order.
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
        self._processes.add(process)
        if self._stop.is_set():
            process.terminate()
        try:
            return await process.wait()
        finally:
            self._processes.discard(process)
            self._at_end(process.pid)
