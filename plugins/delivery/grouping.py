"""Puts what comes at the same time into one transaction: while one commits, the next collects."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pymysql

from app.database import DatabaseUnavailable
from plugins.delivery.codec import Entry
from plugins.delivery.store import Taken

MOST = 500
"""Entries in one transaction; those of one caller stay together, however many."""
LANES = 2
"""Transactions at the same time."""


@dataclass
class _Waiting:
    entries: Sequence[Entry]
    future: asyncio.Future[Taken]


class Groups:
    """One per process. put: one transaction."""

    def __init__(self, put: Callable[[Sequence[Entry]], Awaitable[Taken]]) -> None:
        self._put = put
        self._waiting: deque[_Waiting] = deque()
        self._lanes: set[asyncio.Task[None]] = set()

    async def put(self, entries: Sequence[Entry]) -> Taken:
        """Put one caller's entries; what became of them. Raises what `put` raises."""
        loop = asyncio.get_running_loop()
        one = _Waiting(entries, loop.create_future())
        self._waiting.append(one)
        if len(self._lanes) < LANES:
            lane = loop.create_task(self._run())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return await one.future

    async def _run(self) -> None:
        while group := self._next():
            try:
                taken = await self._put([entry for one in group for entry in one.entries])
            except (DatabaseUnavailable, pymysql.err.MySQLError) as error:
                _fail(group, error)
            except Exception as error:
                if len(group) == 1:
                    _fail(group, error)
                    continue
                # A fault of ours with one of them must not cost the others.
                for one in group:
                    await self._alone(one)
            else:
                for one in group:
                    if not one.future.done():
                        one.future.set_result(taken if len(group) == 1 else taken.of(one.entries))

    async def _alone(self, one: _Waiting) -> None:
        try:
            taken = await self._put(one.entries)
        except Exception as error:
            _fail([one], error)
        else:
            if not one.future.done():
                one.future.set_result(taken)

    def _next(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        count = 0
        while self._waiting and (not group or count + len(self._waiting[0].entries) <= MOST):
            group.append(self._waiting.popleft())
            count += len(group[-1].entries)
        return group


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        if not one.future.done():
            one.future.set_exception(error)
