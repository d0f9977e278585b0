"""Resend: the scheme of Svix and of Standard Webhooks, HMAC over id, time and raw body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import timedelta

from plugins.delivery.errors import Refused
from plugins.delivery.verification.incoming import Incoming, Proven, check_age

LONGEST = timedelta(minutes=5)
SHORTEST_KEY = 16
MOST_SIGNATURES = 10


def key_of(secret: str) -> bytes | None:
    """The key behind "whsec_…"; None where there is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= SHORTEST_KEY else None


def prove(incoming: Incoming, secret: str) -> Proven:
    """Raises Refused. Several signatures may be given, while a secret is being changed: one has to fit."""
    prefix = "webhook" if "webhook-id" in incoming.headers else "svix"
    number, timestamp, given = (incoming.header(f"{prefix}-{name}") for name in ("id", "timestamp", "signature"))
    key = key_of(secret)
    if key is None:
        raise Refused(403, "The signing secret in the settings cannot be read; copy it anew from Resend.")
    content = f"{number}.{timestamp}.".encode() + incoming.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
    signatures = [part[3:].encode() for part in given.split()[:MOST_SIGNATURES] if part.startswith("v1,")]
    # All are compared, so that the time tells nothing.
    if not sum(hmac.compare_digest(expected, one) for one in signatures):
        raise Refused(401, "The signature does not fit id, time, body and secret; compare the signing secret.")
    check_age(timestamp, incoming.now, LONGEST)
    return Proven(request_id=number[:200])
