"""What the worker throws away: ended sessions, old throttle entries and addresses, heard events, unused uploads."""

from __future__ import annotations

from datetime import timedelta

from app.accounts.agent_addresses import KEPT_FOR
from app.accounts.service import SESSION_IDLE
from app.database import Connection, utcnow
from app.runtime import Runtime

BATCH = 1000
RULES = (
    ("DELETE FROM sessions WHERE expires_at < %(before)s LIMIT %(batch)s", timedelta(0)),
    ("DELETE FROM sessions WHERE last_seen_at < %(before)s LIMIT %(batch)s", SESSION_IDLE),
    ("DELETE FROM ticket_page_sessions WHERE expires_at < %(before)s LIMIT %(batch)s", timedelta(0)),
    ("DELETE FROM login_failures WHERE failed_at < %(before)s LIMIT %(batch)s", timedelta(hours=1)),
    ("DELETE FROM user_tokens WHERE expires_at < %(before)s LIMIT %(batch)s", timedelta(days=30)),
    ("DELETE FROM agent_addresses WHERE seen_at < %(before)s LIMIT %(batch)s", KEPT_FOR),
    ("DELETE FROM live_events WHERE created_at < %(before)s LIMIT %(batch)s", timedelta(minutes=10)),
    ("DELETE FROM held_replies WHERE until < %(before)s LIMIT %(batch)s", timedelta(minutes=1)),
    ("DELETE FROM inbound_senders WHERE hour_at < %(before)s LIMIT %(batch)s", timedelta(days=2)),
    (
        "DELETE FROM inbound_mails WHERE state = 'processed' AND ticket_id IS NULL AND processed_at < %(before)s "
        "LIMIT %(batch)s",
        timedelta(days=30),
    ),
    (
        """
        DELETE FROM attachments WHERE reply_id IS NULL AND created_at < %(before)s
           AND id NOT IN (SELECT attachment_id FROM email_attachments)
           AND id NOT IN (SELECT attachment_id FROM mailing_files) LIMIT %(batch)s
        """,
        timedelta(days=2),
    ),
)


async def tidy(runtime: Runtime) -> int:
    """Delete what is past its time, in batches that lock little; the number of rows."""
    total = 0
    for sql, age in RULES:
        while True:
            deleted = await runtime.database.run(lambda conn, sql=sql, age=age: _delete(conn, sql, age))  # type: ignore[misc]
            total += deleted
            if deleted < BATCH:
                break
    return total


async def _delete(conn: Connection, sql: str, age: timedelta) -> int:
    return await conn.execute(sql, {"before": utcnow() - age, "batch": BATCH})
