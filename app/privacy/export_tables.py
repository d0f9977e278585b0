"""What the portal itself holds about a person, as tables; read in pages, because bodies are long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.database import Database
from app.hookspecs import ContactData
from app.privacy import inbound_steps
from app.sql import in_list, in_parts
from app.suppressions import repository as suppressions
from app.suppressions import rules

Rows = Sequence[Mapping[str, Any]]
INTERNAL = {
    "contacts": {"words"},
    "email_recipients": {"lease_owner", "lease_until", "next_attempt_at"},
}
"""Columns that say nothing of the person; all others are given out, also those that later releases add."""
TOLD = frozenset({"tickets", "ticket_replies", "contact_erasures", "suppressions"})
"""Tables with a contact's id that are given out in another way, or are nothing of theirs."""
LONG, SHORT = 20, 500
"""Rows of a page: of those with bodies of a megabyte, and of others."""


@dataclass(frozen=True)
class StoredFile:
    """A file of a message."""

    id: int
    filename: str


_THEIR_TICKETS = "(SELECT id FROM tickets WHERE contact_id = %(contact)s)"
_IN_REACH = f"(r.ticket_id IN {_THEIR_TICKETS} OR r.contact_id = %(contact)s)"
_DRAFT = "(d.ticket_id * 1000000000 + d.user_id)"
_TABLES: tuple[tuple[str, int, str], ...] = (
    (
        "tickets",
        SHORT,
        """
        SELECT t.id, t.subject, t.status, t.priority, u.name AS assigned_to, t.created_at, t.last_activity_at
          FROM tickets AS t LEFT JOIN users AS u ON u.id = t.assignee_id
         WHERE t.contact_id = %(contact)s AND t.id > %(after)s ORDER BY t.id LIMIT %(size)s
        """,
    ),
    (
        "messages",
        LONG,
        f"""
        SELECT r.id, r.ticket_id, r.kind, COALESCE(u.name, c.name) AS written_by, r.created_at, r.message_id,
               r.body_text, r.body_html
          FROM ticket_replies AS r LEFT JOIN users AS u ON u.id = r.author_user_id
               LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE {_IN_REACH} AND r.id > %(after)s ORDER BY r.id LIMIT %(size)s
        """,  # noqa: S608
    ),
    (
        "ticket_history",
        SHORT,
        f"""
        SELECT h.id, h.ticket_id, h.happened_at, u.name AS changed_by, h.field, h.old_value, h.new_value
          FROM ticket_history AS h LEFT JOIN users AS u ON u.id = h.user_id
         WHERE h.ticket_id IN {_THEIR_TICKETS} AND h.id > %(after)s ORDER BY h.id LIMIT %(size)s
        """,  # noqa: S608
    ),
    (
        "drafts",
        LONG,
        f"""
        SELECT {_DRAFT} AS id, d.ticket_id, u.name AS written_by, d.kind, d.to_line, d.cc_line, d.bcc_line,
               d.body_html, d.updated_at
          FROM drafts AS d JOIN users AS u ON u.id = d.user_id
         WHERE d.ticket_id IN {_THEIR_TICKETS} AND {_DRAFT} > %(after)s
         ORDER BY d.ticket_id, d.user_id LIMIT %(size)s
        """,  # noqa: S608
    ),
)
_FILES = f"""
    SELECT a.id, r.ticket_id, a.reply_id AS message_id, a.filename, a.content_type, a.size, a.created_at
      FROM attachments AS a JOIN ticket_replies AS r ON r.id = a.reply_id
     WHERE {_IN_REACH} AND a.id > %(after)s ORDER BY a.id LIMIT %(size)s
"""  # noqa: S608


async def tables(database: Database, person: ContactData) -> AsyncIterator[tuple[str, Rows]]:
    """Pages of rows with the table that they belong to; each table comes once at least, also without rows."""
    one = {"contact": person.id}
    async with database.connection() as conn:
        rows = await conn.fetch_all("SELECT * FROM contacts WHERE id = %(contact)s", one)
        yield "contact", [_public("contacts", row) for row in rows]
        yield (
            "addresses",
            await conn.fetch_all(
                "SELECT email, created_at FROM contact_addresses WHERE contact_id = %(contact)s ORDER BY email", one
            ),
        )
    for name, size, sql in _TABLES:
        async for page in _pages(database, sql, one, size):
            yield name, page
    async for page in _pages(database, _FILES, one, SHORT):
        yield "files", page
    async for found in _mails(database, person):
        yield found
    async for found in inbound_steps.rows(database, person):
        yield found
    async with database.connection() as conn:
        emails = [rules.normal(email) for email in person.addresses if email.isascii()]
        yield "suppressed_addresses", await suppressions.of_person(conn, person.id, emails)
    async for found in _others(database, person):
        yield found


async def files(database: Database, person: ContactData) -> AsyncIterator[StoredFile]:
    """The files of their messages."""
    async for page in _pages(database, _FILES, {"contact": person.id}, SHORT):
        for row in page:
            yield StoredFile(row["id"], row["filename"])


async def pieces(database: Database, file_id: int, size: int) -> AsyncIterator[bytes]:
    """A file's content, `size` bytes at a time."""
    start = 1
    while True:
        async with database.connection() as conn:
            piece = await conn.fetch_value(
                "SELECT SUBSTRING(content, %(start)s, %(size)s) FROM attachments WHERE id = %(id)s",
                {"id": file_id, "start": start, "size": size},
            )
        if not piece:
            return
        yield bytes(piece)
        start += size


async def _others(database: Database, person: ContactData) -> AsyncIterator[tuple[str, Rows]]:
    """What any other table of the portal holds under the contact's id, such as decisions on tracking."""
    async with database.connection() as conn:
        found = await conn.fetch_all(
            """
            SELECT c.table_name AS name FROM information_schema.columns AS c
              JOIN information_schema.columns AS k ON k.table_schema = c.table_schema AND k.table_name = c.table_name
             WHERE c.table_schema = DATABASE() AND c.column_name = 'contact_id' AND k.column_name = 'id'
             ORDER BY c.table_name
            """
        )
    for name in (row["name"] for row in found if row["name"] not in TOLD):
        sql = f"SELECT * FROM `{name}` WHERE contact_id = %(contact)s AND id > %(after)s ORDER BY id LIMIT %(size)s"  # noqa: S608
        async for page in _pages(database, sql, {"contact": person.id}, SHORT):
            yield name, page


async def _mails(database: Database, person: ContactData) -> AsyncIterator[tuple[str, Rows]]:
    """Their copies of mails, what modules noted of each, and the mails themselves."""
    yield "copies", []
    yield "notes_on_copies", []
    yield "mails", []
    told: set[int] = set()
    for ids in in_parts(person.recipient_ids):
        named, parameters = in_list("id", ids)
        async with database.connection() as conn:
            copies = await conn.fetch_all(f"SELECT * FROM email_recipients WHERE id IN {named} ORDER BY id", parameters)  # noqa: S608
            notes = await conn.fetch_all(
                f"SELECT recipient_id, slug AS module, note FROM email_copy_notes WHERE recipient_id IN {named}",  # noqa: S608
                parameters,
            )
        yield "copies", [_public("email_recipients", row) for row in copies]
        yield "notes_on_copies", notes
        mails = sorted({row["email_id"] for row in copies} - told)
        told.update(mails)
        for some in in_parts(mails, LONG):
            named, parameters = in_list("id", some)
            async with database.connection() as conn:
                yield (
                    "mails",
                    await conn.fetch_all(
                        f"""
                    SELECT id, reply_id AS message_id_in_ticket, message_id, subject, sender, reply_to, created_at,
                           enable_tracking, text_body, html_body
                      FROM outgoing_emails WHERE id IN {named} ORDER BY id
                    """,  # noqa: S608
                        parameters,
                    ),
                )


async def _pages(database: Database, sql: str, values: Mapping[str, Any], size: int) -> AsyncIterator[Rows]:
    after = 0
    while True:
        async with database.connection() as conn:
            rows = await conn.fetch_all(sql, {**values, "after": after, "size": size})
        yield rows
        if len(rows) < size:
            return
        after = rows[-1]["id"]


def _public(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in INTERNAL[table]}
