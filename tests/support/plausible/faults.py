"""What goes wrong with the stand-in, for which path and how often."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "status", "hang", "slow", "close_unread", "lose_answer", "close_mid_answer", "html", "redirect", "huge", "garbage"
]

EVENTS = "/api/event"


@dataclass
class Fault:
    """One thing that goes wrong.

    kind: `status` answers `status` with `retry_after`; `hang` says nothing; `slow` answers after `seconds`;
        `close_unread` resets the connection on the request's head; `lose_answer` closes where the answer would come;
        `close_mid_answer` sends half of it; `html` answers 200 with a page; `redirect` answers `status` to `location`;
        `huge` answers 200 with `size` bytes; `garbage` answers with what is no HTTP.
    path: only for paths that begin so. times: how often, None for always. skip: how many requests go well before.
    share: the part of the requests that it meets, drawn from a seed. processed: the event counts all the same.
    """

    kind: Kind
    path: str = EVENTS
    times: int | None = None
    skip: int = 0
    share: float = 1.0
    processed: bool = False
    status: int = 503
    retry_after: str | None = None
    seconds: float = 0.0
    location: str = ""
    size: int = 0
    met: int = 0
    """How many requests it has met."""


class Faults:
    """The faults in force, the first that fits wins; may be changed from any thread."""

    def __init__(self, *, seed: int = 1) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)  # noqa: S311
        self.released = asyncio.Event()

    def add(self, fault: Fault) -> Fault:
        """Set a fault beside those in force."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """All goes well from now on; connections that hang are closed."""
        self._faults.clear()
        released, self.released = self.released, asyncio.Event()
        released.set()

    def status(
        self,
        status: int,
        *,
        retry_after: str | None = None,
        path: str = EVENTS,
        times: int | None = None,
        processed: bool = False,
    ) -> Fault:
        """Answer this status; Retry-After as given: seconds or a date."""
        return self.add(Fault("status", path, times, status=status, retry_after=retry_after, processed=processed))

    def hang(self, *, path: str = EVENTS, times: int | None = None, processed: bool = False) -> Fault:
        """Take the request and never answer, until `clear` or the end."""
        return self.add(Fault("hang", path, times, processed=processed))

    def slow(self, seconds: float, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Answer rightly, this much later."""
        return self.add(Fault("slow", path, times, seconds=seconds, processed=True))

    def close_unread(self, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Reset the connection on the head of a request; nothing is processed."""
        return self.add(Fault("close_unread", path, times))

    def lose_answer(self, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Process the request and close the connection in place of the answer."""
        return self.add(Fault("lose_answer", path, times, processed=True))

    def close_mid_answer(self, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Process the request and close the connection in the middle of the answer."""
        return self.add(Fault("close_mid_answer", path, times, processed=True))

    def html(self, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Answer 200 with a page, as a login wall or a parked domain does."""
        return self.add(Fault("html", path, times))

    def garbage(self, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Answer with bytes that are no HTTP."""
        return self.add(Fault("garbage", path, times))

    def redirect(self, location: str, *, status: int = 301, path: str = EVENTS, times: int | None = None) -> Fault:
        """Send the client elsewhere."""
        return self.add(Fault("redirect", path, times, status=status, location=location))

    def huge(self, size: int = 64_000_000, *, path: str = EVENTS, times: int | None = None) -> Fault:
        """Answer 200 with `size` bytes of JSON white space."""
        return self.add(Fault("huge", path, times, size=size))

    def take(self, path: str, *, unread: bool) -> Fault | None:
        """Find the fault for a request and count it; `unread` asks for those that come before the body."""
        for fault in self._faults:
            if (fault.kind == "close_unread") is not unread or not path.startswith(fault.path) or fault.times == 0:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.share < 1.0 and self._random.random() >= fault.share:
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.met += 1
            return fault
        return None
