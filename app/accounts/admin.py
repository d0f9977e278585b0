"""What admins do with accounts. Every change is in the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app import audit
from app.accounts import limits, links, repository, rules
from app.accounts import token_repository as tokens
from app.accounts.errors import AccountError, NoSuchAccount
from app.accounts.models import OneTimeLink, User
from app.database import Connection
from app.runtime import current

LAST_ADMIN = (
    "{name} is the only active admin, and without one nobody could change anything. Make another user admin first."
)


async def invite(*, by: User, email: str, name: str, role: str, departments: Collection[int] = ()) -> OneTimeLink:
    """Add a user without a password and make the link by which they set one, valid 7 days.

    departments: the ids of those that an agent is limited to; none for all.
    Raises AccountError where the address is taken or something given will not do; nothing is changed then.
    """
    role = rules.check_role(role)
    email = rules.check_email(email)
    name = rules.check_name(name or email.partition("@")[0])

    async def work(conn: Connection) -> OneTimeLink:
        user_id = await repository.insert_user(conn, email=email, name=name, role=role, password_hash=None)
        limited = await limits.limit(conn, user_id, departments, had=())
        link = await links.issue(conn, await _locked(conn, user_id))
        detail = {"name": name, "email": email, "role": role, "departments": limited}
        await _note(conn, by, "user.invite", link.user, detail)
        return link

    return await current().database.run(work)


async def make_link(*, by: User, user_id: int) -> OneTimeLink:
    """A new link for a user: another invitation, valid 7 days, or a new password, valid 24 hours.

    Raises NoSuchAccount, and AccountError for a disabled user.
    """

    async def work(conn: Connection) -> OneTimeLink:
        user = await _locked(conn, user_id)
        if user.disabled_at is not None:
            raise AccountError(f"{user.name} is disabled; enable the user first.")
        link = await links.issue(conn, user)
        action = "user.invite-again" if link.purpose == "invite" else "user.offer-reset"
        await _note(conn, by, action, user, {})
        return link

    return await current().database.run(work)


async def change(*, by: User, user_id: int, name: str, role: str, departments: Collection[int] | None = None) -> User:
    """Change a user's name, role and departments; they count from the next request on.

    departments: the ids of those that an agent is limited to; none for all, None to leave them.
    Raises NoSuchAccount, and AccountError for one's own role and for the last active admin's.
    """
    name = rules.check_name(name)
    role = rules.check_role(role)

    async def work(conn: Connection) -> User:
        admins = await repository.lock_active_admins(conn)
        user = await _locked(conn, user_id)
        if role != user.role:
            if user.id == by.id:
                raise AccountError("Your own role stays as it is; ask another admin to change it.", field="role")
            if role != "admin" and admins == [user.id]:
                raise AccountError(LAST_ADMIN.format(name=user.name), field="role")
        given = {"name": (user.name, name), "role": (user.role, role)}
        changes = {what: {"from": old, "to": new} for what, (old, new) in given.items() if old != new}
        if departments is not None:
            before = await limits.words(conn, user.departments)
            after = await limits.limit(conn, user.id, departments, had=user.departments)
            if before != after:
                changes["departments"] = {"from": before, "to": after}
        if changes:
            await repository.set_name_and_role(conn, user_id=user.id, name=name, role=role)
            await _note(conn, by, "user.change", user, changes)
        return user

    return await current().database.run(work)


async def disable(*, by: User, user_id: int) -> User:
    """Keep a user out: sessions, API tokens and one-time links are void at once, and stay so after enabling.

    Raises NoSuchAccount, and AccountError for oneself and for the last active admin.
    """

    async def work(conn: Connection) -> User:
        admins = await repository.lock_active_admins(conn)
        user = await _locked(conn, user_id)
        if user.id == by.id:
            raise AccountError("You cannot disable yourself; ask another admin.")
        if admins == [user.id]:
            raise AccountError(LAST_ADMIN.format(name=user.name))
        if user.disabled_at is None:
            await repository.disable(conn, user.id)
            ended = await tokens.delete_sessions_of(conn, user.id)
            revoked = await tokens.revoke_api_tokens_of(conn, user.id)
            await tokens.delete_links_of(conn, user.id)
            detail = {"sessions ended": ended, "API tokens revoked": revoked}
            await _note(conn, by, "user.disable", user, detail)
        return user

    return await current().database.run(work)


async def enable(*, by: User, user_id: int) -> User:
    """Let a disabled user log in again with the password they had. Raises NoSuchAccount."""

    async def work(conn: Connection) -> User:
        user = await _locked(conn, user_id)
        if user.disabled_at is not None:
            await repository.enable(conn, user.id)
            await _note(conn, by, "user.enable", user, {})
        return user

    return await current().database.run(work)


async def _locked(conn: Connection, user_id: int) -> User:
    user = await repository.lock_user(conn, user_id)
    if user is None:
        raise NoSuchAccount(f"There is no user {user_id}.")
    return user


async def _note(conn: Connection, by: User, action: str, user: User, detail: Mapping[str, Any]) -> None:
    await audit.record(conn, user_id=by.id, action=action, subject=f"user:{user.id}", detail=detail)
