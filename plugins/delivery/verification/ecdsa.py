"""SendGrid: ECDSA over the time and the raw body, checked by a public key."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from plugins.delivery.errors import Refused
from plugins.delivery.verification.incoming import Incoming, Proven, check_age

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
LONGEST = timedelta(hours=25)
"""It tries for a day, and documents no window; event ids keep what comes twice from counting twice."""


@lru_cache(maxsize=8)
def load(key: str) -> ec.EllipticCurvePublicKey | None:
    """The key from base64 DER; None for anything but a key of the curve P-256."""
    try:
        found = load_der_public_key(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, ec.EllipticCurvePublicKey) and isinstance(found.curve, ec.SECP256R1) else None


def prove(incoming: Incoming, key: str) -> Proven:
    """Raises Refused."""
    signature, timestamp = incoming.header(SIGNATURE), incoming.header(TIMESTAMP)
    public = load(key)
    if public is None:
        raise Refused(403, "The verification key in the settings cannot be read; copy it anew from SendGrid.")
    try:
        given = base64.b64decode(signature, validate=True)
        public.verify(given, timestamp.encode() + incoming.body, ec.ECDSA(SHA256()))
    except (binascii.Error, ValueError, InvalidSignature):
        raise Refused(401, "The signature does not fit body and key; compare the verification key.") from None
    check_age(timestamp, incoming.now, LONGEST)
    return Proven()
