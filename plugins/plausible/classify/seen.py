"""All requests of a copy side by side, and who had the mail open when. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf

from plugins.plausible.classify.rule import AT_ONCE
from plugins.plausible.classify.sight import Sight

READING = 15.0
"""Seconds that a person had the mail open before several links in a row are believed."""
SHOWN = 3600.0
"""Seconds after a mail service showed the mail in which a click may be of the person who saw it."""

Who = tuple[str, str | None]
"""User-Agent and client."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All requests of a copy, column by column, sorted by time."""

    times: Sequence[float]
    """Seconds."""
    sights: Sequence[Sight]
    agents: Sequence[str]
    clients: Sequence[str | None]
    links: Sequence[str | None]
    """None for opens."""
    in_mail: Sequence[str]
    """The mail's distinct links in order, without the trap."""
    trap: str | None
    delivered: float | None

    def who(self, index: int) -> Who:
        return self.agents[index], self.clients[index]


class Reading:
    """Who had the pixel open, and since when."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._first: dict[Hashable, float] | None = None
        self._shown: list[float] = []

    def _find(self) -> dict[Hashable, float]:
        """The earliest loads by client, found when they are first asked for."""
        seen = self._seen
        first: dict[Hashable, float] = {}
        loaded_ahead = -inf if seen.delivered is None else seen.delivered + AT_ONCE
        for sight, moment, agent, client in zip(seen.sights, seen.times, seen.agents, seen.clients, strict=True):
            if sight.may_read:
                first.setdefault((agent, client), moment)
                # A mail program opens links in a browser, so the name changes but not the address.
                if sight.mail_client and client is not None:
                    first.setdefault(client, moment)
            elif sight.shows and moment >= loaded_ahead:
                self._shown.append(moment)
        return first

    def before(self, index: int, at: float | None = None) -> bool:
        """Whether the client of this click loaded the pixel long enough before it, or before `at`.

        A proxy that loads when a mail is shown stands for every client of a person: it hides which.
        """
        moment = self._seen.times[index] if at is None else at
        client = self._seen.clients[index]
        if self._first is None:
            self._first = self._find()
        starts = [self._first.get(self._seen.who(index)), self._first.get(client) if client is not None else None]
        if any(start is not None and start <= moment - READING for start in starts):
            return True
        spot = bisect_left(self._shown, moment - SHOWN)
        shown = spot < len(self._shown) and self._shown[spot] <= moment - READING
        return shown and not self._seen.sights[index].machine_network
