"""One open or click as it is recorded, and what of a request is kept. Pure."""

from __future__ import annotations

import ipaddress
import os
import random
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from app.services.web import is_ipv4

OPEN: Literal["open"] = "open"
CLICK: Literal["click"] = "click"
Kind = Literal["open", "click"]

LONGEST_USER_AGENT = 1000
LONGEST_REFERRER = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_KEPT_SHIFT = 128 - 48


def new_key(moment: datetime) -> bytes:
    """16 bytes by which an event is known again: its milliseconds, then 80 random bits (as UUID 7 of RFC 9562).

    Keys that begin with the time are inserted at the index's end, so that a table of any size takes them as quickly.
    """
    return (int(moment.timestamp() * 1000) << 80 | _random.getrandbits(80)).to_bytes(16, "big")


# Not secret, only unlike all others: asking the kernel for each costs more than the rest of the key. A forked process
# must not go on with its parent's numbers.
_random = random.Random(os.urandom(32))  # noqa: S311
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))


@dataclass(slots=True)
class TrackingEvent:
    """What one request tells, or several that are too many to be told one by one."""

    kind: Kind
    tracking_id: str
    occurred_at: datetime
    url: str | None = None
    """The destination of a click."""
    user_agent: str | None = None
    ip_address: str | None = None
    """As `plugins.plausible.addresses` keeps it."""
    referrer: str | None = None
    key: bytes = b""
    """Random; an event that is stored a second time is known by it. Made where none is given."""
    repeats: int = 1
    """Requests that this stands for: over the limits of one id or one address they are only counted."""
    evidence: str | None = None
    """What else classification needs, as `plugins.plausible.evidence` packs it."""

    def __post_init__(self) -> None:
        self.key = self.key or new_key(self.occurred_at)


class Address(NamedTuple):
    """A client's address as far as recording needs it."""

    full: str
    cut: str | None
    """Without its last part: /24 of IPv4, /48 of IPv6; None where it is no address."""
    is_local: bool
    """Whether this is no address of a client: a proxy on this machine that TRUSTED_PROXIES does not name stands there
    for everybody."""


def read_address(address: str) -> Address:
    """An address and its cut form: "203.0.113.77" → "203.0.113.0", "2001:db8:1:2::3" → "2001:db8:1::"."""
    if is_ipv4(address):
        return Address(address, f"{address.rpartition('.')[0]}.0", address.startswith("127."))
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Address(address, None, True)
    if parsed.version == 4:
        return Address(address, f"{address.rpartition('.')[0]}.0", parsed.is_loopback)
    cut = ipaddress.IPv6Address(int(parsed) >> _KEPT_SHIFT << _KEPT_SHIFT)
    return Address(address, str(cut), parsed.is_loopback)


def clean_header(value: str | None, longest: int) -> str | None:
    """A header as it is stored: one line without control characters, cut; None where nothing is left."""
    return _CONTROL.sub(" ", value or "").strip()[:longest] or None
