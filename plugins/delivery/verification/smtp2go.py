"""SMTP2GO: a secret in the Authorization header; where there is a signing key, an HMAC over time and raw body too."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from plugins.delivery.errors import Refused
from plugins.delivery.verification import credential
from plugins.delivery.verification.incoming import Incoming, Proven, check_age

SIGNATURE = "X-Smtp2go-Signature"
LONGEST = timedelta(hours=1)


def prove(incoming: Incoming, secret: str, key: str) -> Proven:
    """Whatever of the two is set has to fit. Raises Refused."""
    if key:
        _check(incoming, key)
    if secret or not key:
        credential.prove(incoming, secret)
    return Proven()


def _check(incoming: Incoming, key: str) -> None:
    parts = dict(part.strip().partition("=")[::2] for part in incoming.header(SIGNATURE).split(","))
    timestamp, given = parts.get("t", ""), parts.get("v1", "")
    expected = hmac.new(key.encode(), f"{timestamp}.".encode() + incoming.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "replace")):
        raise Refused(401, "The signature does not fit time, body and key; compare the signing key.")
    check_age(timestamp, incoming.now, LONGEST)
