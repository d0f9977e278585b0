"""How the threads of a web process share its core."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

CALM = 1.0
"""Seconds without a rush after which all is as usual again."""


class Scheduling:
    """In a rush, lets a thread that wakes up not push aside another one of ours that is at work.

    They serve the same requests in turn, and changing after each answer takes a tenth of a busy process's time. Not at
    other times: a thread that waits for its turn waits for those of other programs too, and pages would be late.
    Where it is not allowed, or there is no such thing, all stays as it is. Source: sched(7), SCHED_BATCH.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rush_until = 0.0
        self._is_possible = sys.platform == "linux"
        self.is_rush = False

    def rush(self) -> None:
        """More has come than one turn of the loop can take."""
        self._rush_until = self._loop.time() + CALM
        if not self.is_rush and self._is_possible:
            self._be(rush=True)
            self._loop.call_later(CALM, self._look)

    def _look(self) -> None:
        rest = self._rush_until - self._loop.time()
        if rest > 0:
            self._loop.call_later(rest, self._look)
        elif self._is_possible:
            self._be(rush=False)

    def _be(self, *, rush: bool) -> None:
        self.is_rush = rush
        policy = os.SCHED_BATCH if rush else os.SCHED_OTHER
        try:
            for thread in os.listdir("/proc/self/task"):
                with suppress(ProcessLookupError):  # one that has just ended
                    os.sched_setscheduler(int(thread), policy, os.sched_param(0))
        except OSError as error:
            self._is_possible = False
            log.info("the threads keep their scheduling", error=type(error).__name__)
