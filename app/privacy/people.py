"""Whom an export or an erasure is about, and which rows are theirs."""

from __future__ import annotations

from collections.abc import Sequence

from app.contacts import repository as contacts
from app.contacts.errors import ContactNotFound
from app.database import Connection
from app.hookspecs import ContactData
from app.sql import in_list

LOOKED_AT = 50_000
"""Copies of mails that one question looks through: addresses have no index, because each mail would pay for it."""


def placeholder(contact_id: int) -> str:
    """What stands in the place of an erased person's addresses; no mail reaches it (RFC 2606, section 2)."""
    return f"erased-{contact_id}@contact.invalid"


async def person(conn: Connection, contact_id: int) -> ContactData:
    """A contact with all that is theirs by its id. Raises ContactNotFound."""
    found = await contacts.contact(conn, contact_id)
    if found is None:
        raise ContactNotFound(f"There is no contact {contact_id}.")
    addresses = tuple(dict.fromkeys((found.email, *found.addresses)))
    return ContactData(contact_id, found.name, addresses, tuple(await copies(conn, contact_id, addresses)))


async def copies(conn: Connection, contact_id: int, addresses: Sequence[str]) -> list[int]:
    """The ids of their copies of mails, ascending, also of those whose address was erased before."""
    named, parameters = in_list("email", dict.fromkeys((*addresses, placeholder(contact_id))))
    last = int(await conn.fetch_value("SELECT COALESCE(MAX(id), 0) FROM email_recipients"))
    found: list[int] = []
    for after in range(0, last, LOOKED_AT):
        rows = await conn.fetch_all(
            f"""
            SELECT id FROM email_recipients WHERE id > %(after)s AND id <= %(until)s AND email IN {named} ORDER BY id
            """,  # noqa: S608
            {**parameters, "after": after, "until": after + LOOKED_AT},
        )
        found += [int(row["id"]) for row in rows]
    return found
