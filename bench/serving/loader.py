"""Runs a load generator on its core and reads what it found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.serving.machine import Cores, spawn, stop

SCRIPT = Path(__file__).with_name("load.lua")
PATIENCE = 90.0
"""Seconds that a loader may take longer than it should."""


@dataclass(frozen=True)
class Answers:
    """One run. Times in seconds; `answered` were 200 or 302, `refused` 400 and above, `broken` got no answer."""

    seconds: float
    answered: int
    refused: int
    broken: int
    p50: float
    p99: float
    p999: float
    worst: float

    @property
    def rate(self) -> float:
        """Answered a second."""
        return self.answered / self.seconds


@dataclass(frozen=True)
class Loader:
    """wrk where it is wanted and there, else our own.

    work: a folder for what loaders print. connections: kept open. native: our own one in C, for fixed rates; None
    without a compiler. wrk counts no answer that is still out when it ends; our own waits for them.
    """

    work: Path
    connections: int
    wrk: bool
    native: Path | None = None

    @classmethod
    def choose(cls, work: Path, *, connections: int, wrk: bool = True) -> Loader:
        """With wrk, unless it is not installed or not wanted."""
        return cls(work, connections, wrk and shutil.which("wrk") is not None, _compiled(work / "pacer"))

    @property
    def name(self) -> str:
        """What makes the load at the top rate."""
        return "wrk" if self.wrk else "our own loader"

    @property
    def uncounted(self) -> int:
        """Answers that one run at the top rate may leave uncounted."""
        return self.connections if self.wrk else 0

    def top(self, port: int, requests: Path, seconds: float, cores: Cores) -> Answers:
        """As many requests as the connections carry."""
        if not self.wrk:
            return self.start(port, requests, seconds, cores).answers()
        command = [
            "wrk", "--threads", "1", "--connections", str(self.connections), "--duration", f"{max(1, round(seconds))}s",
            "--timeout", "30s", "--script", str(SCRIPT), f"http://127.0.0.1:{port}/",
        ]  # fmt: skip
        return Run(command, self.work / "wrk.txt", seconds, cores, {"WRK_REQUESTS": str(requests)}).answers()

    def paced(self, port: int, requests: Path, seconds: float, cores: Cores, *, rate: float) -> Answers:
        """Requests at fixed moments, `rate` a second; times count from when each should have left."""
        return self.start(port, requests, seconds, cores, rate=rate).answers()

    def start(
        self, port: int, requests: Path, seconds: float, cores: Cores, *, rate: float | None = None, tag: str = "own"
    ) -> Run:
        """Start our own loader and go on; `tag` tells runs at the same time apart."""
        command = [
            sys.executable, "-m", "bench.serving.pacer", str(requests), f"--port={port}", f"--seconds={seconds}",
            f"--connections={self.connections}", *([f"--rate={rate}"] if rate else []),
        ]  # fmt: skip
        if rate and self.native:
            command = [str(self.native), str(requests), str(port), str(seconds), str(self.connections), str(rate)]
        return Run(command, self.work / f"{tag}.txt", seconds, cores, {})


def _compiled(program: Path) -> Path | None:
    if shutil.which("gcc") is None:
        return None
    source = Path(__file__).with_name("pacer.c")
    subprocess.run(["gcc", "-O2", str(source), "-o", str(program)], check=True)
    return program


class Run:
    """A loader at work."""

    def __init__(
        self, command: list[str], output: Path, seconds: float, cores: Cores, environment: dict[str, str]
    ) -> None:
        output.write_text("")
        self._output = output
        self._seconds = seconds
        self._process = spawn(command, cores=cores.load, log=output, environment=environment)

    def answers(self) -> Answers:
        """Wait for the end. Raises SystemExit with what the loader said where it failed."""
        try:
            self._process.wait(self._seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"the loader did not end within {self._seconds + PATIENCE:g} s") from None
        finally:
            stop(self._process)
        said = self._output.read_text()
        found = [line for line in said.splitlines() if line.startswith('{"seconds"')]
        if self._process.returncode != 0 or not found:
            raise SystemExit(f"the loader failed:\n{said}")
        return Answers(**json.loads(found[-1]))
