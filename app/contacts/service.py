"""Contacts: the people who write to us."""

from __future__ import annotations

import pymysql

from app.contacts import repository
from app.database import DUPLICATE, Connection


async def find_or_create_contact(conn: Connection, *, name: str, email: str) -> int:
    """The contact who writes from `email`, made where there is none; in the caller's transaction.

    name: used for a new contact only; the address's first part where it is empty.
    Two callers who make the same contact at once both get the one that was committed first.
    """
    found = await repository.contact_of_address(conn, email)
    if found is not None:
        return found
    contact_id = await repository.insert_contact(conn, name=name.strip()[:200] or email.partition("@")[0], email=email)
    try:
        await repository.insert_address(conn, contact_id=contact_id, email=email)
    except pymysql.err.IntegrityError as error:
        if error.args[0] != DUPLICATE:
            raise
        await repository.delete_contact(conn, contact_id)
        winner = await repository.contact_of_address(conn, email)
        if winner is None:
            raise
        return winner
    return contact_id
