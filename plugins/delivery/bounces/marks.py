"""Marks that lead a bounce back to its copy, signed, so that nobody can make one up. Pure.

    bounces+2s-0123456789abcdef0123@acme.example      the envelope sender that the copy goes out with
    X-MyPortal-Copy: 2s-0123456789abcdef0123          a header of the copy, for where the envelope is rewritten

The number is that of the copy in base 36. In lower case, because mail servers may change the case of a local part.
"""

from __future__ import annotations

import hmac
import re
import string
from collections.abc import Sequence

HEADER = "X-MyPortal-Copy"
PURPOSE = b"myportal/delivery-copy"
LONGEST_LOCAL = 25
"""Characters of the address before the @; 64 hold it with the mark."""
_DIGITS = string.digits + string.ascii_lowercase
_MARK = r"([0-9a-z]{1,13})-([0-9a-f]{20})"
_ADDRESS = re.compile(rf"\+{_MARK}@", re.IGNORECASE)
_PLAIN = re.compile(rf"\s*{_MARK}\s*", re.IGNORECASE)
_MOST = 2**63


class Marks:
    """Signs with the first key and knows what any key signed.

    keys: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [hmac.digest(key.encode(), PURPOSE, "sha256") for key in keys]

    def mark(self, recipient_id: int) -> str:
        """The mark of a copy."""
        return f"{_base36(recipient_id)}-{_sign(self._keys[0], recipient_id)}"

    def address(self, recipient_id: int, bounce_address: str) -> str:
        """The envelope sender of a copy, below `bounce_address`."""
        local, _, domain = bounce_address.rpartition("@")
        return f"{local}+{self.mark(recipient_id)}@{domain}"

    def of_address(self, address: str) -> int | None:
        """The copy that an address of ours was made for; None for one that we did not sign."""
        return self._known(_ADDRESS.search(address[-400:]))

    def of_header(self, value: str) -> int | None:
        """The copy that a header of ours names; None for one that we did not sign."""
        return self._known(_PLAIN.fullmatch(value[:100]))

    def _known(self, found: re.Match[str] | None) -> int | None:
        if found is None:
            return None
        number, given = int(found[1], 36), found[2].lower()
        known = number < _MOST and any(hmac.compare_digest(_sign(key, number), given) for key in self._keys)
        return number if known else None


def _sign(key: bytes, recipient_id: int) -> str:
    return hmac.digest(key, str(recipient_id).encode(), "sha256").hex()[:20]


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
