"""How a process that serves hears that it is to end."""

from __future__ import annotations

import asyncio
import signal
import threading

from app.server.child import RETIRE

stopping = threading.Event()
"""Set as soon as this process is asked to end; whoever holds a connection open for long lets go then."""


class Asked:
    """The signals of this process, as events of the running loop."""

    def __init__(self) -> None:
        self.to_end = asyncio.Event()
        """Finish what is in flight and leave, whatever the reason."""
        self.to_stop = asyncio.Event()
        """SIGINT or SIGTERM came: nobody takes our place, and somebody waits for our end."""
        self.to_hurry = asyncio.Event()
        """Another one came: leave without waiting for clients."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._hear)
        loop.add_signal_handler(RETIRE, self._begin)

    def _begin(self) -> None:
        stopping.set()
        self.to_end.set()

    def _hear(self) -> None:
        self._begin()
        if self.to_stop.is_set():
            self.to_hurry.set()
        self.to_stop.set()
