"""SQL of mailboxes."""

from __future__ import annotations

from typing import Any

from app.database import Connection, utcnow
from app.inbound.mailbox_models import Mailbox

_SELECT = """
    SELECT b.id, b.address, b.department_id, d.name AS department_name, b.signature, b.fetches, b.host, b.port,
           b.security, b.username, b.password, b.folder, b.uid_validity, b.last_uid, b.last_look_at, b.last_mail_at,
           b.last_error, b.last_error_at
      FROM mailboxes AS b LEFT JOIN departments AS d ON d.id = b.department_id
"""
FIELDS = ("address", "department_id", "signature", "fetches", "host", "port", "security", "username", "folder")
"""What an admin sets, but for the password."""


def _mailbox(row: dict[str, Any]) -> Mailbox:
    return Mailbox(**{**row, "fetches": bool(row["fetches"])})


async def mailboxes(conn: Connection) -> list[Mailbox]:
    """All of them, by address."""
    return [_mailbox(row) for row in await conn.fetch_all(f"{_SELECT} ORDER BY b.address")]


async def mailbox(conn: Connection, mailbox_id: int) -> Mailbox | None:
    """One of them."""
    row = await conn.fetch_one(f"{_SELECT} WHERE b.id = %(id)s", {"id": mailbox_id})
    return _mailbox(row) if row else None


async def of_address(conn: Connection, address: str) -> Mailbox | None:
    """The mailbox of an address; whatever stands behind a "+" in it does not count."""
    local, _, domain = address.rpartition("@")
    values = {"address": address, "plain": f"{local.partition('+')[0]}@{domain}"}
    row = await conn.fetch_one(
        f"{_SELECT} WHERE b.address IN (%(address)s, %(plain)s) ORDER BY b.address = %(address)s DESC LIMIT 1", values
    )
    return _mailbox(row) if row else None


async def address_of_department(conn: Connection, department_id: int | None) -> str | None:
    """The address at which a department gets its mail, where it has a mailbox."""
    if department_id is None:
        return None
    sql = "SELECT b.address FROM mailboxes AS b WHERE b.department_id = %(id)s ORDER BY b.id LIMIT 1"
    value = await conn.fetch_value(sql, {"id": department_id})
    return str(value) if value is not None else None


async def signature_of_department(conn: Connection, department_id: int | None) -> str:
    """What stands below replies of a department, where its mailbox says so."""
    sql = "SELECT b.signature FROM mailboxes AS b WHERE b.department_id = %(id)s ORDER BY b.id LIMIT 1"
    value = await conn.fetch_value(sql, {"id": department_id}) if department_id is not None else None
    return str(value or "")


async def department_of_address(conn: Connection, address: str) -> int | None:
    """The department that has this address itself."""
    sql = "SELECT d.id FROM departments AS d WHERE d.email = %(address)s AND d.email <> '' ORDER BY d.id LIMIT 1"
    value = await conn.fetch_value(sql, {"address": address})
    return int(value) if value is not None else None


async def own_addresses(conn: Connection) -> set[str]:
    """Addresses of mailboxes and departments, in lower case."""
    sql = "SELECT LOWER(b.address) AS email FROM mailboxes AS b UNION SELECT LOWER(d.email) FROM departments AS d"
    return {row["email"] for row in await conn.fetch_all(sql) if row["email"]}


async def insert(conn: Connection, *, password: str, **values: Any) -> int:
    """Add one. Raises IntegrityError where the address is taken."""
    names = ", ".join(FIELDS)
    marks = ", ".join(f"%({name})s" for name in FIELDS)
    sql = f"""
        INSERT INTO mailboxes ({names}, password, created_at, updated_at)
        VALUES ({marks}, %(password)s, %(now)s, %(now)s)
    """  # noqa: S608
    return await conn.insert(sql, {**values, "password": password, "now": utcnow()})


async def update(conn: Connection, mailbox_id: int, *, password: str, moved: bool, **values: Any) -> None:
    """Change one. moved: it is another folder now, so what was read of the old one does not count."""
    sets = ", ".join(f"{name} = %({name})s" for name in FIELDS)
    again = ", uid_validity = 0, last_uid = 0" if moved else ""
    sql = f"""
        UPDATE mailboxes SET {sets}, password = %(password)s, last_error = '', last_error_at = NULL,
               updated_at = %(now)s{again}
         WHERE id = %(id)s
    """  # noqa: S608
    await conn.execute(sql, {**values, "password": password, "now": utcnow(), "id": mailbox_id})


async def delete(conn: Connection, mailbox_id: int) -> None:
    """Remove one; mails that came by it stay."""
    await conn.execute("DELETE FROM mailboxes WHERE id = %(id)s", {"id": mailbox_id})


async def note_mail(conn: Connection, mailbox_id: int) -> None:
    """Note that a mail came."""
    await conn.execute(
        "UPDATE mailboxes SET last_mail_at = %(now)s WHERE id = %(id)s", {"now": utcnow(), "id": mailbox_id}
    )


async def note_read(conn: Connection, mailbox_id: int, *, uid_validity: int, last_uid: int) -> None:
    """Note how far the folder was read, and that the server answered."""
    await conn.execute(
        """
        UPDATE mailboxes SET uid_validity = %(uid_validity)s, last_uid = %(last_uid)s, last_look_at = %(now)s,
               last_error = '', last_error_at = NULL
         WHERE id = %(id)s
        """,
        {"uid_validity": uid_validity, "last_uid": last_uid, "now": utcnow(), "id": mailbox_id},
    )


async def note_error(conn: Connection, mailbox_id: int, words: str) -> None:
    """Note why the server could not be read."""
    await conn.execute(
        "UPDATE mailboxes SET last_error = %(words)s, last_error_at = %(now)s WHERE id = %(id)s",
        {"words": words[:500], "now": utcnow(), "id": mailbox_id},
    )
