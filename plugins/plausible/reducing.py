"""What is taken out of an event once its user agent need not be kept in full any more. Pure.

What is left is classified as before: `clients.reduced` keeps the program, the Referer its host and, on the portal's own
pages, whether they are the customers'; of the languages only stays that there were some.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from plugins.plausible.classify import Context
from plugins.plausible.clients import reduced
from plugins.plausible.evidence import pack, unpack

SOME_LANGUAGE = "*"


@dataclass(frozen=True, slots=True)
class Traits:
    """The columns of an event that tell of a program and where it came from."""

    user_agent: str | None
    referrer: str | None
    evidence: str | None


@lru_cache(maxsize=4096)
def without_traits(found: Traits) -> Traits:
    """The same event as it is kept for good; what was reduced before stays as it is."""
    return Traits(
        reduced(found.user_agent) if found.user_agent else None, _host(found.referrer), _evidence(found.evidence)
    )


def _host(referrer: str | None) -> str | None:
    if not referrer:
        return None
    try:
        parts = urlsplit(referrer)
        host = parts.hostname
    except ValueError:
        return None
    if not host:
        return None
    place = next((path for path in Context().customer_paths if parts.path.startswith(path)), "/")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{place}"


def _evidence(text: str | None) -> str | None:
    if text is None:
        return None
    seen = unpack(text)
    if seen.headers is None:
        return text
    kept = tuple(
        (name, SOME_LANGUAGE if name == "accept-language" and value else value) for name, value in seen.headers
    )
    return pack(seen._replace(headers=kept))
