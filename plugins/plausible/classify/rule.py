"""What a rule is, and the conditions that rules are made of. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plugins.plausible.classify.model import Class, Context
from plugins.plausible.classify.sight import Sight
from plugins.plausible.client_names import Kind

AT_ONCE = 5.0
"""Seconds in which a mail proxy may have loaded ahead."""
HURRIED = 8.0
"""Seconds in which a mail does not reach a person's eyes."""
SOON = 60.0
"""Seconds in which scanners are at work."""
SETTLED = 600.0
"""Seconds after which a gateway's first scans are over."""
IN_TRANSIT = -600.0
"""Earlier than this before delivery, a clock was wrong or an earlier delivery had succeeded unseen."""
CLOCK_SLACK = -1.0
STALE_LOSS = 0.1
"""What an old list of networks costs a rule that leans on it."""


Condition = Callable[[Sight, Context], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; it holds if all its conditions do."""

    name: str
    """Stored with the event."""
    kind: Class
    confidence: float
    sentence: str
    """For the list of rules."""
    reason: str
    """For the timeline; {client} stands for the program."""
    when: Condition
    """What it asks of the looks of the request alone."""
    before: float | None = None
    after: float | None = None
    """Seconds since delivery."""
    mark: str | None = None
    """A finding among the other requests (`lookback`) that the request must be part of."""
    unless: str | None = None
    """One that it must not be part of."""
    by_network: bool = False
    """Leans on the list of networks."""


def at(*networks: str) -> Condition:
    wanted = frozenset(networks)
    return lambda s, c: bool(s.networks & wanted)


def is_a(*kinds: Kind) -> Condition:
    return lambda s, c: s.client.kind in kinds


def opened_by(*kinds: Kind) -> Condition:
    return lambda s, c: s.is_open and s.client.kind in kinds


def always(s: Sight, c: Context) -> bool:
    return True


def program_cloud(s: Sight) -> bool:
    return "cloud" in s.networks and not s.mail_client
