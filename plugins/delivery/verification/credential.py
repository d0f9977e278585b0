"""Providers that sign nothing: a secret of ours comes back in the Authorization header."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from plugins.delivery.errors import Refused
from plugins.delivery.verification.incoming import Incoming, Proven


def prove(incoming: Incoming, secret: str) -> Proven:
    """Bearer with the secret, or basic with it as the password, whatever the user. Raises Refused."""
    scheme, _, given = incoming.header("Authorization").partition(" ")
    if scheme.lower() == "bearer":
        offered = given.strip()
    elif scheme.lower() == "basic":
        offered = _password(given.strip())
    else:
        raise Refused(401, "The Authorization header must be Bearer or Basic.")
    # Digests of equal length: comparing texts would tell how long the secret is.
    if not hmac.compare_digest(_digest(offered), _digest(secret)):
        raise Refused(401, "The secret in the Authorization header is not the one in the settings.")
    return Proven()


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
