"""What came in by mail, as it came: given out and erased with the person who sent it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from app.database import Connection, Database
from app.hookspecs import ContactData
from app.sql import in_list

_OF_PERSON = """
    (i.sender IN {named} OR i.ticket_id IN (SELECT t.id FROM tickets AS t WHERE t.contact_id = %(contact)s)
     OR i.reply_id IN (SELECT r.id FROM ticket_replies AS r WHERE r.contact_id = %(contact)s))
"""


async def rows(database: Database, person: ContactData) -> AsyncIterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The mails that they sent, without the bytes, and the tickets that they follow."""
    named, parameters = in_list("address", person.addresses or ("",))
    async with database.connection() as conn:
        yield (
            "mails_received",
            await conn.fetch_all(
                f"""
                SELECT i.id, i.received_at, i.sender, i.subject, i.size, i.state, i.reason, i.ticket_id, i.reply_id
                  FROM inbound_mails AS i WHERE i.sender IN {named} ORDER BY i.id
                """,  # noqa: S608
                parameters,
            ),
        )
        yield (
            "tickets_followed",
            await conn.fetch_all(
                f"SELECT f.ticket_id, f.email, f.name FROM ticket_followers AS f WHERE f.email IN {named}",  # noqa: S608
                parameters,
            ),
        )


async def erase(database: Database, person: ContactData, told: Callable[[str, int], None]) -> None:
    """The originals of their mails and of all mails of their tickets, what they follow, and how often they wrote."""
    named, parameters = in_list("address", person.addresses or ("",))
    values = {**parameters, "contact": person.id}
    where = _OF_PERSON.format(named=named)

    async def work(conn: Connection) -> tuple[int, int]:
        # One statement at a time and few rows: each brings megabytes of pieces with it.
        found = await conn.fetch_all(f"SELECT i.id FROM inbound_mails AS i WHERE {where} LIMIT 20", values)  # noqa: S608
        for row in found:
            await conn.execute("DELETE FROM inbound_mail_pieces WHERE mail_id = %(id)s", {"id": row["id"]})
            await conn.execute("DELETE FROM inbound_mails WHERE id = %(id)s", {"id": row["id"]})
        following = await conn.execute(f"DELETE FROM ticket_followers WHERE email IN {named}", parameters)  # noqa: S608
        await conn.execute(f"DELETE FROM inbound_senders WHERE sender IN {named}", parameters)  # noqa: S608
        return len(found), following

    while True:
        mails, following = await database.run(work)
        told("originals of mails", mails)
        told("tickets followed", following)
        if not mails:
            return
