"""Tickets written straight into the tables, many at a time and with the dates a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app import words
from app.database import Connection, Database

START = datetime(2026, 5, 1, tzinfo=UTC)


async def add_ticket(conn: Connection, **given: Any) -> int:
    """Add a ticket of a contact; `minute` says when something last happened, `read` when its last reply was last read,
    `text` what it is found by, `due` and `snoozed` until when."""
    values: dict[str, Any] = {
        "subject": "A question",
        "contact": "Bob Builder",
        "status": "open",
        "priority": "normal",
        "assignee_id": None,
        "minute": 0,
        "created": None,
        "last_from": "customer",
        "last_receipt": None,
        "read": None,
        "text": "",
        "due": None,
        "snoozed": None,
        **given,
    }
    values["at"] = START + timedelta(minutes=values["minute"])
    values["created"] = START + timedelta(
        minutes=values["created"] if values["created"] is not None else values["minute"]
    )
    values["read"] = None if values["read"] is None else START + timedelta(minutes=values["read"])
    values["email"] = values["contact"].lower().replace(" ", ".") + "@example.org"
    contact_id = await _contact(conn, values)
    ticket_id = await conn.insert(
        """
        INSERT INTO tickets (subject, contact_id, status, active, priority, assignee_id, created_at, last_activity_at,
                             last_from, last_snippet, last_receipt, last_read_at, due_at,
                             snoozed_until)
        VALUES (%(subject)s, %(contact_id)s, %(status)s, %(status)s <> 'closed', %(priority)s, %(assignee_id)s,
                %(created)s, %(at)s, %(last_from)s, %(text)s, %(last_receipt)s, %(read)s,
                COALESCE(%(due)s, DEFAULT(due_at)), %(snoozed)s)
        """,
        {**values, "contact_id": contact_id},
    )
    document = words.document(words.words_of(values["subject"], values["contact"], values["email"], values["text"]))
    for table in ("ticket_words", "ticket_new_words"):
        await conn.execute(
            f"INSERT INTO {table} (ticket_id, words) VALUES (%(id)s, %(words)s)",  # noqa: S608
            {"id": ticket_id, "words": document},
        )
    return ticket_id


async def add_tickets(db: Database, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add tickets in one transaction; their ids in the same order."""
    async with db.transaction() as conn:
        return [await add_ticket(conn, **row) for row in rows]


async def _contact(conn: Connection, values: dict[str, Any]) -> int:
    known = await conn.fetch_value("SELECT contact_id FROM contact_addresses WHERE email = %(email)s", values)
    if known is not None:
        return int(known)
    contact_id = await conn.insert(
        """
        INSERT INTO contacts (name, email, notes, created_at, updated_at)
        VALUES (%(contact)s, %(email)s, '', %(at)s, %(at)s)
        """,
        values,
    )
    await conn.execute(
        "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%(email)s, %(id)s, %(at)s)",
        {**values, "id": contact_id},
    )
    return contact_id
