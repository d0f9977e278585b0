"""An application that does what a test asks for, in web processes of ours: `python -m tests.server.plain_app ...`.

It needs no database; what it lives through it writes to standard output, a line each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter

from app.log import configure
from app.server import supervisor, worker
from app.server.child import Line
from app.server.limits import Limits
from app.settings import Settings
from app.web.metrics import WEB_PROCESSES, exposition

COUNTED = Counter("plain_app_counted", "Requests to /count.")


def say(word: str) -> None:
    """Tell the test, at once."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    body = b""
    match scope["path"]:
        case "/upload":
            body = str(await _length(receive)).encode()
        case "/stream":
            await _stream(receive, send)
            return
        case "/slow":
            await asyncio.sleep(0.05)
        case "/silent":
            await asyncio.Event().wait()
        case "/raise":
            raise RuntimeError("canary of the application")
        case "/client":
            body = str(scope["client"][0]).encode()
        case "/count":
            COUNTED.inc()
        case "/metrics":
            body = exposition()
    headers = [(b"content-length", str(len(body)).encode()), (b"x-pid", str(os.getpid()).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def direct(scope: Any, answer: Any) -> bool:
    """Answers below /direct without a coroutine, what stands below /direct/later a moment later."""
    path = scope["path"]
    if not path.startswith("/direct"):
        return False
    body = str(scope["client"][0]).encode()
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-pid", str(os.getpid()).encode())]}
    message = {"type": "http.response.body", "body": body}
    if path == "/direct/later":
        asyncio.get_running_loop().call_later(0.05, answer, start, message)
    elif path == "/direct/twice":
        answer(start, message)
        answer({**start, "status": 418}, message)
    elif path == "/direct/raise":
        raise RuntimeError("canary of the application")
    elif path == "/direct/broken":
        answer({**start, "headers": [("not bytes", 1)]}, message)
    else:
        answer(start, message)
    return True


async def _live(receive: Any, send: Any) -> None:
    await receive()
    if _refuses():
        await send({"type": "lifespan.startup.failed", "message": "no, says the application"})
        return
    WEB_PROCESSES.set(1)
    await asyncio.sleep(float(os.environ.get("START_TAKES", "0")))
    say("started")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("ending")
    if "NEVER_END" in os.environ:
        await asyncio.Event().wait()
    await send({"type": "lifespan.shutdown.complete"})


def _refuses() -> bool:
    return "REFUSE_TO_START" in os.environ or Path(os.environ.get("REFUSE_TO_START_WITH", "")).is_file()


async def _length(receive: Any) -> int:
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            say("client left")
            return length
        if not length and message["body"]:
            say("body began")
        length += len(message["body"])
        if not message.get("more_body"):
            say("body complete")
            return length


async def _stream(receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    left = asyncio.create_task(_left(receive))
    while not left.done():
        await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
        await asyncio.sleep(0.01)
    # As a route does that does not look.
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    say("client left")


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def main() -> None:
    """Serve on an inherited socket until a signal."""
    options = argparse.ArgumentParser()
    options.add_argument("--fd", type=int, action="append", required=True, help="Several: a process for each.")
    options.add_argument("--line", type=int, help="Of a process that has a supervisor.")
    options.add_argument("--var-dir", type=Path, help="Be the supervisor.")
    options.add_argument("--limit", action="append", default=[], help="NAME=VALUE of app.server.worker or .supervisor")
    given = options.parse_args()
    configure(Settings(_env_file=None))
    for limit in given.limit:
        name, value = limit.split("=")
        module = worker if hasattr(worker, name) else supervisor
        setattr(module, name, type(getattr(module, name))(value))
    sockets = [socket.socket(fileno=fd) for fd in given.fd]
    if given.var_dir is None:
        limits = Limits(requests=int(os.environ.get("MAX_REQUESTS", "0")))
        worker.run(app, sockets[0], direct=direct, line=None if given.line is None else Line(given.line), limits=limits)
    command = [sys.executable, "-m", "tests.server.plain_app", *(f"--limit={limit}" for limit in given.limit)]
    code = supervisor.supervise(command, sockets, environment={}, var_dir=given.var_dir)
    structlog.get_logger().info("supervisor ended")
    sys.exit(code)


if __name__ == "__main__":
    main()
