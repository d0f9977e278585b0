"""argon2id in two threads: hashing takes tens of milliseconds and 64 MiB, and must not hold up the event loop.

Passwords are put into Unicode form NFKC first (NIST SP 800-63B, 5.1.1.2): keyboards differ in how they send 'é'.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.accounts.rules import MAX_PASSWORD

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody")
"""Verified where there is no account, so that an answer's time does not tell whether there is one."""
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
"""Of their own, so that a flood of logins takes neither all memory nor the threads of other work."""


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


async def hash_password(password: str) -> str:
    """The argon2id hash to store, with library defaults (RFC 9106 low-memory profile)."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _bytes(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits; False, after the same work, where there is no stored hash."""
    if len(password) > MAX_PASSWORD:
        stored, password = None, ""

    def verify() -> bool:
        try:
            return _HASHER.verify(stored or _NOBODY, _bytes(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    return await asyncio.get_running_loop().run_in_executor(_THREADS, verify)


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)
