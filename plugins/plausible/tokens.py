"""Signatures of click links: a link redirects only where we said so. Pure.

Source: HMAC, RFC 2104, with SHA-256; truncation as in its section 5.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

from app.crypto import derive

PURPOSE = "plausible/click"
LENGTH = 18
"""Bytes that are kept: 144 bits, 24 characters without padding."""


class Signer:
    """Signs with the first key; the earlier ones still verify.

    secrets: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = tuple(derive(secret, PURPOSE) for secret in secrets)

    def sign(self, tracking_id: str, url: str) -> str:
        """The signature of one recipient's link: 24 characters of URL-safe base64.

        Raises UnicodeEncodeError for a text with lone surrogates, which no URL can carry.
        """
        return _signature(self._keys[0], tracking_id, url).decode()

    def verify(self, tracking_id: str, url: str, signature: str) -> bool:
        """Whether we made `signature` for exactly these two, in a time that does not depend on how wrong it is."""
        try:
            given = signature.encode("ascii")
            return any(hmac.compare_digest(_signature(key, tracking_id, url), given) for key in self._keys)
        except UnicodeEncodeError:
            return False


def _signature(key: bytes, tracking_id: str, url: str) -> bytes:
    # The length in front keeps ("ab", "c") and ("a", "bc") apart.
    first = tracking_id.encode()
    message = len(first).to_bytes(4, "big") + first + url.encode()
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")[:LENGTH])
