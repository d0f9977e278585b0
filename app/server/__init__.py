"""The web server: Granian around the application, in one process or in several that share a port.

    __main__.py     the supervisor's program
    supervisor.py   holds the sockets, starts the processes, replaces and ends them
    child.py        one of them as the supervisor sees it, and the line between the two
    worker.py       inside of one: start, answer, end
    turns.py        how requests come into its event loop
    scheduling.py   how its threads share a core
    front.py        what stands before the application there
    door.py         how nobody who has connected leaves without an answer

Granian answers 43,000 requests a second on one core where uvicorn answers 13,000 (`docs/development.md`). It runs
embedded in our own event loop, so that signals, start and stop stay ours.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app.server.signals import stopping
from app.server.sockets import claim_path, claim_port, claim_port_for_each

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["application", "claim_path", "claim_port", "claim_port_for_each", "serve", "serve_one", "stopping"]

ROOT = Path(__file__).resolve().parents[2]


def application() -> Quart:
    """What each web process serves; settings come from the environment."""
    from app import create_app
    from app.log import configure
    from app.settings import load_settings
    from app.web.metrics import WEB_PROCESSES

    settings = load_settings()
    configure(settings)
    app = create_app(settings)

    @app.before_serving
    async def count_this_process() -> None:
        WEB_PROCESSES.set(1)

    return app


def serve(*, host: str, port: int, workers: int, uds: Path | None = None) -> NoReturn:
    """Become the supervisor of the web processes (`app.server.__main__`), on sockets that are claimed here.

    uds: a path for a unix socket, instead of host and port. Raises ConfigurationError where it cannot listen.
    Addresses with tracking ids and signatures must not reach a log: there is no access log. X-Forwarded-For is ours
    to judge (TRUSTED_PROXIES).
    """
    if uds is not None:
        sockets = [claim_path(uds, option="--uds")] * workers
    elif workers == 1:
        sockets = [claim_port(host, port, option="--port")]
    else:
        sockets = claim_port_for_each(workers, host, port, option="--port")
    for sock in sockets:
        sock.set_inheritable(True)
    # A new program, because this one has loaded the whole portal only to see that it can start, and would hold that for
    # as long as it serves. -P: the folder where we stand may hold another `app`; .env and VAR_DIR are looked up there.
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    arguments = [sys.executable, "-P", "-m", "app.server", *(f"--fd={sock.fileno()}" for sock in sockets)]
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONPATH": path})  # noqa: S606


def serve_one(fd: int, line: int) -> NoReturn:
    """Be a web process of `serve`, on the socket `fd`; line: the descriptor over which its supervisor hears of it."""
    from app.server import worker
    from app.server.child import Line
    from app.server.limits import Limits
    from app.settings import load_settings

    settings = load_settings()
    limits = Limits(settings.web_max_requests, settings.web_max_hours, settings.web_max_memory_mb)
    app = application()
    worker.run(app, socket.socket(fileno=fd), direct=app.extensions["direct"], line=Line(line), limits=limits)
