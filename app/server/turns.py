"""How requests come from Granian's threads into the event loop: a few in each of its turns.

Granian by itself makes a callback, a coroutine and a task of each. Here those that can be answered without are, and
between two handfuls of them the loop does whatever else waits: a transaction is on its way to the database while the
next requests are read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from granian import _granian

from app.server.front import Front
from app.server.scheduling import Scheduling

_ASGI_WORKER: Any = _granian.ASGIWorker
"""Granian's types leave half of it out."""
AT_ONCE = 16
"""Requests that are begun in one turn of the loop."""


async def answer_requests(number: int, stop: Any, front: Front, sock: Any, *given: Any) -> Any:
    """Answer what comes over a socket until `stop`: what Granian starts, but for how requests come into the loop."""
    *limits, _, mode, http1, http2, websockets, static, _, tls, _ = given
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    stop.add_cb(lambda: loop.call_soon_threadsafe(ended.set_result, None))
    worker = _ASGI_WORKER(number, sock, None, *limits, mode, http1, http2, websockets, static, *tls, (None, None))
    serve = worker.serve_async_uds if (sock[0] or sock[1]).is_uds() else worker.serve_async
    serve(Turns(loop, front), loop, stop)
    await ended


class Turns(_granian.CallbackScheduler):
    """Granian calls `_schedule_fn` from a thread of its own, with the GIL, for each request."""

    def __new__(cls, loop: asyncio.AbstractEventLoop, front: Front) -> Turns:
        made: Turns = super().__new__(cls, loop, None, None, None, None)  # type: ignore[call-arg]
        return made

    def __init__(self, loop: asyncio.AbstractEventLoop, front: Front) -> None:
        super().__init__()
        waiting = deque[Any]()
        is_due = False
        scheduling = Scheduling(loop)

        def schedule(watcher: Any) -> None:
            nonlocal is_due
            waiting.append(watcher)
            if not is_due:
                is_due = True
                loop.call_soon_threadsafe(take)

        def take() -> None:
            nonlocal is_due
            for _ in range(min(AT_ONCE, len(waiting))):
                begin(waiting.popleft())
            # In this order: the other thread may add one between the two.
            is_due = False
            if waiting:
                is_due = True
                loop.call_soon(take)
                scheduling.rush()

        def begin(watcher: Any) -> None:
            try:
                if not front.direct(watcher.scope, Reply(watcher)):
                    watcher.taskref(loop.create_task(_answer(front, watcher)))
            except Exception as error:
                # The others of this turn must not pay for it.
                watcher.err(error)

        self._schedule_fn = schedule


class Reply:
    """Sends the answer to one request; only the first call counts."""

    __slots__ = ("_watcher",)

    def __init__(self, watcher: Any) -> None:
        self._watcher = watcher

    def __call__(self, start: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is None:
            return
        try:
            # What these return is to be awaited where an answer goes out in parts; a whole one is on its way already.
            send = watcher.proto.send
            send(start)
            send(body)
        except Exception as error:
            watcher.err(error)


async def _answer(front: Front, watcher: Any) -> None:
    scope, proto = watcher.scope, watcher.proto
    scope.update(root_path="", state={})
    try:
        await front(scope, proto.receive, proto.send)
    except BaseException as error:
        watcher.err(error)
    else:
        watcher.done()
