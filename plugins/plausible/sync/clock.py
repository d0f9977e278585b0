"""Whether this host's clock can be believed.

Plausible dates an event when it comes, by its own clock. A portal whose clock is a day off would throw away what is of
today, or send what is of another day; the `Date` of Plausible's answers shows it (RFC 9110, 6.6.1).
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

LIMIT = timedelta(minutes=5)
"""How far the two clocks may be apart."""
VALID = 3600.0
"""Seconds for which an answer tells of the clock; a jump ends that at once."""


class Clock:
    """What Plausible's answers say of this host's clock.

    now: this host's, aware. elapsed: seconds that no jump of the clock changes.
    """

    def __init__(self, now: Callable[[], datetime], elapsed: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._elapsed = elapsed
        self._heard: tuple[datetime, float] | None = None
        self._ahead = timedelta()

    def hear(self, headers: httpx.Headers) -> None:
        """Take the time from an answer. One without a time is taken for right: there is nothing to compare with."""
        now, theirs = self.now(), _date(headers.get("date"))
        self._heard = now, self._elapsed()
        self._ahead = now - theirs if theirs is not None else timedelta()

    @property
    def is_known(self) -> bool:
        """Whether an answer told lately, and the clock went evenly since."""
        if self._heard is None:
            return False
        at, then = self._heard
        passed = self._elapsed() - then
        return passed <= VALID and abs(self.now() - at - timedelta(seconds=passed)) <= LIMIT

    @property
    def is_right(self) -> bool:
        """Whether it is known, and is right."""
        return self.is_known and abs(self._ahead) <= LIMIT

    @property
    def problem(self) -> str:
        """How far it is off, in words that go after "Plausible"; '' where it is right or nobody knows."""
        if not self.is_known or abs(self._ahead) <= LIMIT:
            return ""
        side = "behind" if self._ahead > timedelta() else "ahead of"
        return (
            f"is {length(self._ahead)} {side} this portal's clock: set the clock right (NTP). "
            "Until then nothing is sent, because it would count on a wrong day; all of it waits"
        )


def length(span: timedelta) -> str:
    """A span in words, without its sign: "1 day", "36 hours", "7 minutes"."""
    minutes = round(abs(span).total_seconds() / 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= 2 * size or minutes == size or size == 1:
            count = round(minutes / size)
            return f"{count} {unit}" + ("" if count == 1 else "s")
    raise AssertionError("a minute is the smallest unit")


def _date(value: str | None) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value) if value else None
    except (ValueError, TypeError):
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
