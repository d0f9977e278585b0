"""The web server process: uvicorn around the application, ending promptly although live pages hold connections."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from app.settings import ConfigurationError

if TYPE_CHECKING:
    from quart import Quart

stopping = threading.Event()
"""Set as soon as this process is asked to end; whoever holds a connection open for long lets go then."""


def _hear_signals() -> None:
    """Set `stopping` before uvicorn handles a signal.

    uvicorn waits for open connections before it tells the application to stop, and live pages never close theirs.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        inner = signal.getsignal(number)

        def outer(received: int, frame: FrameType | None, inner: Any = inner) -> None:
            stopping.set()
            if callable(inner):
                inner(received, frame)

        signal.signal(number, outer)


def application() -> Quart:
    """What each worker process serves; settings come from the environment."""
    from app import create_app
    from app.log import configure
    from app.settings import load_settings

    settings = load_settings()
    configure(settings)
    app = create_app(settings)

    @app.before_serving
    async def hear_signals() -> None:
        _hear_signals()

    return app


def claim_port(host: str, port: int, *, option: str) -> socket.socket:
    """Bind, or say what is wrong and the way out. option: the command-line option that names the port.

    Raises ConfigurationError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio sends small packets at once (TCP_NODELAY) only on sockets that are; otherwise the
    # end of each answer waits 40 ms for the client to acknowledge its beginning.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # asyncio sets this only on sockets that were made with the protocol's number. Without it a short answer on a
    # connection that stays open waits 40 ms: its head is sent, its body waits for the client's delayed acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used: {reason}. Another program may have it; "
            f"stop that one, or choose another port with {option}."
        ) from None
    sock.set_inheritable(True)
    return sock


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve until SIGINT or SIGTERM.

    Addresses with tracking ids and signatures must not reach a log: there is no access log. X-Forwarded-For is ours
    to judge (TRUSTED_PROXIES), so uvicorn leaves it alone.
    """
    sock = claim_port(host, port, option="--port")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        "app.server:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        log_config=None,
        lifespan="on",
    )
    try:
        if workers > 1:
            Multiprocess(config, sockets=[sock]).run()
            return
        server = uvicorn.Server(config)
        server.run(sockets=[sock])
        if not server.started:
            raise SystemExit(1)
    except KeyboardInterrupt:
        return
    finally:
        sock.close()
