"""A portal with the module on that sends to a mail server and gets mail through the pipe."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

import pytest
from quart import Quart

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database, Row
from app.email import service as email
from app.inbound import processing, store
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from app.tickets import service as tickets
from tests.conftest import PASSWORD
from tests.delivery.bounces.corpus import Sample
from tests.support.scripted_smtp import AcceptedMail, ScriptedSmtp

BOB = "bob@example.org"
BOUNCES = "bounces@portal.test"


@dataclass(frozen=True)
class Sent:
    """A reply to Bob that went out."""

    ticket_id: int
    reply_id: int
    message_id: str
    mark: str
    envelope_sender: str


@dataclass
class Site:
    """The portal, and what a test does with it."""

    runtime: Runtime
    smtp: ScriptedSmtp
    gus: User

    @property
    def database(self) -> Database:
        return self.runtime.database

    async def configure(self, **settings: Any) -> None:
        await modules.save("delivery", settings, user=None)

    async def forget(self) -> None:
        """Take off the list who is on it, and forget all events."""
        async with self.database.transaction() as conn:
            await conn.execute("DELETE FROM suppressions")
            await conn.execute("DELETE FROM delivery_events")

    async def reply(self, ticket_id: int | None = None, **options: Any) -> Sent:
        """Let Gus answer Bob, in a new ticket or one that is there; the ticket is closed by it."""
        if ticket_id is None:
            ticket_id = await tickets.create_ticket(
                subject="Printer", requester=f"Bob <{BOB}>", text_body="It burns", created_by=None
            )
        sent = await tickets.add_reply(
            ticket_id, author=self.gus, html_body="<p>Off and on</p>", **{"then_status": "closed", **options}
        )
        assert sent.mail is not None
        await email.deliver_now(sent.mail.id)
        taken: AcceptedMail = next(one for one in reversed(self.smtp.accepted) if one.recipient == BOB)
        message = message_from_bytes(taken.data)
        return Sent(ticket_id, sent.id, message["Message-ID"], message["X-MyPortal-Copy"], taken.sender)

    async def bounce(self, sample: Sample, sent: Sent, *, into: str = "", **changes: str) -> Row:
        """Put a mail into the pipe as the mail server does, and let the worker read it; its row. into: the address that
        it is sent to; without one the copy's own."""
        into = into or sent.envelope_sender
        values = {
            "to": into,
            "recipient": BOB,
            "mark": sent.mark,
            "message_id": sent.message_id,
            "own": "1",
        }
        raw = sample.raw(**{**values, **changes})
        stored = await store.receive(self.runtime, raw, source="pipe", recipient=into)
        await processing.run_due(self.runtime)
        [row] = await self.rows("SELECT * FROM inbound_mails WHERE id = %(id)s", id=stored.id)
        return row

    async def rows(self, sql: str, **values: Any) -> list[Row]:
        async with self.database.connection() as conn:
            return await conn.fetch_all(sql, values)

    async def copy(self, sent: Sent) -> Row:
        """What is known of Bob's copy."""
        [row] = await self.rows(
            "SELECT r.* FROM email_recipients AS r JOIN outgoing_emails AS m ON m.id = r.email_id "
            "WHERE m.reply_id = %(id)s AND r.email = %(bob)s",
            id=sent.reply_id,
            bob=BOB,
        )
        return row


@pytest.fixture
def settings(settings: Settings, smtp: ScriptedSmtp) -> Settings:
    return settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})


@pytest.fixture
async def site(delivery: Quart, smtp: ScriptedSmtp) -> Site:
    user_id = await accounts.create_user(email="gus@portal.test", name="Gus", role="agent", password=PASSWORD)
    gus = await accounts.user_by_id(user_id)
    assert gus is not None
    found = Site(delivery.extensions["runtime"], smtp, gus)
    await found.configure(bounce_address=BOUNCES)
    return found
