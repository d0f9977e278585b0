"""What people change about themselves. Each function takes the user it is about; nobody reaches another's."""

from __future__ import annotations

from collections.abc import Mapping

from app import audit
from app.accounts import login, passwords, repository, rules, service
from app.accounts import token_repository as tokens
from app.accounts.errors import AccountError, LoginRefused, NoSuchAccount
from app.accounts.models import ApiToken, Session, User
from app.accounts.service import SESSION_IDLE
from app.crypto import sha256
from app.database import Connection, utcnow
from app.notifications import rules as kinds
from app.runtime import current

UNDO_SECONDS = (0, 5, 10, 20, 30)
"""How long a reply may wait before it is sent; 0 sends at once."""


async def change(user: User, *, name: str, signature: str, timezone: str) -> None:
    """Change name, signature and time zone ('' for what the browser says). Raises AccountError with the field."""
    name = rules.check_name(name)
    signature = rules.check_signature(signature)
    timezone = rules.check_timezone(timezone)

    async def work(conn: Connection) -> None:
        await repository.set_profile(conn, user_id=user.id, name=name, signature=signature, timezone=timezone)
        if name != user.name:
            detail = {"name": {"from": user.name, "to": name}}
            await audit.record(conn, user_id=user.id, action="user.change", subject=f"user:{user.id}", detail=detail)

    await current().database.run(work)


async def change_notifications(user: User, choices: Mapping[str, str]) -> None:
    """Change what the user wants to be told: for each kind 'off', 'portal' or 'email'; one left out is off.

    Raises AccountError for a kind or a choice that is none.
    """
    try:
        told_of, mailed_of = kinds.choice(choices)
    except ValueError as error:
        raise AccountError(f"Nothing was saved: {error}.", field="notifications") from None
    async with current().database.transaction() as conn:
        await repository.set_notifications(conn, user_id=user.id, told_of=told_of, mailed_of=mailed_of)


async def change_undo(user: User, seconds: str) -> None:
    """Change how long the user's replies can be taken back. Raises AccountError for what is none of UNDO_SECONDS."""
    if seconds not in map(str, UNDO_SECONDS):
        listed = ", ".join(map(str, UNDO_SECONDS))
        raise AccountError(f"The time must be one of {listed} seconds, got {seconds[:20]!r}.", field="undo_seconds")
    async with current().database.transaction() as conn:
        await repository.set_undo_seconds(conn, user_id=user.id, seconds=int(seconds))


async def change_away(user: User, *, is_away: bool) -> None:
    """Change whether assignment rules leave the user out."""
    async with current().database.transaction() as conn:
        await repository.set_away(conn, user_id=user.id, is_away=is_away)


async def change_password(user: User, *, present: str, new: str, session: str, address: str) -> int:
    """Change the password and end all other sessions; how many there were.

    session: the token of the session that stays. Raises AccountError with the field, and TooManyTries after too many
    wrong present passwords.
    """
    rules.check_password(new, about=(user.email, user.name))
    try:
        await login.confirm_password(user, present, address=address)
    except LoginRefused:
        raise AccountError("This is not your present password.", field="present") from None
    hashed = await passwords.hash_password(new)

    async def work(conn: Connection) -> int:
        await repository.set_password_hash(conn, user_id=user.id, password_hash=hashed)
        ended = await tokens.delete_sessions_of(conn, user.id, keep=sha256(session))
        await tokens.delete_links_of(conn, user.id)
        await audit.record(conn, user_id=user.id, action="user.change-password", subject=f"user:{user.id}")
        return ended

    return await current().database.run(work)


async def sessions(user: User, *, session: str) -> list[Session]:
    """The user's live sessions; the one with the token `session` first."""
    async with current().database.connection() as conn:
        return await tokens.sessions_of(conn, user.id, this_one=sha256(session), idle_since=utcnow() - SESSION_IDLE)


async def end_session(user: User, session_id: int) -> None:
    """End one of the user's sessions. Raises NoSuchAccount where it is over or another's."""
    async with current().database.transaction() as conn:
        if not await tokens.delete_session_of(conn, user.id, session_id):
            raise NoSuchAccount("That session is over already.")


async def end_other_sessions(user: User, *, session: str) -> int:
    """End all of the user's sessions but the one with the token `session`; how many there were."""
    async with current().database.transaction() as conn:
        return await tokens.delete_sessions_of(conn, user.id, keep=sha256(session))


async def api_tokens(user: User) -> list[ApiToken]:
    """The user's tokens that are not revoked, newest first."""
    async with current().database.connection() as conn:
        return await tokens.api_tokens_of(conn, user.id)


async def create_api_token(user: User, *, name: str) -> str:
    """A new token of the user, to be shown this once. Raises AccountError for an empty or bad name."""
    return await service.create_api_token(user.email, name=rules.check_token_name(name), by=user)


async def revoke_api_token(user: User, token_id: int) -> None:
    """Revoke one of the user's tokens at once. Raises NoSuchAccount where it is revoked already or another's."""

    async def work(conn: Connection) -> None:
        if not await tokens.revoke_api_token(conn, user.id, token_id):
            raise NoSuchAccount("That token is revoked already.")
        await audit.record(
            conn,
            user_id=user.id,
            action="token.revoke",
            subject=f"user:{user.id}",
            detail={"token": token_id},
        )

    await current().database.run(work)
