"""API keys: who may read or provision what, and how often."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from tests.support.plausible.http import Request, Response
from tests.support.plausible.model import Instance, Key, Scope, Site

HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=10)
PER_HOUR = {"cloud": 600, "ce": 1_000_000}
BURST = 60
NO_KEY = "Missing API key. Please use a valid Plausible API key as a Bearer Token."
WRONG_KEY = (
    "Invalid API key. Please make sure you're using a valid API key with access to the resource you've requested."
)
WRONG_KEY_OR_SITE = (
    "Invalid API key or site ID. Please make sure you're using a valid API key with access to the site you've "
    "requested."
)
NO_SITE = "Missing site ID. Please provide the required site_id parameter with your request."
NO_STATS = (
    "The account that owns this API key does not have access to Stats API. Please make sure you're using the API key "
    "of a subscriber account and that the subscription plan includes Stats API"
)
LOCKED = (
    "This Plausible site is locked due to missing active subscription. In order to access it, the site owner should "
    "subscribe to a suitable plan"
)


class Refused(Exception):
    """The request is answered with this status and error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error

    def response(self) -> Response:
        """The answer of the Stats and Sites APIs."""
        return Response.of_json(self.status, {"error": self.error})


def parameters(request: Request) -> dict[str, Any]:
    """Query and body together, the body first; raises Refused for JSON that is none."""
    found: dict[str, Any] = dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind == "application/json" and request.body:
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Refused(400, "Bad Request") from None
        found |= body if isinstance(body, dict) else {}
    elif kind == "application/x-www-form-urlencoded":
        found |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    return found


def key_of(instance: Instance, request: Request, scope: Scope) -> Key:
    """The key of a request, counted for its limits; raises Refused."""
    given = request.header("authorization") or ""
    if not given.startswith("Bearer "):
        raise Refused(401, NO_KEY)
    key = instance.keys.get(given.removeprefix("Bearer ").strip())
    if key is None:
        raise Refused(401, WRONG_KEY_OR_SITE if scope == "stats" else WRONG_KEY)
    _count(instance, key)
    if scope == "sites" and "sites" not in key.scopes:
        raise Refused(401, WRONG_KEY)
    return key


def readable_site(instance: Instance, key: Key, given: Mapping[str, Any]) -> Site:
    """The site that the Stats API is asked about; raises Refused."""
    if given.get("site_id") is None:
        raise Refused(400, NO_SITE)
    site = find(instance, given["site_id"])
    if site is None or site.domain not in key.sites:
        raise Refused(401, WRONG_KEY_OR_SITE)
    if site.locked:
        raise Refused(402, LOCKED)
    if not site.has_stats:
        raise Refused(402, NO_STATS)
    return site


def find(instance: Instance, domain: object) -> Site | None:
    """The site of this name, or that had it before."""
    return next((one for one in instance.sites.values() if domain in (one.domain, one.former)), None)


def _count(instance: Instance, key: Key) -> None:
    now = instance.clock()
    key.used = [one for one in key.used if now - one < HOUR]
    limit = instance.requests_per_hour
    per_hour = limit if limit is not None else PER_HOUR[instance.edition]
    if len(key.used) >= per_hour:
        raise Refused(
            429,
            f"Too many API requests. The limit is {per_hour} per hour. Please contact us to request more capacity.",
        )
    burst = instance.burst if instance.burst is not None else BURST
    if sum(now - one < MOMENT for one in key.used) >= burst:
        raise Refused(
            429,
            f"Too many API requests in a short period of time. The limit is {burst} per 10 seconds. Please throttle "
            "your requests.",
        )
    key.used.append(now)
