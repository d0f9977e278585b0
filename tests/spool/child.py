"""Another process that uses a spool: `python -m tests.spool.child FOLDER HOW`. It writes what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import structlog

from app.spool import Spool, SpoolUnavailable

CALLERS = 16


def say(line: bytes) -> None:
    """One write, so that a kill never leaves half a line."""
    os.write(1, line + b"\n")


async def keep_appending(spool: Spool, *, count: int = sys.maxsize) -> None:
    """Many callers append; each record is named once it is acknowledged."""

    async def caller(name: int) -> None:
        for number in range(count):
            record = b"%d-%d" % (name, number)
            await spool.append(record)
            say(record)

    await asyncio.gather(*(caller(name) for name in range(CALLERS)))


async def append_under_a_limit(spool: Spool) -> None:
    """Files may not grow beyond 10,000 bytes: writes fail in the middle of a group."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    await keep_appending(spool, count=200)
    try:
        await spool.append(bytes(20_000))
    except SpoolUnavailable as error:
        say(b"refused: " + str(error).encode())


async def leave_child_behind(spool: Spool, *, program: bool) -> None:
    """Append, start a child that lives on (a fork, or a program that gets our descriptors), and wait to be killed."""
    await spool.append(b"before")
    if program:
        command = ["/bin/sleep", "600"]
        child = await asyncio.create_subprocess_exec(*command, close_fds=False, stdout=subprocess.DEVNULL)
        say(b"%d" % child.pid)
    elif os.fork() == 0:
        # Said by the child itself: its parent may be ahead of what is done in a child at first.
        say(b"%d" % os.getpid())
        signal.pause()
    await asyncio.Event().wait()


async def fork_and_append(spool: Spool) -> None:
    """Parent and forked child both append; the child in a loop of its own."""
    await spool.append(b"parent 1")
    pid = os.fork()
    if pid == 0:
        # The parent's loop is marked as running in the child too.
        asyncio.events._set_running_loop(None)
        asyncio.run(spool.append(b"child"))
        os._exit(0)
    await asyncio.to_thread(os.waitpid, pid, 0)
    await spool.append(b"parent 2")
    say(b"done")
    await asyncio.Event().wait()


async def main() -> None:
    """Do what the command line says until the end, or until killed."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    spool = Spool(Path(sys.argv[1]), segment_bytes=5000)
    match sys.argv[2]:
        case "append":
            await keep_appending(spool)
        case "limit":
            spool = Spool(Path(sys.argv[1]))
            await append_under_a_limit(spool)
        case "append-and-wait":
            await keep_appending(spool, count=50)
            say(b"done")
            await asyncio.Event().wait()
        case "fork-behind":
            await leave_child_behind(spool, program=False)
        case "exec-behind":
            await leave_child_behind(spool, program=True)
        case "fork-and-append":
            await fork_and_append(spool)


if __name__ == "__main__":
    asyncio.run(main())
