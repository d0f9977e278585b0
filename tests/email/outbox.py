"""Puts mails into the outbox of a test and looks at how their copies stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.database import Database, Row, utcnow
from app.email import outbox
from app.email.addresses import parse_address_list
from app.email.models import NewMail
from app.hookspecs import QueuedMail
from app.runtime import Runtime
from tests.receipts.builders import mailed_reply


async def reply(database: Database) -> int:
    """A ticket reply that has no mail yet."""
    made = await mailed_reply(database)
    async with database.transaction() as conn:
        await conn.execute("DELETE FROM email_recipients")
        await conn.execute("DELETE FROM outgoing_emails")
    return made.reply_id


async def queue(runtime: Runtime, to: str, **changes: Any) -> QueuedMail:
    """Store a mail to these addresses without delivering anything."""
    fields: dict[str, Any] = {"subject": "Hello", "html_body": "<p>Hello</p>", "to": tuple(parse_address_list(to))}
    mail = NewMail(**{**fields, **changes})
    return await runtime.database.run(lambda conn: outbox.enqueue(conn, mail))


async def rows(database: Database) -> dict[str, Row]:
    """All copies by address."""
    async with database.connection() as conn:
        found = await conn.fetch_all("SELECT * FROM email_recipients ORDER BY id")
    return {row["email"]: row for row in found}


async def states(database: Database) -> dict[str, str]:
    """The state of each copy by address."""
    return {email: row["state"] for email, row in (await rows(database)).items()}


async def make_due(database: Database) -> None:
    """Let what waits for its next try be due now."""
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET next_attempt_at = %(then)s WHERE state IN ('queued', 'retry')",
            {"then": utcnow() - timedelta(seconds=5)},
        )


async def end_leases(database: Database) -> None:
    """Let all leases be over, as if their time had passed."""
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET lease_until = %(then)s WHERE lease_until IS NOT NULL",
            {"then": utcnow() - timedelta(seconds=5)},
        )


async def set_state(database: Database, state: str) -> None:
    """Let all copies be in this state."""
    async with database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET state = %(state)s", {"state": state})
