"""What an earlier release stored in a rush and did not judge is judged by this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.judging import Judge
from tests.plausible.recording import rows
from tests.support.old_database import old_database
from tests.support.reader import THUNDERBIRD

NOON = datetime(2026, 5, 3, 12, 0, 0, 123456, tzinfo=UTC)
LINK = "https://example.org/?q='\\\"ü"
STATEMENTS = 4
"""Of the migration."""


@pytest.fixture
async def old(database_server: LocalDatabase) -> AsyncIterator[Database]:
    """Two copies: of the first one open is judged, and an open and a click wait; of the other nothing does."""
    async with old_database(database_server, before="0044") as database:
        async with database.connection() as conn:
            await conn.execute("SET SESSION foreign_key_checks = 0")
            await conn.execute(
                "INSERT INTO outgoing_emails (id, mailing, message_id, subject, sender, html_body, text_body, "
                "reference_ids, headers, enable_tracking, metadata, created_at) "
                "VALUES (1, 'news', '<1@x>', '', '', '', '', '', '{}', 1, '{}', %s)",
                [NOON],
            )
            for number in (1, 2):
                await conn.execute(
                    "INSERT INTO email_recipients (id, email_id, role, email, tracking_id, state, next_attempt_at, "
                    "sent_at, reports, created_at) VALUES (%s, 1, 'to', %s, %s, 'sent', %s, %s, 'opens,clicks', %s)",
                    [number, f"bob{number}@example.org", f"copy-{number:020d}", NOON, NOON, NOON],
                )
                await conn.execute(
                    "INSERT INTO email_tracking_recipients (recipient_id, reply_id, event_count, open_count, "
                    "first_opened_at, last_opened_at, deferred, deferred_from) VALUES (%s, 0, 1, 1, %s, %s, %s, %s)",
                    [number, NOON, NOON, 2 if number == 1 else 0, 2 if number == 1 else 0],
                )
                await conn.execute(
                    "INSERT INTO email_tracking_events (id, event_key, tracking_id, recipient_id, event_type, "
                    "user_agent, occurred_at, class, rule, confidence, reason) "
                    "VALUES (%s, %s, %s, %s, 'open', %s, %s, 'human', 'person', 0.9, 'x')",
                    [number * 10 - 9, bytes([number]) * 16, f"copy-{number:020d}", number, THUNDERBIRD, NOON],
                )
            for number, kind, url, repeats in ((2, "open", None, 3), (3, "click", LINK, 1)):
                await conn.execute(
                    "INSERT INTO email_tracking_events (id, event_key, tracking_id, recipient_id, event_type, "
                    "event_url, user_agent, ip_address, occurred_at, repeats, class, rule, confidence, reason) "
                    "VALUES (%s, %s, %s, 1, %s, %s, %s, '203.0.113.0', %s, %s, '', '', 0, 'not judged yet')",
                    [number, bytes([0xA0 + number]) * 16, f"copy-{1:020d}", kind, url, THUNDERBIRD,
                     NOON + timedelta(minutes=number), repeats],
                )  # fmt: skip
        yield database


async def judged(database: Database) -> None:
    """What is there once all is judged."""
    assert await Judge(database, KnownCopies()).some()
    found = await rows(
        database,
        "SELECT recipient_id, event_key, event_type, event_url, ip_address, occurred_at, repeats, rule <> '' AS judged "
        "FROM email_tracking_events ORDER BY recipient_id, occurred_at",
    )
    assert [tuple(one.values()) for one in found] == [
        (1, b"\x01" * 16, "open", None, None, NOON, 1, 1),
        (1, b"\xa2" * 16, "open", None, "203.0.113.0", NOON + timedelta(minutes=2), 3, 1),
        (1, b"\xa3" * 16, "click", LINK, "203.0.113.0", NOON + timedelta(minutes=3), 1, 1),
        (2, b"\x02" * 16, "open", None, None, NOON, 1, 1),
    ]
    sums = await rows(database, "SELECT open_count, click_count FROM email_tracking_recipients ORDER BY recipient_id")
    assert sums == [{"open_count": 4, "click_count": 1}, {"open_count": 1, "click_count": 0}]


async def test_what_waited_is_judged(old: Database) -> None:
    await migrate(old, all_migrations())
    await judged(old)


@pytest.mark.parametrize("done", range(1, STATEMENTS))
async def test_a_run_that_was_killed_before_it_noted_a_statement_is_resumed(old: Database, done: int) -> None:
    [migration] = [one for one in all_migrations() if one.name.startswith("0044")]
    assert len(migration.statements) == STATEMENTS
    async with old.connection() as conn:
        for statement in migration.statements[: done + 1]:
            await conn.execute(statement)
        await conn.execute(
            "INSERT INTO schema_migrations (name, checksum, statements_done, lease_until) VALUES (%s, %s, %s, %s)",
            [migration.name, migration.checksum, done, NOON],
        )
    assert await migrate(old, [migration]) == [migration.name]
    await judged(old)
