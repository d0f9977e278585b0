"""Contacts, announcements, and workers that send them, for tests."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Sequence
from email.message import EmailMessage

from app.accounts.models import User
from app.contacts.service import find_or_create_contact
from app.database import Connection
from app.runtime import Runtime
from app.worker import run as run_worker
from plugins.announcements import drafts, flow, sending
from plugins.announcements.drafts import Given
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement
from tests.support.scripted_smtp import AcceptedMail, ScriptedSmtp

BODY = '<p>Hello {{contact.first_name|there}},</p><p>see <a href="https://status.example/now">the status</a>.</p>'


async def people(runtime: Runtime, *emails: str) -> list[int]:
    """Contacts with these addresses, "Name <address>" or an address alone."""

    async def work(conn: Connection) -> list[int]:
        found = []
        for one in emails:
            name, _, address = one.rpartition("<")
            found.append(await find_or_create_contact(conn, name=name.strip(), email=address.strip("<> ")))
        return found

    return await runtime.database.run(work)


async def draft(handles: Handles, by: User, **values: object) -> int:
    """A draft that could be sent."""
    given = Given(**{"subject": "Outage on Sunday", "body_html": BODY, **values})  # type: ignore[arg-type]
    return await drafts.create(handles, given, by=by)


async def sent(handles: Handles, by: User, **values: object) -> Announcement:
    """An announcement whose mails are all in the outbox."""
    number = await draft(handles, by, **values)
    await flow.send(handles, number, by=by)
    return await handed_over(handles, number)


async def handed_over(handles: Handles, number: int, *, rounds: int = 200) -> Announcement:
    """Let the module's job run until everything is in the outbox."""
    for _ in range(rounds):
        await sending.run(handles)
        known = await announcement(handles, number)
        if known.state != "sending":
            return known
        await asyncio.sleep(0.02)
    raise AssertionError(f"announcement {number} is still {known.state}")


async def deliver(runtime: Runtime, smtp: ScriptedSmtp, count: int, *, seconds: float = 20) -> None:
    """Run a worker until the mail server took so many mails, nothing is due, and all of it is written down."""
    stop = asyncio.Event()
    working = asyncio.create_task(run_worker(runtime, stop=stop))
    try:
        async with asyncio.timeout(seconds):
            while len(smtp.accepted) < count or await _is_due(runtime):
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await working


async def _is_due(runtime: Runtime) -> bool:
    sql = """
        SELECT COUNT(*) FROM email_recipients
         WHERE state IN ('queued', 'claimed', 'sending') AND next_attempt_at <= UTC_TIMESTAMP(6)
    """
    async with runtime.database.connection() as conn:
        return bool(await conn.fetch_value(sql))


def parsed(mail: AcceptedMail) -> EmailMessage:
    """A mail that the server took."""
    found = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def part(message: EmailMessage, kind: str) -> str:
    """The text/`kind` part."""
    body = message.get_body(preferencelist=(kind,))
    assert body is not None
    content: str = body.get_content()
    return content


def mail_to(mails: Sequence[AcceptedMail], recipient: str) -> EmailMessage:
    """The one mail to an address."""
    (found,) = [one for one in mails if one.recipient == recipient]
    return parsed(found)
