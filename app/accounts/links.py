"""One-time links: an invitation, or a new password. Whoever has the link may set the password, once."""

from __future__ import annotations

import secrets
from datetime import timedelta

from app import audit
from app.accounts import passwords, repository, rules
from app.accounts import token_repository as tokens
from app.accounts.errors import AccountError, LinkUnusable
from app.accounts.models import OneTimeLink, User, Welcome
from app.crypto import sha256
from app.database import Connection, utcnow
from app.runtime import current

LIFE = {"invite": timedelta(days=7), "reset": timedelta(hours=24)}
UNUSABLE = (
    "This link was used, has expired or was replaced by a newer one. Ask an admin of the portal for another; if you "
    "have a password already, just log in."
)


async def issue(conn: Connection, user: User) -> OneTimeLink:
    """Make a link for a user, in the caller's transaction; the user's earlier links are void then.

    An invitation for a user without a password, a reset for one who has one. The address in it is PORTAL_URL, never
    what a request claims. Raises AccountError where PORTAL_URL is not set.
    """
    portal_url = current().settings.portal_url
    if not portal_url:
        raise AccountError(
            "A link cannot be made, because the portal does not know its own address; set PORTAL_URL and restart it."
        )
    purpose = "reset" if user.has_password else "invite"
    token = secrets.token_urlsafe(32)
    expires_at = utcnow() + LIFE[purpose]
    await tokens.delete_links_of(conn, user.id)
    await tokens.insert_link(conn, token_hash=sha256(token), user_id=user.id, purpose=purpose, expires_at=expires_at)
    return OneTimeLink(user, purpose, f"{portal_url}/welcome/{token}", expires_at)


async def behind(token: str) -> Welcome:
    """Whom the link is for. Looking does not use it up: mail scanners look. Raises LinkUnusable."""
    async with current().database.connection() as conn:
        welcome = await tokens.welcome_behind(conn, sha256(token))
    if welcome is None:
        raise LinkUnusable(UNUSABLE)
    return welcome


async def accept(token: str, *, name: str, password: str) -> User:
    """Set name and password by a link, use it up, and end all earlier sessions of the user.

    Raises LinkUnusable, and AccountError for a name or password that will not do; the link then stays good.
    """
    welcome = await behind(token)
    name = rules.check_name(name)
    hashed = await passwords.hash_password(rules.check_password(password, about=(welcome.user.email, name)))

    async def work(conn: Connection) -> User:
        user = await repository.lock_user(conn, welcome.user.id)
        if user is None or user.disabled_at is not None or not await tokens.use_link(conn, sha256(token)):
            raise LinkUnusable(UNUSABLE)
        await repository.set_name(conn, user_id=user.id, name=name)
        await repository.set_password_hash(conn, user_id=user.id, password_hash=hashed)
        await tokens.delete_sessions_of(conn, user.id)
        action = "user.accept-invitation" if welcome.purpose == "invite" else "user.reset-password"
        await audit.record(conn, user_id=user.id, action=action, subject=f"user:{user.id}")
        return user

    return await current().database.run(work)
