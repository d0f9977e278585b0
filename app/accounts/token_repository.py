"""SQL of sessions, API tokens and one-time links. Tokens are given as hashes (32 bytes), never as themselves."""

from __future__ import annotations

from datetime import datetime

from app.accounts.models import ApiToken, Session, User, Welcome
from app.accounts.repository import USER_COLUMNS
from app.database import Connection, utcnow

# --- sessions ---------------------------------------------------------------------------------------------------------


async def insert_session(
    conn: Connection, *, token_hash: bytes, user_id: int, expires_at: datetime, address: str, user_agent: str
) -> None:
    """Start a session and note the login."""
    now = utcnow()
    sql = """
        INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
        VALUES (%(hash)s, %(user_id)s, %(now)s, %(now)s, %(expires_at)s, %(address)s, %(user_agent)s)
    """
    values = {"hash": token_hash, "user_id": user_id, "now": now, "expires_at": expires_at}
    await conn.execute(sql, {**values, "address": address[:45], "user_agent": user_agent[:255]})
    await conn.execute("UPDATE users SET last_login_at = %(now)s WHERE id = %(id)s", {"now": now, "id": user_id})


async def user_of_session(conn: Connection, token_hash: bytes, *, idle_since: datetime) -> tuple[User, datetime] | None:
    """The user of a live session and when it was last seen; None for one that ended, idled out or was disabled."""
    row = await conn.fetch_one(
        f"""
        SELECT {USER_COLUMNS}, s.last_seen_at FROM sessions AS s JOIN users AS u ON u.id = s.user_id
         WHERE s.token_hash = %(hash)s AND s.expires_at > %(now)s AND s.last_seen_at > %(idle_since)s
           AND u.disabled_at IS NULL
        """,  # noqa: S608
        {"hash": token_hash, "now": utcnow(), "idle_since": idle_since},
    )
    return (User.from_row(row), row["last_seen_at"]) if row else None


async def touch_session(conn: Connection, token_hash: bytes) -> None:
    """Note that the session was used."""
    await conn.execute(
        "UPDATE sessions SET last_seen_at = %(now)s WHERE token_hash = %(hash)s", {"now": utcnow(), "hash": token_hash}
    )


async def sessions_of(conn: Connection, user_id: int, *, this_one: bytes, idle_since: datetime) -> list[Session]:
    """A user's live sessions, last used first; `this_one` is the hash of the asking session."""
    sql = """
        SELECT id, created_at, last_seen_at, address, user_agent, token_hash = %(this)s AS is_this_one FROM sessions
         WHERE user_id = %(user_id)s AND expires_at > %(now)s AND last_seen_at > %(idle_since)s
         ORDER BY is_this_one DESC, last_seen_at DESC, id DESC LIMIT 200
    """
    values = {"user_id": user_id, "this": this_one, "now": utcnow(), "idle_since": idle_since}
    return [
        Session(
            id=row["id"],
            created_at=row["created_at"],
            last_seen_at=row["last_seen_at"],
            address=row["address"],
            user_agent=row["user_agent"],
            is_this_one=bool(row["is_this_one"]),
        )
        for row in await conn.fetch_all(sql, values)
    ]


async def delete_session(conn: Connection, token_hash: bytes) -> None:
    """End one session."""
    await conn.execute("DELETE FROM sessions WHERE token_hash = %(hash)s", {"hash": token_hash})


async def delete_session_of(conn: Connection, user_id: int, session_id: int) -> int:
    """End one session of this user; 0 where there is none, or it is another person's."""
    sql = "DELETE FROM sessions WHERE id = %(id)s AND user_id = %(user_id)s"
    return await conn.execute(sql, {"id": session_id, "user_id": user_id})


async def delete_sessions_of(conn: Connection, user_id: int, *, keep: bytes = b"") -> int:
    """End all sessions of a user, but the one whose hash is `keep`."""
    return await conn.execute(
        "DELETE FROM sessions WHERE user_id = %(id)s AND token_hash <> %(keep)s", {"id": user_id, "keep": keep}
    )


# --- API tokens -------------------------------------------------------------------------------------------------------


async def insert_api_token(conn: Connection, *, user_id: int, token_hash: bytes, name: str) -> int:
    """Add an API token."""
    sql = """
        INSERT INTO api_tokens (token_hash, user_id, name, created_at) VALUES (%(hash)s, %(user_id)s, %(name)s, %(now)s)
    """
    return await conn.insert(sql, {"hash": token_hash, "user_id": user_id, "name": name, "now": utcnow()})


async def user_of_api_token(conn: Connection, token_hash: bytes) -> tuple[User, int, datetime | None] | None:
    """The user of a token that is not revoked and whose user is not disabled, the token's id and its last use."""
    row = await conn.fetch_one(
        f"""
        SELECT {USER_COLUMNS}, t.id AS token_id, t.last_used_at
          FROM api_tokens AS t JOIN users AS u ON u.id = t.user_id
         WHERE t.token_hash = %(hash)s AND t.revoked_at IS NULL AND u.disabled_at IS NULL
        """,  # noqa: S608
        {"hash": token_hash},
    )
    return (User.from_row(row), row["token_id"], row["last_used_at"]) if row else None


async def touch_api_token(conn: Connection, token_id: int) -> None:
    """Note that the token was used."""
    sql = "UPDATE api_tokens SET last_used_at = %(now)s WHERE id = %(id)s"
    await conn.execute(sql, {"now": utcnow(), "id": token_id})


async def api_tokens_of(conn: Connection, user_id: int) -> list[ApiToken]:
    """A user's tokens that are not revoked, newest first."""
    sql = """
        SELECT id, name, created_at, last_used_at FROM api_tokens
         WHERE user_id = %(user_id)s AND revoked_at IS NULL ORDER BY id DESC
    """
    return [ApiToken(**row) for row in await conn.fetch_all(sql, {"user_id": user_id})]


async def revoke_api_token(conn: Connection, user_id: int, token_id: int) -> int:
    """Revoke one token of this user; 0 where there is none, or it is another person's, or it was revoked before."""
    sql = """
        UPDATE api_tokens SET revoked_at = %(now)s
         WHERE id = %(id)s AND user_id = %(user_id)s AND revoked_at IS NULL
    """
    return await conn.execute(sql, {"now": utcnow(), "id": token_id, "user_id": user_id})


async def revoke_api_tokens_of(conn: Connection, user_id: int) -> int:
    """Revoke all tokens of a user; how many there were."""
    sql = "UPDATE api_tokens SET revoked_at = %(now)s WHERE user_id = %(user_id)s AND revoked_at IS NULL"
    return await conn.execute(sql, {"now": utcnow(), "user_id": user_id})


# --- one-time links ---------------------------------------------------------------------------------------------------


async def insert_link(conn: Connection, *, token_hash: bytes, user_id: int, purpose: str, expires_at: datetime) -> None:
    """Add a one-time link."""
    sql = """
        INSERT INTO user_tokens (token_hash, user_id, purpose, expires_at, created_at)
        VALUES (%(hash)s, %(user_id)s, %(purpose)s, %(expires_at)s, %(now)s)
    """
    values = {"hash": token_hash, "user_id": user_id, "purpose": purpose, "expires_at": expires_at, "now": utcnow()}
    await conn.execute(sql, values)


async def welcome_behind(conn: Connection, token_hash: bytes) -> Welcome | None:
    """Whom a link is for; None where it was used or replaced, has expired, or its user is disabled."""
    row = await conn.fetch_one(
        f"""
        SELECT {USER_COLUMNS}, l.purpose, l.expires_at FROM user_tokens AS l JOIN users AS u ON u.id = l.user_id
         WHERE l.token_hash = %(hash)s AND l.used_at IS NULL AND l.expires_at > %(now)s AND u.disabled_at IS NULL
        """,  # noqa: S608
        {"hash": token_hash, "now": utcnow()},
    )
    return Welcome(User.from_row(row), row["purpose"], row["expires_at"]) if row else None


async def use_link(conn: Connection, token_hash: bytes) -> bool:
    """Use a link up; False where someone was faster or it has expired."""
    sql = """
        UPDATE user_tokens SET used_at = %(now)s
         WHERE token_hash = %(hash)s AND used_at IS NULL AND expires_at > %(now)s
    """
    return await conn.execute(sql, {"now": utcnow(), "hash": token_hash}) == 1


async def delete_links_of(conn: Connection, user_id: int) -> int:
    """Void all links of a user."""
    return await conn.execute("DELETE FROM user_tokens WHERE user_id = %(id)s", {"id": user_id})
