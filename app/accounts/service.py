"""Accounts: who may log in, sessions, API tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from app import audit
from app.accounts import limits, passwords, repository, rules
from app.accounts import token_repository as tokens
from app.accounts.errors import AccountError as AccountError
from app.accounts.models import User
from app.crypto import sha256
from app.database import Connection, utcnow
from app.departments import repository as department_repository
from app.runtime import current

ROLES = rules.ROLES
SESSION_LIFE = timedelta(days=14)
SESSION_IDLE = timedelta(days=3)
TOUCH_AFTER = timedelta(minutes=1)


async def create_user(
    *, email: str, name: str = "", role: str, password: str | None, departments: Sequence[str] = ()
) -> int:
    """Add a user and return the id; without a password they need an invitation.

    departments: the names of those that an agent is limited to; none for all.
    For the command line; admins invite in the browser. Raises AccountError where the address is taken, the role or a
    department is unknown or the password too short or too long; how easy it is to guess is left to who has the command
    line.
    """
    role = rules.check_role(role)
    email = rules.check_email(email)
    name = rules.check_name(name or email.partition("@")[0])
    hashed = None
    if password is not None:
        hashed = await passwords.hash_password(rules.check_length(password))

    async def work(conn: Connection) -> int:
        user_id = await repository.insert_user(conn, email=email, name=name, role=role, password_hash=hashed)
        found = [await department_repository.of_name(conn, one.strip()) for one in departments]
        if None in found:
            unknown = departments[found.index(None)]
            raise AccountError(f"There is no department {unknown[:80]!r}; add it under Admin → Departments first.")
        limited = await limits.limit(conn, user_id, [one.id for one in found if one is not None], had=())
        detail = {"name": name, "email": email, "role": role, "departments": limited}
        await audit.record(conn, user_id=None, action="user.create", subject=f"user:{user_id}", detail=detail)
        return user_id

    return await current().database.run(work)


async def start_session(user: User, *, address: str, user_agent: str, replaces: str = "") -> str:
    """A new session's token for the cookie; only its hash is stored.

    replaces: the token of a session that ends with it, so that a token from before the login is worth nothing.
    """
    token = secrets.token_urlsafe(32)
    async with current().database.transaction() as conn:
        if replaces:
            await tokens.delete_session(conn, sha256(replaces))
        await tokens.insert_session(
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
        found = await tokens.user_of_session(conn, hashed, idle_since=now - SESSION_IDLE)
        if found is None:
            return None
        user, last_seen_at = found
        if now - last_seen_at > TOUCH_AFTER:
            await tokens.touch_session(conn, hashed)
        return user


async def end_session(token: str) -> None:
    """Log out."""
    async with current().database.transaction() as conn:
        await tokens.delete_session(conn, sha256(token))


async def create_api_token(email: str, *, name: str = "", by: User | None = None) -> str:
    """A new API token of the user; it is shown once, only its hash is stored.

    by: who asks; None for the command line. Raises AccountError where there is no such user or the user is disabled.
    """
    name = rules.check_token_name(name) if name else ""
    token = "mp_" + secrets.token_urlsafe(32)
    async with current().database.transaction() as conn:
        user = await repository.user_by_email(conn, email.strip())
        if user is None:
            raise AccountError(f"There is no user with the address {email}; add one with `myportal create-user`.")
        if user.disabled_at is not None:
            raise AccountError(f"{email} is disabled; enable the user first.")
        token_id = await tokens.insert_api_token(conn, user_id=user.id, token_hash=sha256(token), name=name)
        await audit.record(
            conn,
            user_id=by.id if by else None,
            action="token.create",
            subject=f"user:{user.id}",
            detail={"token": token_id, "name": name},
        )
    return token


async def user_of_api_token(token: str) -> User | None:
    """The user whose API token this is, or None."""
    async with current().database.connection() as conn:
        found = await tokens.user_of_api_token(conn, sha256(token))
        if found is None:
            return None
        user, token_id, last_used_at = found
        if last_used_at is None or utcnow() - last_used_at > TOUCH_AFTER:
            await tokens.touch_api_token(conn, token_id)
        return user


async def user_by_id(user_id: int) -> User | None:
    """One user, disabled or not."""
    async with current().database.connection() as conn:
        return await repository.user_by_id(conn, user_id)


async def list_users(*, include_disabled: bool = True) -> list[User]:
    """All users by name."""
    async with current().database.connection() as conn:
        return await repository.list_users(conn, include_disabled=include_disabled)
