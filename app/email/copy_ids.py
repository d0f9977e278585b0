"""Ids of recipients' copies: random, and marked as ours, so that a made-up one is known without the database. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from app.crypto import derive

PURPOSE = "copy-id"
RANDOM_BYTES = 32
"""256 bits: nobody guesses the id of another recipient's copy."""
MARK_BYTES = 8
"""64 bits of keyed BLAKE2b (RFC 7693): one guess in 2^64 passes, and then meets an id that does not exist."""
LENGTH = 54
"""Characters of an id: 40 bytes in URL-safe base64 without padding."""


class CopyIds:
    """Makes ids with the first key and knows those of every key.

    secrets: SECRET_KEY and then those of SECRET_KEY_PREVIOUS, at least one.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keyed = [
            hashlib.blake2b(key=derive(secret, PURPOSE), digest_size=MARK_BYTES, usedforsecurity=True)
            for secret in secrets
        ]

    def new(self) -> str:
        """A fresh id."""
        token = secrets.token_bytes(RANDOM_BYTES)
        return base64.urlsafe_b64encode(token + _mark(self._keyed[0], token)).rstrip(b"=").decode()

    @staticmethod
    def should_be_marked(copy_id: str) -> bool:
        """Whether an id has the length of those with a mark: without ours it is made up, or its key is gone, with which
        the signatures of its links went too.
        """
        return len(copy_id) == LENGTH

    def is_marked(self, copy_id: str) -> bool:
        """Whether we made this id, under a key that we still have. Ids from before the mark (43 characters) are not."""
        if len(copy_id) != LENGTH:
            return False
        try:
            raw = base64.urlsafe_b64decode(copy_id + "==")
        except (binascii.Error, ValueError):
            return False
        if base64.urlsafe_b64encode(raw).rstrip(b"=") != copy_id.encode():
            # Another spelling of the same bytes is no id of ours, and would be looked for in the database.
            return False
        token, mark = raw[:RANDOM_BYTES], raw[RANDOM_BYTES:]
        return any(hmac.compare_digest(_mark(keyed, token), mark) for keyed in self._keyed)


def _mark(keyed: hashlib.blake2b, token: bytes) -> bytes:
    # A copy of the state that holds the key already costs half of making one.
    state = keyed.copy()
    state.update(token)
    return state.digest()
