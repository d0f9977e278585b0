"""SQL of users, sessions and API tokens. Token arguments are hashes (32 bytes), never the tokens."""

from __future__ import annotations

from datetime import datetime

from app.accounts.models import User
from app.database import Connection, utcnow

USER_COLUMNS = (
    "u.id, u.email, u.name, u.role, u.signature, u.timezone, u.disabled_at, u.last_login_at, u.created_at, "
    "u.password_hash"
)


async def insert_user(conn: Connection, *, email: str, name: str, role: str, password_hash: str | None) -> int:
    """Add a user; without a password hash they cannot log in until they follow an invitation."""
    sql = """
        INSERT INTO users (email, name, role, password_hash, signature, created_at)
        VALUES (%(email)s, %(name)s, %(role)s, %(password_hash)s, '', %(now)s)
    """
    values = {"email": email, "name": name, "role": role, "password_hash": password_hash, "now": utcnow()}
    return await conn.insert(sql, values)


async def user_by_id(conn: Connection, user_id: int) -> User | None:
    """One user, disabled or not."""
    row = await conn.fetch_one(f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.id = %(id)s", {"id": user_id})  # noqa: S608
    return User.from_row(row) if row else None


async def user_by_email(conn: Connection, email: str) -> User | None:
    """One user, disabled or not; the column compares without regard to case."""
    row = await conn.fetch_one(
        f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.email = %(email)s",  # noqa: S608
        {"email": email},
    )
    return User.from_row(row) if row else None


async def list_users(conn: Connection, *, include_disabled: bool = True) -> list[User]:
    """All users by name."""
    rows = await conn.fetch_all(
        f"""
        SELECT {USER_COLUMNS} FROM users AS u
         WHERE %(all)s OR u.disabled_at IS NULL
         ORDER BY u.name, u.id
        """,  # noqa: S608
        {"all": include_disabled},
    )
    return [User.from_row(row) for row in rows]


async def password_hash_of(conn: Connection, user_id: int) -> str | None:
    """The stored argon2 hash, or None for an invited user."""
    value = await conn.fetch_value("SELECT password_hash FROM users WHERE id = %(id)s", {"id": user_id})
    return str(value) if value is not None else None


async def set_password_hash(conn: Connection, *, user_id: int, password_hash: str) -> None:
    """Replace the password."""
    await conn.execute(
        "UPDATE users SET password_hash = %(hash)s WHERE id = %(id)s", {"hash": password_hash, "id": user_id}
    )


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


async def delete_session(conn: Connection, token_hash: bytes) -> None:
    """End one session."""
    await conn.execute("DELETE FROM sessions WHERE token_hash = %(hash)s", {"hash": token_hash})


async def delete_sessions_of(conn: Connection, user_id: int, *, keep: bytes = b"") -> int:
    """End all sessions of a user, but the one whose hash is `keep`."""
    return await conn.execute(
        "DELETE FROM sessions WHERE user_id = %(id)s AND token_hash <> %(keep)s", {"id": user_id, "keep": keep}
    )


async def insert_api_token(conn: Connection, *, user_id: int, token_hash: bytes, name: str) -> int:
    """Add an API token."""
    sql = """
        INSERT INTO api_tokens (token_hash, user_id, name, created_at) VALUES (%(hash)s, %(user_id)s, %(name)s, %(now)s)
    """
    return await conn.insert(sql, {"hash": token_hash, "user_id": user_id, "name": name[:100], "now": utcnow()})


async def user_of_api_token(conn: Connection, token_hash: bytes) -> User | None:
    """The user of a token that is not revoked and whose user is not disabled."""
    row = await conn.fetch_one(
        f"""
        SELECT {USER_COLUMNS} FROM api_tokens AS t JOIN users AS u ON u.id = t.user_id
         WHERE t.token_hash = %(hash)s AND t.revoked_at IS NULL AND u.disabled_at IS NULL
        """,  # noqa: S608
        {"hash": token_hash},
    )
    return User.from_row(row) if row else None
