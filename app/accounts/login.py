"""Logging in and out, and proving that one knows one's password."""

from __future__ import annotations

import structlog

from app.accounts import passwords, repository, service, throttle
from app.accounts.errors import LoginRefused
from app.accounts.models import User
from app.runtime import current

log = structlog.get_logger(__name__)

REFUSED = (
    "This email address and password do not belong together. Check both, or ask an admin for a link to set a new "
    "password."
)
"""For a wrong password, an unknown address, an invitation not yet accepted and a disabled user alike."""


async def log_in(*, email: str, password: str, address: str, user_agent: str, replaces: str = "") -> str:
    """Check the password and start a session; its token is for the cookie.

    replaces: the token of the session that the browser had before. Raises LoginRefused, or TooManyTries.
    """
    user = await _prove(email, password, address)
    token = await service.start_session(user, address=address, user_agent=user_agent, replaces=replaces)
    log.info("logged in", user_id=user.id, address=address)
    return token


async def confirm_password(user: User, password: str, *, address: str) -> None:
    """Make sure that whoever sits there knows the user's password. Raises LoginRefused, or TooManyTries."""
    await _prove(user.email, password, address)


async def _prove(email: str, password: str, address: str) -> User:
    attempt = await throttle.begin(email, address)
    database = current().database
    async with database.connection() as conn:
        user = await repository.user_by_email(conn, email.strip())
        stored = await repository.password_hash_of(conn, user.id) if user else None
    fits = await passwords.verify_password(stored, password)
    if user is None or stored is None or not fits or user.disabled_at is not None:
        log.warning("login refused", user_id=user.id if user else None, address=address)
        raise LoginRefused(REFUSED)
    await throttle.succeeded(attempt)
    if passwords.needs_rehash(stored):
        renewed = await passwords.hash_password(password)
        async with database.transaction() as conn:
            await repository.replace_password_hash(conn, user_id=user.id, old=stored, new=renewed)
    return user
