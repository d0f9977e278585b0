"""What was known of copies before their receipts could be withdrawn is known after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from tests.support.old_database import old_database

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
KNOWN = ("read", "machine", "delivered", "bounced", "complained", "replied", None)


@pytest.fixture
async def old(database_server: LocalDatabase) -> AsyncIterator[Database]:
    """A database as it was before: one ticket and reply for each receipt."""
    async with old_database(database_server, before="0008") as database:
        async with database.connection() as conn:
            await conn.execute("SET SESSION foreign_key_checks = 0")
            for number, receipt in enumerate(KNOWN, start=1):
                values = {"id": number, "receipt": receipt, "at": NOON if receipt else None, "now": NOON}
                await conn.execute(
                    """
                    INSERT INTO email_recipients (id, email_id, role, email, tracking_id, next_attempt_at, receipt,
                                                  receipt_at, created_at)
                    VALUES (%(id)s, %(id)s, 'to', 'bob@example.org', %(id)s, %(now)s, %(receipt)s, %(at)s, %(now)s)
                    """,
                    values,
                )
                await conn.execute(
                    """
                    INSERT INTO outgoing_emails (id, reply_id, message_id, subject, sender, html_body, text_body,
                                                 reference_ids, headers, metadata, created_at)
                    VALUES (%(id)s, %(id)s, %(id)s, '', '', '', '', '', '', '', %(now)s)
                    """,
                    values,
                )
                await conn.execute(
                    """
                    INSERT INTO tickets
                        (id, subject, contact_id, created_at, last_activity_at, last_reply_id, last_receipt)
                    VALUES (%(id)s, '', 1, %(now)s, %(now)s, %(id)s, %(receipt)s)
                    """,
                    values,
                )
        yield database


async def test_every_receipt_is_carried_over_with_its_time(old: Database) -> None:
    await migrate(old, all_migrations())
    async with old.connection() as conn:
        rows = await conn.fetch_all("SELECT * FROM email_recipients ORDER BY id")
        tickets = await conn.fetch_all("SELECT last_receipt, last_read_at FROM tickets ORDER BY id")
    assert [row["receipt"] for row in rows] == list(KNOWN)
    assert [row["receipt_at"] for row in rows] == [NOON if receipt else None for receipt in KNOWN]
    assert [row["seen"] for row in rows] == ["read", "machine", None, None, None, None, None]
    assert [row["fate"] for row in rows] == [None, None, "delivered", "bounced", "complained", None, None]
    assert [row["replied_at"] for row in rows] == [None, None, None, None, None, NOON, None]
    assert [row["last_read_at"] for row in tickets] == [NOON, None, None, None, None, NOON, None]


@pytest.mark.parametrize("done", range(1, 5))
async def test_a_run_that_was_killed_before_it_noted_a_statement_is_resumed(old: Database, done: int) -> None:
    [migration] = [one for one in all_migrations() if one.name == "0008_receipts"]
    async with old.connection() as conn:
        for statement in migration.statements[: done + 1]:
            await conn.execute(statement)
        await conn.execute(
            """
            INSERT INTO schema_migrations (name, checksum, statements_done, lease_until)
            VALUES (%(name)s, %(checksum)s, %(done)s, %(past)s)
            """,
            {"name": migration.name, "checksum": migration.checksum, "done": done, "past": NOON},
        )
    assert await migrate(old, [migration]) == ["0008_receipts"]
    async with old.connection() as conn:
        rows = await conn.fetch_all("SELECT receipt, receipt_at FROM email_recipients ORDER BY id")
    assert [(row["receipt"], row["receipt_at"] is None) for row in rows] == [(one, one is None) for one in KNOWN]
