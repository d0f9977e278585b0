"""A web process as its supervisor sees it, and the line over which it tells how it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence

from app.processes import die_with_parent

READY = b"r"
"""It has started and answers."""
TIRED = b"t"
"""It has done enough and is to be replaced."""
RETIRE = signal.SIGUSR1
"""Tells it that another one has its place: it accepts nobody any more, and ends when all have their answers."""


class Line:
    """The end of the process itself. fd: the descriptor to write to."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_inheritable(fd, False)

    def say(self, word: bytes) -> None:
        """Tell the supervisor; one that is gone does not hear it."""
        with contextlib.suppress(OSError):
            os.write(self._fd, word)


class Child:
    """A web process that was started."""

    def __init__(self, process: Process, line: int) -> None:
        self._process = process
        self._line = line
        self.ready = asyncio.Event()
        self.tired = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(line, self._hear)
        self.ended: asyncio.Task[int] = loop.create_task(self._wait())
        """Its exit code, once it ended."""

    @classmethod
    async def start(cls, command: Sequence[str], sock: socket.socket, environment: Mapping[str, str]) -> Child:
        """Start `command` with `--fd=` the descriptor of its socket and `--line=` that of its line to us."""
        ours, its = os.pipe()
        os.set_blocking(ours, False)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                f"--fd={sock.fileno()}",
                f"--line={its}",
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[sock.fileno(), its],
                # Ctrl-C reaches us alone, and we end things in order.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(its)
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def answers(self, within: float) -> bool:
        """Wait until it says that it is ready; whether it did, within so many seconds and before it ended."""
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({ready, self.ended}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        return self.ready.is_set() and not self.ended.done()

    async def is_to_go(self) -> bool:
        """Wait until it is tired, or has ended; whether it still lives."""
        tired = asyncio.create_task(self.tired.wait())
        try:
            await asyncio.wait({tired, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tired.cancel()
        return not self.ended.done()

    def tell(self, number: signal.Signals) -> None:
        """Send a signal; one that ended does not get it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _wait(self) -> int:
        try:
            return await self._process.wait()
        finally:
            self._hang_up()

    def _hear(self) -> None:
        try:
            words = os.read(self._line, 64)
        except BlockingIOError:
            return
        if not words:
            self._hang_up()
        if READY in words:
            self.ready.set()
        if TIRED in words:
            self.tired.set()

    def _hang_up(self) -> None:
        if self._line >= 0:
            asyncio.get_running_loop().remove_reader(self._line)
            os.close(self._line)
            self._line = -1
