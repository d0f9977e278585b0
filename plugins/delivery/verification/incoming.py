"""A request as verification needs it, and what it proves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.delivery.errors import Refused

_SECONDS = re.compile(r"\d{1,11}(?:\.\d{1,9})?", re.ASCII)
AHEAD = timedelta(minutes=5)
"""How far the sender's clock may be ahead."""


@dataclass(frozen=True)
class Incoming:
    """One request."""

    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    """As it came: signatures cover these bytes and no others."""
    now: datetime

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """A header that has to be there. Raises Refused."""
        found = self.headers.get(name.lower(), "").strip()
        if not found:
            raise Refused(401, f"The header {name} is missing, so nobody can tell who sent this.")
        return found


@dataclass(frozen=True)
class Subscription:
    """What SNS wants of a topic that is ours."""

    topic: str
    confirm_url: str | None
    """To be fetched, which confirms it; None: the subscription has ended."""


@dataclass(frozen=True)
class Proven:
    """What a request that is genuine carries beside its events."""

    request_id: str = ""
    """Signed, and the same when it is sent again."""
    token: str = ""
    """May be used for one event only."""
    body: Any = None
    """Read already, because the signature stands in it."""
    subscription: Subscription | None = None


def check_age(text: str, now: datetime, longest: timedelta) -> None:
    """Refuse what was signed too long ago, or in the future. Call after the signature was checked.

    text: seconds since 1970, digits only: "nan" and "inf" pass each comparison of floats.
    """
    if not _SECONDS.fullmatch(text):
        raise Refused(401, "The time of the signature must be seconds since 1970, in digits.")
    check_moment(datetime.fromtimestamp(float(text), UTC), now, longest)


def check_moment(signed_at: datetime, now: datetime, longest: timedelta) -> None:
    """The same for a moment."""
    if signed_at < now - longest:
        hours = longest.total_seconds() / 3600
        words = f"{hours:g} hours" if hours >= 1 else f"{longest.total_seconds() / 60:g} minutes"
        raise Refused(401, f"The signature is older than {words}; an old request may have been recorded and replayed.")
    if signed_at > now + AHEAD:
        raise Refused(401, "The signature is from the future; look at the clocks of both sides.")
