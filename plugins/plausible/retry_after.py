"""How long a server asked for quiet. Pure."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime

MOST = 3600.0
"""Seconds: longer than this no `Retry-After` is believed."""


def seconds_of(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), a number or a date, at most MOST; None where it says none.

    now: aware.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), MOST)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), MOST)
