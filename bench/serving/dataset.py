"""A portal with many delivered copies of replies, and the requests that their readers make."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.database import Connection, Database, utcnow
from app.email.copy_ids import LENGTH, CopyIds
from app.migrations import all_migrations, migrate
from app.modules import repository as modules
from app.runtime import Runtime
from app.settings import Settings
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer

CHUNK = 1000
FORGED = 50_000
"""Forged ids: more than a server remembers as unknown."""
LINKS = (
    "https://example.org/guide?lang=en&topic=printer#paper",
    "https://docs.example.com/articles/4711/how-to-change-the-toner-of-a-large-office-printer",
    "https://status.example.net/",
)
USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.2.0",
)


@dataclass(frozen=True)
class Copy:
    """One recipient's copy of a reply."""

    recipient_id: int
    reply_id: int
    ticket_id: int
    tracking_id: str


@dataclass(frozen=True)
class Request:
    """What one reader's mail client asks for."""

    path: str
    user_agent: str
    address: str


@dataclass(frozen=True)
class Portal:
    """A migrated database with the module on, and its copies. The last `kept` copies get no load."""

    settings: Settings
    copies: Sequence[Copy]
    kept: Sequence[Copy]

    @property
    def links(self) -> Links:
        """Builds pixel and click addresses as the portal's mails carry them."""
        return Links(self.settings.portal_url or "", Signer(self.settings.keys))


def build(settings: Settings, *, count: int, kept: int = 100) -> Portal:
    """Migrate an empty database, switch the module on and add `count` + `kept` sent copies, one reply each."""
    return asyncio.run(_build(settings, count, kept))


async def _build(settings: Settings, count: int, kept: int) -> Portal:
    runtime = Runtime.build(settings, pool_size=2)
    try:
        with runtime.entered():
            await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
            await runtime.register_modules()
            async with runtime.database.transaction() as conn:
                await modules.set_enabled(conn, slug="plausible", enabled=True, user_id=None)
        ids = CopyIds(settings.keys)
        copies = await _fill(runtime.database, [ids.new() for _ in range(count + kept)])
    finally:
        await runtime.close()
    return Portal(settings, copies[:count], copies[count:])


async def _fill(database: Database, tracking_ids: Sequence[str]) -> list[Copy]:
    copies = [Copy(number, number, number, one) for number, one in enumerate(tracking_ids, 1)]
    async with database.transaction() as conn:
        await conn.insert(
            "INSERT INTO contacts (id, name, email, notes, created_at, updated_at) VALUES (1, 'Bob', %s, '', %s, %s)",
            ("bob@example.org", utcnow(), utcnow()),
        )
    for start in range(0, len(copies), CHUNK):
        async with database.transaction() as conn:
            await _fill_chunk(conn, copies[start : start + CHUNK])
    return copies


async def _fill_chunk(conn: Connection, copies: Sequence[Copy]) -> None:
    now = utcnow()
    sent = now - timedelta(hours=3)
    await conn.execute_many(
        """
        INSERT INTO tickets (id, subject, contact_id, created_at, last_activity_at)
        VALUES (%s, 'Printer does not print', 1, %s, %s)
        """,
        [(one.ticket_id, sent, sent) for one in copies],
    )
    await conn.execute_many(
        """
        INSERT INTO ticket_replies (id, ticket_id, kind, body_html, body_text, created_at, email_tracking_id,
                                    email_sent_at)
        VALUES (%s, %s, 'reply', '<p>Change the toner.</p>', 'Change the toner.', %s, %s, %s)
        """,
        [(one.reply_id, one.ticket_id, sent, one.tracking_id, sent) for one in copies],
    )
    await conn.execute_many(
        """
        INSERT INTO outgoing_emails (id, reply_id, message_id, subject, sender, html_body, text_body, reference_ids,
                                     headers, enable_tracking, metadata, created_at)
        VALUES (%s, %s, %s, 'Re: Printer does not print', 'support@portal.test', '<p>Change the toner.</p>',
                'Change the toner.', '', '{}', 1, '{}', %s)
        """,
        [(one.reply_id, one.reply_id, f"<{one.reply_id}@portal.test>", sent) for one in copies],
    )
    await conn.execute_many(
        """
        INSERT INTO email_recipients (id, email_id, role, email, tracking_id, state, attempts, next_attempt_at, sent_at,
                                      reports, created_at)
        VALUES (%s, %s, 'to', 'bob@example.org', %s, 'sent', 1, %s, %s, 'opens,clicks', %s)
        """,
        [(one.recipient_id, one.reply_id, one.tracking_id, sent, sent, sent) for one in copies],
    )
    low, high = copies[0].ticket_id, copies[-1].ticket_id
    await conn.execute("UPDATE tickets SET last_reply_id = id WHERE id BETWEEN %s AND %s", (low, high))


def requests(portal: Portal, kind: str) -> list[Request]:
    """One request per copy: kind 'open' or 'click', or 'forged' for pixels of ids that nobody made."""
    pick = random.Random(1)
    links = portal.links
    if kind == "forged":
        found = [links.pixel(secrets.token_urlsafe(LENGTH)[:LENGTH]) for _ in range(FORGED)]
    elif kind == "click":
        found = [str(links.click(copy.tracking_id, pick.choice(LINKS))) for copy in portal.copies]
    else:
        found = [links.pixel(copy.tracking_id) for copy in portal.copies]
    return [Request(one.removeprefix(links.portal_url), pick.choice(USER_AGENTS), _address(pick)) for one in found]


def _address(pick: random.Random) -> str:
    return f"{pick.randint(11, 126)}.{pick.randrange(256)}.{pick.randrange(256)}.{pick.randint(1, 254)}"


def write_requests(file: Path, made: Sequence[Request]) -> Path:
    """Write what the loaders read: path, client address and user agent by line, tabs between."""
    file.write_text("".join(f"{one.path}\t{one.address}\t{one.user_agent}\n" for one in made), encoding="ascii")
    return file
