"""SQL of contacts and their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.contacts.models import Contact, ContactRow
from app.database import Connection, utcnow
from app.sql import located
from app.tickets import access
from app.words import Needle


async def contact_of_address(conn: Connection, email: str) -> int | None:
    """The contact who writes from an address; compared without regard to case."""
    sql = "SELECT a.contact_id FROM contact_addresses AS a WHERE a.email = %(email)s"
    value = await conn.fetch_value(sql, {"email": email})
    return int(value) if value is not None else None


async def contact(conn: Connection, contact_id: int) -> Contact | None:
    """One contact with their addresses."""
    sql = """
        SELECT c.id, c.name, c.email, c.notes, c.created_at, c.updated_at, c.tracking
          FROM contacts AS c WHERE c.id = %(id)s
    """
    row = await conn.fetch_one(sql, {"id": contact_id})
    return Contact(**row, addresses=tuple(await addresses(conn, contact_id, first=row["email"]))) if row else None


async def addresses(conn: Connection, contact_id: int, *, first: str) -> list[str]:
    """The addresses of a contact, `first` before the others."""
    sql = """
        SELECT a.email FROM contact_addresses AS a
         WHERE a.contact_id = %(id)s ORDER BY a.email = %(first)s DESC, a.email
    """
    return [row["email"] for row in await conn.fetch_all(sql, {"id": contact_id, "first": first})]


async def lock_contact(conn: Connection, contact_id: int) -> bool:
    """Hold the contact's row until the end of the transaction; False where there is none."""
    sql = "SELECT c.id FROM contacts AS c WHERE c.id = %(id)s FOR UPDATE"
    return await conn.fetch_value(sql, {"id": contact_id}) is not None


async def insert_contact(conn: Connection, *, name: str, email: str, words: str) -> int:
    """Add a contact; their address still has to be added."""
    sql = """
        INSERT INTO contacts (name, email, words, notes, created_at, updated_at)
        VALUES (%(name)s, %(email)s, %(words)s, '', %(now)s, %(now)s)
    """
    return await conn.insert(sql, {"name": name, "email": email, "words": words, "now": utcnow()})


async def update_contact(conn: Connection, *, contact_id: int, name: str, notes: str) -> None:
    """Replace name and notes."""
    sql = "UPDATE contacts SET name = %(name)s, notes = %(notes)s, updated_at = %(now)s WHERE id = %(id)s"
    await conn.execute(sql, {"id": contact_id, "name": name, "notes": notes, "now": utcnow()})


async def set_words(conn: Connection, *, contact_id: int, words: str) -> None:
    """Replace what the contact is found by."""
    await conn.execute("UPDATE contacts SET words = %(words)s WHERE id = %(id)s", {"id": contact_id, "words": words})


async def set_primary(conn: Connection, *, contact_id: int, email: str) -> None:
    """Write to this address first."""
    await conn.execute("UPDATE contacts SET email = %(email)s WHERE id = %(id)s", {"id": contact_id, "email": email})


async def insert_address(conn: Connection, *, contact_id: int, email: str) -> None:
    """Add an address. Raises IntegrityError where it belongs to a contact already."""
    sql = "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%(email)s, %(contact_id)s, %(now)s)"
    await conn.execute(sql, {"email": email, "contact_id": contact_id, "now": utcnow()})


async def delete_address(conn: Connection, *, contact_id: int, email: str) -> int:
    """Take an address from a contact; how many were there to take."""
    sql = "DELETE FROM contact_addresses WHERE email = %(email)s AND contact_id = %(contact_id)s"
    return await conn.execute(sql, {"email": email, "contact_id": contact_id})


async def delete_contact(conn: Connection, contact_id: int) -> None:
    """Remove a contact who has no tickets."""
    await conn.execute("DELETE FROM contacts WHERE id = %(id)s", {"id": contact_id})


async def page(
    conn: Connection, needles: Sequence[Needle], *, limit: int, beyond: tuple[str, int] | None, descending: bool
) -> list[ContactRow]:
    """Contacts that have all needles, by name, without their last activity.

    beyond: name and id of the contact behind which to start. descending: from Z to A.
    """
    than, direction = ("<", "DESC") if descending else (">", "ASC")
    condition, patterns = located("c.words", [needle.located for needle in needles])
    values: dict[str, object] = {**patterns, "limit": limit}
    if beyond:
        condition += f" AND (c.name {than} %(name)s OR (c.name = %(name)s AND c.id {than} %(id)s))"
        values |= {"name": beyond[0], "id": beyond[1]}
    sql = f"""
        SELECT c.id, c.name, c.email,
               (SELECT COUNT(*) FROM contact_addresses AS a WHERE a.contact_id = c.id) AS addresses
          FROM contacts AS c FORCE INDEX (contacts_name)
         WHERE {condition} AND {access.contact_condition()}
         ORDER BY c.name {direction}, c.id {direction} LIMIT %(limit)s
    """  # noqa: S608
    rows = await conn.fetch_all(sql, values)
    return [ContactRow(**row, last_activity_at=None) for row in rows]


async def last_activities(conn: Connection, contact_ids: Sequence[int]) -> dict[int, datetime]:
    """When something last happened in the tickets of these contacts; those without tickets are left out."""
    if not contact_ids:
        return {}
    sql = f"""
        SELECT t.contact_id, MAX(t.last_activity_at) AS at FROM tickets AS t FORCE INDEX (tickets_contact)
         WHERE t.contact_id IN %(ids)s AND {access.condition()} GROUP BY t.contact_id
    """  # noqa: S608
    return {row["contact_id"]: row["at"] for row in await conn.fetch_all(sql, {"ids": list(contact_ids)})}


async def addresses_matching(conn: Connection, needles: Sequence[Needle], *, limit: int) -> list[tuple[str, str]]:
    """Names and addresses of contacts that have all needles, by name, each contact's first address first."""
    condition, patterns = located("c.words", [needle.located for needle in needles])
    sql = f"""
        SELECT STRAIGHT_JOIN c.name, a.email
          FROM contacts AS c FORCE INDEX (contacts_name) JOIN contact_addresses AS a ON a.contact_id = c.id
         WHERE {condition} AND {access.contact_condition()}
         ORDER BY c.name, c.id, a.email = c.email DESC, a.email LIMIT %(limit)s
    """  # noqa: S608
    return [(row["name"], row["email"]) for row in await conn.fetch_all(sql, {**patterns, "limit": limit})]
