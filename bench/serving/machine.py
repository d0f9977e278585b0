"""Cores, processes, ports and memory."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.processes import die_with_parent

START_DEADLINE = 60.0
STOP_DEADLINE = 20.0


@dataclass(frozen=True)
class Cores:
    """Where the server runs, and where the loader and the database run."""

    server: frozenset[int]
    load: frozenset[int]

    @classmethod
    def pick(cls) -> Cores:
        """The first core for the server, the second for the rest; with one core both share it."""
        free = sorted(os.sched_getaffinity(0))
        return cls(frozenset(free[:1]), frozenset(free[1:2] or free[:1]))

    @classmethod
    def unpinned(cls) -> Cores:
        """Everybody everywhere."""
        free = frozenset(os.sched_getaffinity(0))
        return cls(free, free)

    @property
    def separate(self) -> bool:
        """Whether the server has a core of its own."""
        return not self.server & self.load

    def __str__(self) -> str:
        return f"server on core {_names(self.server)}, loader and database on core {_names(self.load)}"


def _names(cores: frozenset[int]) -> str:
    return ",".join(map(str, sorted(cores)))


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def spawn(
    command: Sequence[str],
    *,
    cores: frozenset[int],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process bound to `cores`; what it says goes to the file `log`."""

    def prepare() -> None:
        die_with_parent()
        os.sched_setaffinity(0, cores)

    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            preexec_fn=prepare,
            start_new_session=True,
        )


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    *,
    cores: frozenset[int],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on `port` for the length of the block.

    Raises SystemExit with the end of its log when it does not start.
    """
    process = spawn(command, cores=cores, log=log, environment=environment, folder=folder)
    try:
        deadline = time.monotonic() + START_DEADLINE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise SystemExit(f"{' '.join(command[:4])} did not start:\n{tail}")
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, or by force where it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def bind(pid: int, cores: frozenset[int]) -> None:
    """Move a running process with all its threads; those that it starts later follow."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for file in children for child in file.read_text().split()]
    return [pid, *(one for child in found for one in family(child))]


def memory_of(pid: int) -> int:
    """Resident bytes of one process. Source: proc(5), smaps_rollup."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no Rss in smaps_rollup")


@dataclass(frozen=True)
class Busy:
    """Shares of the cores' time. others: what processes that are not ours took of both together."""

    server: float = 0.0
    load: float = 0.0
    others: float = 0.0


IDLE = Busy()


class Meter:
    """How busy the cores are from now on. Source: proc(5)."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._since = time.monotonic()
        self._before = self._read()

    def read(self) -> Busy:
        """Since the start."""
        ticks = (time.monotonic() - self._since) * os.sysconf("SC_CLK_TCK")
        server, load, ours = (after - before for after, before in zip(self._read(), self._before, strict=True))
        if not self._cores.separate:
            ticks *= len(self._cores.server)
            return Busy(server / ticks, load / ticks, max(0.0, (server - ours) / ticks))
        return Busy(server / ticks, load / ticks, max(0.0, (server + load - ours) / ticks / 2))

    def _read(self) -> tuple[int, int, int]:
        return _busy(self._cores.server), _busy(self._cores.load), sum(map(spent, family(os.getpid())))


def _busy(cores: frozenset[int]) -> int:
    """Ticks in which these cores did anything."""
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, nice, system, _, _, interrupts, soft, stolen = map(int, fields[:8])
            total += user + nice + system + interrupts + soft + stolen
    return total


def spent(pid: int) -> int:
    """Ticks of a process and of those of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))
