"""One open or click as it is recorded, and what of a request is kept. Pure."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

OPEN: Literal["open"] = "open"
CLICK: Literal["click"] = "click"
Kind = Literal["open", "click"]

LONGEST_USER_AGENT = 1000
LONGEST_REFERRER = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_KEPT_BITS = {4: 24, 6: 48}


@dataclass(frozen=True)
class TrackingEvent:
    """What one request tells."""

    kind: Kind
    tracking_id: str
    occurred_at: datetime
    url: str | None = None
    """The destination of a click."""
    user_agent: str | None = None
    ip_address: str | None = None
    """Already cut."""
    referrer: str | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    """Random; an event that is stored a second time is known by it."""


def cut_address(address: str) -> str | None:
    """An address without its last part: /24 of IPv4, /48 of IPv6. None where it is no address.

    "203.0.113.77" → "203.0.113.0", "2001:db8:1:2::3" → "2001:db8:1::".
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return str(ipaddress.ip_network((parsed, _KEPT_BITS[parsed.version]), strict=False).network_address)


def clean_header(value: str | None, longest: int) -> str | None:
    """A header as it is stored: one line without control characters, cut; None where nothing is left."""
    return _CONTROL.sub(" ", value or "").strip()[:longest] or None
