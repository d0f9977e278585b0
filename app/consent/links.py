"""Links of one recipient's copy, such as the opt-out link: signed, and with nothing of the address in them. Pure.

Source: HMAC, RFC 2104, with SHA-256, truncated as in its section 5 to 144 bits.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence

from app.crypto import derive

PATH = "/privacy"
PURPOSE = "privacy-link"
FORM_PURPOSE = "privacy-form"
SIGNATURE = 18
TOKEN = re.compile(r"([1-9][0-9]{0,18})-([A-Za-z0-9_-]{24})", re.ASCII)


class CopyLinks:
    """Signs with the first key; the earlier ones still verify.

    secrets: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one. purpose: what the links are good for.
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        self._keys = [derive(secret, purpose) for secret in secrets]

    def token(self, recipient_id: int) -> str:
        """What names one recipient's copy, for this purpose alone."""
        return f"{recipient_id}-{_signature(self._keys[0], str(recipient_id))}"

    def read(self, token: str) -> int | None:
        """The recipient's id; None for what we did not sign."""
        found = TOKEN.fullmatch(token)
        if found is None:
            return None
        number, given = found.groups()
        known = [hmac.compare_digest(_signature(key, number), given) for key in self._keys]
        return int(number) if any(known) else None


class OptOutLinks(CopyLinks):
    """Links to the opt-out page: whoever has one may decide for that recipient. They never expire."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(secrets, PURPOSE)
        self._form_key = derive(secrets[0], FORM_PURPOSE)

    def form(self, token: str) -> str:
        """What the page's form carries: a program that posts to every address it finds does not have it."""
        return _signature(self._form_key, token)

    def is_form(self, token: str, given: str) -> bool:
        """Whether a form came from the page of this link."""
        return hmac.compare_digest(self.form(token).encode(), given.encode("utf-8", "replace"))


def _signature(key: bytes, text: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")[:SIGNATURE]).decode()
