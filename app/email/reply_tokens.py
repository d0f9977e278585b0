"""Tokens in our Message-IDs and reply addresses: which reply a mail answers, signed, so that nobody can make one up.
Pure.

    <0123456789abcdef0123456789abcdef.r123.<16 hex>@help.example.com>      Message-ID
    support+r123.0123456789abcdef.<16 hex>@example.com                     Reply-To
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence

from app.crypto import derive

PURPOSE = "reply-token"
_TOKEN = re.compile(r"(?:<|\+|^)(?:([0-9a-f]{32})\.r([0-9]{1,10})|r([0-9]{1,10})\.([0-9a-f]{16}))\.([0-9a-f]{16})@")


class ReplyTokens:
    """Signs with the first key and knows what any key signed.

    keys: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [derive(key, PURPOSE) for key in keys]

    def message_id(self, reply_id: int, domain: str) -> str:
        """A fresh Message-ID, angle brackets included, of a mail that carries this reply."""
        salt = secrets.token_hex(16)
        return f"<{salt}.r{reply_id}.{_sign(self._keys[0], salt, reply_id)}@{domain}>"

    def address(self, reply_id: int, address: str) -> str:
        """An address below `address` ("support@x" gives "support+r...@x") that answers to this reply have."""
        salt = secrets.token_hex(8)
        local, _, domain = address.rpartition("@")
        return f"{local}+r{reply_id}.{salt}.{_sign(self._keys[0], salt, reply_id)}@{domain}"

    def reply_of(self, text: str) -> int | None:
        """The reply that a Message-ID or address of ours was made for; None for one that we did not sign."""
        found = _TOKEN.search(text.lower())
        if found is None:
            return None
        salt, number = found[1] or found[4], int(found[2] or found[3])
        known = any(hmac.compare_digest(_sign(key, salt, number), found[5]) for key in self._keys)
        return number if known else None


def _sign(key: bytes, salt: str, reply_id: int) -> str:
    return hmac.digest(key, f"{salt}/{reply_id}".encode(), "sha256").hex()[:16]
