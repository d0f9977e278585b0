"""A whole portal with demo data, started as `make run` starts it, in a folder and on ports of its own."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE = 90.0


@dataclass
class Demo:
    """The running `myportal up --demo`."""

    process: subprocess.Popen[str]
    web_port: int
    smtp_port: int
    mailbox_port: int
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The portal."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def mailbox(self) -> str:
        """The demo mailbox."""
        return f"http://127.0.0.1:{self.mailbox_port}"

    def stop(self, number: int = signal.SIGINT) -> int:
        """Press Ctrl-C and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(40)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_demo(
    var: Path, *, ports: list[int] | None = None, workers: int = 1, env: Mapping[str, str] | None = None
) -> Demo:
    """Start it and wait until it has printed its address. env: further variables."""
    web, smtp, mailbox = ports or free_ports(3)
    arguments = [
        "up",
        "--demo",
        f"--port={web}",
        f"--smtp-port={smtp}",
        f"--mailbox-port={mailbox}",
        f"--workers={workers}",
    ]
    kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={name: os.environ[name] for name in kept if name in os.environ} | {**(env or {}), "VAR_DIR": str(var)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    demo = Demo(process, web, smtp, mailbox)
    said: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                demo.lines.append(line.rstrip())
                said.put(line)

    threading.Thread(target=listen, daemon=True).start()
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if "Ctrl-C" in said.get(timeout=0.5):
                return demo
        except queue.Empty:
            continue
    process.kill()
    process.wait()
    raise AssertionError("the demo did not start:\n" + "\n".join(demo.lines))


@contextmanager
def running_demo(var: Path, *, workers: int = 1, env: Mapping[str, str] | None = None) -> Iterator[Demo]:
    """A demo for the length of the block."""
    demo = start_demo(var, workers=workers, env=env)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop()
