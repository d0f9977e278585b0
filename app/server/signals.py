"""How a process that serves hears that it is to end."""

from __future__ import annotations

import asyncio
import signal
import threading

stopping = threading.Event()
"""Set as soon as this process is asked to end; whoever holds a connection open for long lets go then."""


class Asked:
    """SIGINT and SIGTERM of this process, as events of the running loop."""

    def __init__(self) -> None:
        self.to_stop = asyncio.Event()
        """The first signal came: finish what is in flight and leave."""
        self.to_hurry = asyncio.Event()
        """Another one came: leave without waiting for clients."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._hear)

    def _hear(self) -> None:
        stopping.set()
        if self.to_stop.is_set():
            self.to_hurry.set()
        self.to_stop.set()
