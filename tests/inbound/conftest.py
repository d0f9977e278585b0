"""A portal that gets mail: `inbox` takes raw bytes and does the worker's part."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import pytest

from app.accounts.models import User
from app.inbound import processing, store
from app.runtime import Runtime
from app.tickets import service

BOB = "Bob Builder <bob@example.org>"


def mail(
    body: str = "Hello", *, sender: str = BOB, subject: str = "Printer", headers: Mapping[str, str] | None = None
) -> bytes:
    """A plain mail."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "support@portal.test"
    message["Subject"] = subject
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(body)
    return message.as_bytes()


class Inbox:
    """Takes mails as the pipe does, and reads the database."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def take(self, raw: bytes, *, mailbox_id: int | None = None, recipient: str = "") -> dict[str, Any]:
        """Store and process a mail; its row."""
        stored = await store.receive(self.runtime, raw, source="pipe", mailbox_id=mailbox_id, recipient=recipient)
        await processing.run_due(self.runtime)
        return await self.row(stored.id)

    async def row(self, mail_id: int) -> dict[str, Any]:
        """The row of a mail."""
        return (await self.all("SELECT * FROM inbound_mails WHERE id = %(id)s", id=mail_id))[0]

    async def all(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a query."""
        async with self.runtime.database.connection() as conn:
            return await conn.fetch_all(sql, values)

    async def count(self, table: str) -> int:
        """Rows of a table."""
        return int((await self.all(f"SELECT COUNT(*) AS many FROM {table}"))[0]["many"])  # noqa: S608

    async def message_of(self, row: Mapping[str, Any]) -> Any:
        """The message that a mail became."""
        return await service.message(row["ticket_id"], row["reply_id"])

    async def replied(self, author: User, ticket_id: int, **options: Any) -> str:
        """Let an agent reply; the Message-ID of the mail."""
        sent = await service.add_reply(ticket_id, author=author, html_body="<p>Try again.</p>", **options)
        rows = await self.all("SELECT message_id FROM outgoing_emails WHERE reply_id = %(id)s", id=sent.id)
        return str(rows[0]["message_id"])


@pytest.fixture
def inbox(runtime: Runtime) -> Inbox:
    """The way in."""
    return Inbox(runtime)
