"""How long to wait after failed logins. Pure.

Counted per account, per address, and per pair of both. An account that others attack is never closed to the person who
knows its password: an address that has not failed on it itself is let in at once (no lock-out, OWASP ASVS 5.0, 6.3.1).
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
KEEP = timedelta(hours=1)
PER_ACCOUNT = 5
PER_ADDRESS = 20
FIRST_WAIT = 30.0
LONGEST_WAIT = 900.0


@dataclass(frozen=True)
class Attempt:
    """One login being tried, already counted as failed."""

    id: int
    account: bytes
    address: str


@dataclass(frozen=True)
class Failures:
    """Failed logins within the window, before the attempt in question."""

    of_account: int
    """On this account, from any address."""
    of_pair: int
    """On this account, from this address."""
    of_address: int
    """From this address, on any account."""
    last_of_pair: datetime | None
    last_of_address: datetime | None


def next_try(failures: Failures) -> datetime | None:
    """The moment from which another try is allowed, or None where nothing stands against it.

    From the fifth failure on: 30 s after the last one, doubled with each, at most 15 min. A pair that failed at all
    waits 30 s between tries while the account also fails elsewhere.
    """
    moments = []
    if failures.last_of_pair is not None:
        if failures.of_pair >= PER_ACCOUNT:
            moments.append(failures.last_of_pair + _growing(failures.of_pair - PER_ACCOUNT))
        elif failures.of_account >= PER_ACCOUNT:
            moments.append(failures.last_of_pair + _growing(0))
    if failures.last_of_address is not None and failures.of_address >= PER_ADDRESS:
        moments.append(failures.last_of_address + _growing(failures.of_address - PER_ADDRESS))
    return max(moments, default=None)


def _growing(steps: int) -> timedelta:
    return timedelta(seconds=min(FIRST_WAIT * 2.0 ** min(steps, 10), LONGEST_WAIT))


def network_of(address: str) -> str:
    """What counts as one address: an IPv6 host owns a whole /64, so all of it. '' for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def in_words(seconds: int) -> str:
    """A wait for people: '30 seconds', '2 minutes'."""
    if seconds < 60:
        return f"{seconds} seconds" if seconds > 1 else "a second"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else "a minute"
