"""SQL of users. Other tables of accounts have repositories of their own beside this one."""

from __future__ import annotations

from collections.abc import Collection

import pymysql

from app.accounts.errors import AccountError
from app.accounts.models import User
from app.database import DUPLICATE, Connection, utcnow

USER_COLUMNS = (
    "u.id, u.email, u.name, u.role, u.signature, u.timezone, u.disabled_at, u.last_login_at, u.created_at, "
    "u.password_hash, u.told_of, u.mailed_of, u.undo_seconds, u.is_away, "
    "(SELECT GROUP_CONCAT(x.department_id) FROM user_departments AS x WHERE x.user_id = u.id) AS departments"
)


async def insert_user(conn: Connection, *, email: str, name: str, role: str, password_hash: str | None) -> int:
    """Add a user; without a password hash they cannot log in until they follow an invitation.

    Raises AccountError where the address is taken, also where it differs only in case or accents.
    """
    sql = """
        INSERT INTO users (email, name, role, password_hash, signature, created_at)
        VALUES (%(email)s, %(name)s, %(role)s, %(password_hash)s, '', %(now)s)
    """
    values = {"email": email, "name": name, "role": role, "password_hash": password_hash, "now": utcnow()}
    try:
        return await conn.insert(sql, values)
    except pymysql.err.IntegrityError as error:
        if error.args[0] != DUPLICATE:
            raise
        raise AccountError(f"There is already a user with the address {email}.", field="email") from None


async def user_by_id(conn: Connection, user_id: int) -> User | None:
    """One user, disabled or not."""
    row = await conn.fetch_one(f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.id = %(id)s", {"id": user_id})  # noqa: S608
    return User.from_row(row) if row else None


async def lock_user(conn: Connection, user_id: int) -> User | None:
    """One user, kept from changing until the transaction ends."""
    sql = f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.id = %(id)s FOR UPDATE"  # noqa: S608
    row = await conn.fetch_one(sql, {"id": user_id})
    return User.from_row(row) if row else None


async def user_by_email(conn: Connection, email: str) -> User | None:
    """One user, disabled or not, without regard to case.

    The column compares more loosely than that ('é' = 'e'), so that no two users look alike; here a look-alike is
    nobody, or it would get round the login throttle.
    """
    row = await conn.fetch_one(
        f"SELECT {USER_COLUMNS} FROM users AS u WHERE u.email = %(email)s",  # noqa: S608
        {"email": email},
    )
    return User.from_row(row) if row and row["email"].lower() == email.lower() else None


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


async def lock_active_admins(conn: Connection) -> list[int]:
    """The ids of admins who can log in, kept from changing until the transaction ends."""
    sql = """
        SELECT id FROM users
         WHERE role = 'admin' AND disabled_at IS NULL AND password_hash IS NOT NULL
         ORDER BY id FOR UPDATE
    """
    return [row["id"] for row in await conn.fetch_all(sql)]


async def password_hash_of(conn: Connection, user_id: int) -> str | None:
    """The stored argon2 hash, or None for an invited user."""
    value = await conn.fetch_value("SELECT password_hash FROM users WHERE id = %(id)s", {"id": user_id})
    return str(value) if value is not None else None


async def set_password_hash(conn: Connection, *, user_id: int, password_hash: str) -> None:
    """Replace the password."""
    await conn.execute(
        "UPDATE users SET password_hash = %(hash)s WHERE id = %(id)s", {"hash": password_hash, "id": user_id}
    )


async def replace_password_hash(conn: Connection, *, user_id: int, old: str, new: str) -> None:
    """Replace the hash of the same password, unless the password was changed meanwhile."""
    sql = "UPDATE users SET password_hash = %(new)s WHERE id = %(id)s AND password_hash = %(old)s"
    await conn.execute(sql, {"new": new, "old": old, "id": user_id})


async def set_profile(conn: Connection, *, user_id: int, name: str, signature: str, timezone: str) -> None:
    """Change what a user says of themselves."""
    sql = "UPDATE users SET name = %(name)s, signature = %(signature)s, timezone = %(timezone)s WHERE id = %(id)s"
    await conn.execute(sql, {"name": name, "signature": signature, "timezone": timezone, "id": user_id})


async def set_notifications(
    conn: Connection, *, user_id: int, told_of: Collection[str], mailed_of: Collection[str]
) -> None:
    """Change which kinds of notifications a user wants, and which of them by mail."""
    sql = "UPDATE users SET told_of = %(told)s, mailed_of = %(mailed)s WHERE id = %(id)s"
    values = {"told": ",".join(sorted(told_of)), "mailed": ",".join(sorted(mailed_of)), "id": user_id}
    await conn.execute(sql, values)


async def set_undo_seconds(conn: Connection, *, user_id: int, seconds: int) -> None:
    """Change how long a user's replies can be taken back."""
    sql = "UPDATE users SET undo_seconds = %(seconds)s WHERE id = %(id)s"
    await conn.execute(sql, {"seconds": seconds, "id": user_id})


async def set_away(conn: Connection, *, user_id: int, is_away: bool) -> None:
    """Change whether assignment rules leave a user out."""
    await conn.execute("UPDATE users SET is_away = %(away)s WHERE id = %(id)s", {"away": is_away, "id": user_id})


async def set_name_and_role(conn: Connection, *, user_id: int, name: str, role: str) -> None:
    """Change what an admin says of a user."""
    sql = "UPDATE users SET name = %(name)s, role = %(role)s WHERE id = %(id)s"
    await conn.execute(sql, {"name": name, "role": role, "id": user_id})


async def department_names(conn: Connection, department_ids: Collection[int]) -> dict[int, str]:
    """The names of those of these departments that there are, by id and in the order of the names; held until the end
    of the transaction, so that none goes away before a user is limited to it.
    """
    if not department_ids:
        return {}
    sql = "SELECT d.id, d.name FROM departments AS d WHERE d.id IN %(ids)s ORDER BY d.name, d.id FOR UPDATE"
    rows = await conn.fetch_all(sql, {"ids": list(department_ids)})
    return {row["id"]: row["name"] for row in rows}


async def set_departments(conn: Connection, *, user_id: int, department_ids: Collection[int]) -> None:
    """Limit a user to these departments; to none means that they see all."""
    await conn.execute("DELETE FROM user_departments WHERE user_id = %(id)s", {"id": user_id})
    for one in sorted(department_ids):
        sql = "INSERT INTO user_departments (user_id, department_id) VALUES (%(id)s, %(department)s)"
        await conn.execute(sql, {"id": user_id, "department": one})


async def limited_to(conn: Connection, department_id: int) -> list[str]:
    """The names of users who are limited to a department, alone or with others."""
    sql = """
        SELECT u.name FROM user_departments AS x JOIN users AS u ON u.id = x.user_id
         WHERE x.department_id = %(id)s ORDER BY u.name, u.id
    """
    return [row["name"] for row in await conn.fetch_all(sql, {"id": department_id})]


async def set_name(conn: Connection, *, user_id: int, name: str) -> None:
    """Change a user's name only."""
    await conn.execute("UPDATE users SET name = %(name)s WHERE id = %(id)s", {"name": name, "id": user_id})


async def disable(conn: Connection, user_id: int) -> None:
    """Keep a user out from now on."""
    await conn.execute("UPDATE users SET disabled_at = %(now)s WHERE id = %(id)s", {"now": utcnow(), "id": user_id})


async def enable(conn: Connection, user_id: int) -> None:
    """Let a user in again."""
    await conn.execute("UPDATE users SET disabled_at = NULL WHERE id = %(id)s", {"id": user_id})
