"""The web server: Granian around the application, in one process or in several that share a port.

Granian answers 43,000 requests a second on one core where uvicorn answers 13,000 (`docs/development.md`). It runs
embedded in our own event loop, so that signals, start and stop stay ours.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from app.server.signals import stopping
from app.server.sockets import claim_path, claim_port, claim_port_for_each

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["application", "claim_path", "claim_port", "claim_port_for_each", "serve", "stopping"]

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


def serve(*, host: str, port: int, workers: int, uds: Path | None = None) -> None:
    """Serve until SIGINT or SIGTERM; the process ends in here.

    uds: a path for a unix socket, instead of host and port. Raises ConfigurationError where it cannot listen.
    Addresses with tracking ids and signatures must not reach a log: there is no access log. X-Forwarded-For is ours
    to judge (TRUSTED_PROXIES).
    """
    from app.server import worker
    from app.server.supervisor import supervise
    from app.settings import load_settings

    with ExitStack() as cleanup:
        if uds is not None:
            sockets = [claim_path(uds, option="--uds")] * workers
            cleanup.callback(uds.unlink, missing_ok=True)
        elif workers == 1:
            sockets = [claim_port(host, port, option="--port")]
        else:
            sockets = claim_port_for_each(workers, host, port, option="--port")
        if workers == 1:
            worker.run(application(), sockets[0], at_end=cleanup.close)
        # -P: the folder where we stand may hold another `app`; .env and VAR_DIR are looked up there all the same.
        command = [sys.executable, "-P", "-m", "app", "web-worker"]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        code = supervise(command, sockets, environment={"PYTHONPATH": path}, var_dir=load_settings().var_dir)
    if code:
        raise SystemExit(code)
