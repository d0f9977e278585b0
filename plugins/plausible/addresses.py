"""How much of a reader's address is kept: whole, cut, as a keyed hash, or nothing. Pure.

What is kept can be reduced further and never the other way. Each way, two requests for one copy from one network can
be told to be that, except where nothing is kept.

A hash is made of the *cut* address and the copy's tracking id under a key of its own, derived from SECRET_KEY: who has
the database and not the key cannot try out all addresses, and nobody can tell by it that two mails were read from one
place. It lasts as long as SECRET_KEY does: a key of the day would part a reader's requests at midnight.
Source: HMAC, RFC 2104, with SHA-256; truncation as in its section 5.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from app.crypto import derive
from plugins.plausible.events import Address, read_address

AddressMode = Literal["full", "cut", "hash", "none"]
MODES: tuple[AddressMode, ...] = ("full", "cut", "hash", "none")
"""From the most that is kept to the least."""
PURPOSE = "plausible/addresses"
HASHED = "h:"
"""What a hash begins with; no address does."""
LENGTH = 15
"""Bytes that are kept: 120 bits, 20 characters without padding."""


class Addresses:
    """Writes addresses as the mode of the moment says.

    secrets: SECRET_KEY first. mode: asked at each address.
    """

    def __init__(self, secrets: Sequence[str], mode: Callable[[], AddressMode]) -> None:
        self._key = derive(secrets[0], PURPOSE)
        self._mode = mode

    @property
    def mode(self) -> AddressMode:
        """How much is kept now."""
        return self._mode()

    def kept(self, address: Address, tracking_id: str) -> str | None:
        """What is stored of a request's address; None where nothing is, or where it is no address."""
        mode = self._mode()
        if address.cut is None or mode == "none":
            return None
        if mode == "full":
            return address.full[:45]
        return address.cut if mode == "cut" else self._hashed(address.cut, tracking_id)

    def reduced(self, stored: str | None, tracking_id: str) -> str | None:
        """What is left of something that was stored under whatever mode."""
        mode = self._mode()
        if stored is None or mode == "none":
            return None
        if mode == "full" or stored.startswith(HASHED):
            return stored
        cut = read_address(stored).cut
        return cut if mode == "cut" or cut is None else self._hashed(cut, tracking_id)

    def _hashed(self, cut: str, tracking_id: str) -> str:
        # A tracking id has no space, so the two parts cannot be read in another way.
        digest = hmac.digest(self._key, f"{tracking_id} {cut}".encode(), "sha256")[:LENGTH]
        return HASHED + base64.urlsafe_b64encode(digest).decode()


@lru_cache(maxsize=4096)
def client_of_address(stored: str | None) -> str | None:
    """What stands for the client in classification: the same for one network in each mode, None where nothing is kept.

    Whole addresses are cut: a phone's change within its network, and the verdict must not hang on the setting.
    """
    if stored is None or stored.startswith(HASHED):
        return stored
    return read_address(stored).cut
