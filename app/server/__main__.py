"""The program of the supervisor: `myportal serve` becomes it once everything is checked and the sockets are claimed."""

from __future__ import annotations

import argparse
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from app.log import configure
from app.server.sockets import remove_path
from app.server.supervisor import supervise
from app.settings import ConfigurationError, load_settings


def main() -> int:
    """Serve on inherited sockets until SIGINT or SIGTERM; SIGHUP replaces the web processes. The exit code."""
    options = argparse.ArgumentParser()
    options.add_argument("--fd", type=int, action="append", required=True, help="A bound socket; a process for each.")
    descriptors: list[int] = options.parse_args().fd
    # All processes on a unix socket share it: one object for it, or the first to go would close it for the others.
    claimed = {fd: socket.socket(fileno=fd) for fd in set(descriptors)}
    settings = load_settings()
    configure(settings)
    with ExitStack() as cleanup:
        for sock in claimed.values():
            sock.set_inheritable(False)
            if sock.family == socket.AF_UNIX:
                path = Path(sock.getsockname())
                cleanup.callback(remove_path, path, path.stat().st_ino)
        command = [sys.executable, "-P", "-m", "app", "web-worker"]
        return supervise(command, [claimed[fd] for fd in descriptors], environment={}, var_dir=settings.var_dir)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
