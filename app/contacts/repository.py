"""SQL of contacts and their addresses."""

from __future__ import annotations

from app.database import Connection, utcnow


async def contact_of_address(conn: Connection, email: str) -> int | None:
    """The contact who writes from an address; compared without regard to case."""
    sql = "SELECT a.contact_id FROM contact_addresses AS a WHERE a.email = %(email)s"
    value = await conn.fetch_value(sql, {"email": email})
    return int(value) if value is not None else None


async def insert_contact(conn: Connection, *, name: str, email: str) -> int:
    """Add a contact; their address still has to be added."""
    sql = """
        INSERT INTO contacts (name, email, notes, created_at, updated_at)
        VALUES (%(name)s, %(email)s, '', %(now)s, %(now)s)
    """
    return await conn.insert(sql, {"name": name, "email": email, "now": utcnow()})


async def insert_address(conn: Connection, *, contact_id: int, email: str) -> None:
    """Add an address. Raises IntegrityError where it belongs to a contact already."""
    sql = "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%(email)s, %(contact_id)s, %(now)s)"
    await conn.execute(sql, {"email": email, "contact_id": contact_id, "now": utcnow()})


async def delete_contact(conn: Connection, contact_id: int) -> None:
    """Remove a contact who has no tickets."""
    await conn.execute("DELETE FROM contacts WHERE id = %(id)s", {"id": contact_id})
