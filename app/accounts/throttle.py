"""Counts failed logins and makes those wait who fail too often; the rules are in throttle_rules."""

from __future__ import annotations

import hmac
import math

from app.accounts import throttle_repository as repository
from app.accounts.errors import TooManyTries
from app.accounts.throttle_rules import KEEP, WINDOW, Attempt, in_words, network_of, next_try
from app.crypto import derive
from app.database import utcnow
from app.runtime import current


async def begin(email: str, address: str) -> Attempt:
    """Count a try before its password is checked, so that many at once cannot slip past the count.

    Raises TooManyTries, alike for addresses with and without an account; a try so refused is not counted.
    """
    runtime = current()
    account = hmac.digest(derive(runtime.settings.key, "login-throttle"), email.strip().lower().encode(), "sha256")
    network = network_of(address)
    now = utcnow()
    async with runtime.database.connection() as conn:
        await repository.delete_failures_until(conn, now - KEEP)
        attempt_id = await repository.insert_failure(conn, account=account, address=network)
        attempt = Attempt(attempt_id, account, network)
        allowed_at = next_try(await repository.failures_before(conn, attempt, since=now - WINDOW))
        if allowed_at is None or allowed_at <= now:
            return attempt
        await repository.delete_failure(conn, attempt_id)
    seconds = math.ceil((allowed_at - now).total_seconds())
    raise TooManyTries(
        f"Too many logins failed. Wait {in_words(seconds)}, then try again. "
        "If the password is lost, ask an admin for a link to set a new one.",
        retry_after=seconds,
    )


async def succeeded(attempt: Attempt) -> None:
    """The password fitted: forget what this address did wrong on this account, and nothing else."""
    async with current().database.transaction() as conn:
        await repository.delete_failures_of_pair(conn, attempt)
