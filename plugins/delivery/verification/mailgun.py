"""Mailgun: an HMAC of time and token that stands in the body and does not cover it.

So a captured one would vouch for any body: the token is kept with the event that it came with, and good for no other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from plugins.delivery.errors import Refused
from plugins.delivery.parsing import parse
from plugins.delivery.verification.incoming import Incoming, Proven, check_age

LONGEST = timedelta(hours=12)
"""It tries for eight hours, and documents no window."""
SIGNATURES = ("signature", "parent-signature")


def prove(incoming: Incoming, key: str) -> Proven:
    """Raises Refused."""
    body = parse(incoming)
    if not isinstance(body, Mapping):
        raise Refused(400, "The body must be one JSON object with signature and event-data, or a form.")
    found = [body] if isinstance(body.get("signature"), str) else [body.get(name) for name in SIGNATURES]
    given = [one for one in found if isinstance(one, Mapping)]
    if not given:
        raise Refused(401, "The body has no signature, so nobody can tell who sent this.")
    for one in given:
        timestamp, token, signature = (_text(one, name) for name in ("timestamp", "token", "signature"))
        expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        if token and hmac.compare_digest(expected.encode(), signature.lower().encode()):
            check_age(timestamp, incoming.now, LONGEST)
            return Proven(token=token, body=body)
    raise Refused(401, "The signature does not fit time, token and key; compare the HTTP webhook signing key.")


def _text(one: Mapping[str, Any], name: str) -> str:
    found = one.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)[:200].encode("utf-8", "replace").decode()
