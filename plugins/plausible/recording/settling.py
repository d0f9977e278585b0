"""Judges what a rush left behind, in the process that took it, as soon as there is time. The worker does so too: any
number of processes share the work, and none depends on another.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from plugins.plausible.recording.judging import Judge
from plugins.plausible.recording.recorder import CALM, LANES, LAST_WAIT, Recorder
from plugins.plausible.recording.words import explain

log = structlog.get_logger(__name__)

LANE = LANES
"""Those before it belong to live events."""
RETRY = 1.0
"""Seconds between two tries while the database is away."""


class Settler:
    """One per process, beside its recorder."""

    def __init__(self, live: Recorder, judge: Judge) -> None:
        self._recorder = live
        self._judge = judge
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._judges = False
        live.on_rush = self._wake.set

    def start(self) -> None:
        """Begin to look, at once: an earlier process may have ended in a rush."""
        self._wake.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop after the transaction that runs; the worker, or the next process, does the rest."""
        self._closed = True
        if self._task is None:
            return
        if self._judges:
            # To break a statement off costs the database more than to let it end.
            await asyncio.wait({self._task}, timeout=LAST_WAIT)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        said = ""
        while not self._closed:
            await self._wake.wait()
            while not self._recorder.is_calm:
                await asyncio.sleep(CALM / 5)
            self._wake.clear()
            self._judges = True
            try:
                while not self._closed and await self._judge.some(
                    lane=LANE, waits=lambda: not self._recorder.is_calm, ends=lambda: self._closed
                ):
                    pass
                said = ""
            except Exception as error:
                if type(error).__name__ != said:
                    log.warning("events of a rush are not judged", **explain(error))
                said = type(error).__name__
                await asyncio.sleep(RETRY)
                self._wake.set()
            finally:
                self._judges = False
