"""Accounts: who may log in, sessions, API tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pymysql

from app.accounts import passwords, repository
from app.accounts.models import User
from app.crypto import sha256
from app.database import DUPLICATE, utcnow
from app.runtime import current

SESSION_LIFE = timedelta(days=14)
SESSION_IDLE = timedelta(days=3)
TOUCH_AFTER = timedelta(minutes=1)
ROLES = ("admin", "agent")
MIN_PASSWORD = 10
MAX_PASSWORD = 200


class AccountError(ValueError):
    """What was asked cannot be done with this account; the message says why and what to do."""


def check_password(password: str) -> None:
    """Raises AccountError for a password too short, too long or made of one character."""
    if len(password) < MIN_PASSWORD:
        raise AccountError(f"The password has {len(password)} characters; it needs at least {MIN_PASSWORD}.")
    if len(password) > MAX_PASSWORD:
        raise AccountError(f"The password has {len(password)} characters; at most {MAX_PASSWORD} are taken.")
    if len(set(password)) < 4:
        raise AccountError("The password repeats too few characters; mix in others.")


async def create_user(*, email: str, name: str = "", role: str, password: str | None) -> int:
    """Add a user and return the id; without a password they need an invitation.

    Raises AccountError where the address is taken, the role is unknown or the password too weak.
    """
    email = email.strip()
    if role not in ROLES:
        raise AccountError(f"The role must be one of {', '.join(ROLES)}, got {role!r}.")
    if "@" not in email or len(email) > 254 or any(char.isspace() for char in email):
        raise AccountError(f"{email!r} is not an email address.")
    if password is not None:
        check_password(password)
    hashed = await passwords.hash_password(password) if password is not None else None
    try:
        async with current().database.transaction() as conn:
            return await repository.insert_user(
                conn, email=email, name=name.strip() or email.partition("@")[0], role=role, password_hash=hashed
            )
    except pymysql.err.IntegrityError as error:
        if error.args[0] != DUPLICATE:
            raise
        raise AccountError(f"There is already a user with the address {email}.") from None


async def start_session(user: User, *, address: str, user_agent: str) -> str:
    """A new session's token for the cookie; only its hash is stored."""
    token = secrets.token_urlsafe(32)
    async with current().database.transaction() as conn:
        await repository.insert_session(
            conn,
            token_hash=sha256(token),
            user_id=user.id,
            expires_at=utcnow() + SESSION_LIFE,
            address=address,
            user_agent=user_agent,
        )
    return token


async def user_of_session(token: str) -> User | None:
    """The user whose live session this is, or None."""
    hashed = sha256(token)
    now = utcnow()
    async with current().database.connection() as conn:
        found = await repository.user_of_session(conn, hashed, idle_since=now - SESSION_IDLE)
        if found is None:
            return None
        user, last_seen_at = found
        if now - last_seen_at > TOUCH_AFTER:
            await repository.touch_session(conn, hashed)
        return user


async def end_session(token: str) -> None:
    """Log out."""
    async with current().database.transaction() as conn:
        await repository.delete_session(conn, sha256(token))


async def create_api_token(email: str, *, name: str = "") -> str:
    """A new API token of the user; it is shown once, only its hash is stored.

    Raises AccountError where there is no such user or the user is disabled.
    """
    token = "mp_" + secrets.token_urlsafe(32)
    async with current().database.transaction() as conn:
        user = await repository.user_by_email(conn, email.strip())
        if user is None:
            raise AccountError(f"There is no user with the address {email}; add one with `myportal create-user`.")
        if user.disabled_at is not None:
            raise AccountError(f"{email} is disabled; enable the user first.")
        await repository.insert_api_token(conn, user_id=user.id, token_hash=sha256(token), name=name)
    return token


async def user_of_api_token(token: str) -> User | None:
    """The user whose API token this is, or None."""
    async with current().database.connection() as conn:
        return await repository.user_of_api_token(conn, sha256(token))


async def user_by_id(user_id: int) -> User | None:
    """One user, disabled or not."""
    async with current().database.connection() as conn:
        return await repository.user_by_id(conn, user_id)
