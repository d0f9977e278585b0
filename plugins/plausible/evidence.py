"""What is kept of a request so that it can be classified, now and again later; and the event as the classifier sees it.

Pure. An event's evidence is one JSON text, the same for all requests that look alike:
`{"m": "HEAD", "h": [["accept", "*/*"], ...], "n": ["cloud"], "s": 1, "c": 1}` — the method where it is not GET, the
headers that `chosen_headers` keeps, what was known of the address's network before it was cut, and whether an agent's
or a customer's session came along. An event without evidence was stored before there was any.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from plugins.plausible.addresses import client_of_address
from plugins.plausible.classify import Request
from plugins.plausible.events import Kind, TrackingEvent
from plugins.plausible.links import link_mark

LONGEST = 4000
"""Characters; `chosen_headers` keeps ten values of at most 200 characters, some of which take six in JSON."""
_ALIKE = 4096
"""Different looks that are remembered with what they say."""


class Evidence(NamedTuple):
    """What a request tells beside its time, address, browser name and Referer."""

    method: str = "GET"
    headers: tuple[tuple[str, str], ...] | None = None
    networks: frozenset[str] = frozenset()
    agent_session: bool = False
    customer_session: bool = False


@lru_cache(maxsize=_ALIKE)
def pack(evidence: Evidence) -> str:
    """As the column `evidence` and the spool keep it."""
    found: dict[str, object] = {}
    if evidence.method != "GET":
        found["m"] = evidence.method[:20]
    if evidence.headers is not None:
        found["h"] = evidence.headers
    if evidence.networks:
        found["n"] = sorted(evidence.networks)
    if evidence.agent_session:
        found["s"] = 1
    if evidence.customer_session:
        found["c"] = 1
    text = json.dumps(found, separators=(",", ":"))
    if len(text) > LONGEST:
        text = pack(evidence._replace(headers=None))
    return text


@lru_cache(maxsize=_ALIKE)
def unpack(text: str | None) -> Evidence:
    """The inverse; what cannot be read, or was never stored, is no evidence."""
    try:
        found = json.loads(text or "{}")
        headers = found.get("h")
        return Evidence(
            method=str(found.get("m", "GET")),
            headers=None if headers is None else tuple((str(name), str(value)) for name, value in headers),
            networks=frozenset(map(str, found.get("n", ()))),
            agent_session=bool(found.get("s")),
            customer_session=bool(found.get("c")),
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Evidence()


_mark = lru_cache(maxsize=_ALIKE)(link_mark)


def as_request(event: TrackingEvent) -> Request:
    """The event as the classifier takes it."""
    return request_of(
        event.kind,
        event.occurred_at,
        event.url,
        event.user_agent,
        event.ip_address,
        event.referrer,
        event.evidence,
        event.repeats,
    )


def request_of(
    kind: Kind,
    at: datetime,
    url: str | None,
    user_agent: str | None,
    ip_address: str | None,
    referrer: str | None,
    evidence: str | None,
    repeats: int,
) -> Request:
    """What is stored of an event as the classifier takes it: links by their marks, clients by what is left of their
    address.
    """
    seen = unpack(evidence)
    return Request(
        at,
        kind,
        None if url is None else _mark(url),
        seen.method,
        user_agent,
        referrer,
        seen.headers,
        seen.networks,
        client_of_address(ip_address),
        seen.agent_session,
        seen.customer_session,
        repeats,
    )
