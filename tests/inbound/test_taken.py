"""Mails that a module takes before they are added to a ticket, and reports of mails that only claim to be ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from app.accounts.models import User
from app.database import DatabaseUnavailable
from app.hookspecs import MOST_RAW, Arrived, ArrivedMail, ModuleInfo, hookimpl
from app.runtime import Runtime
from app.settings import Settings
from app.tickets import service
from tests.inbound.conftest import BOB, Inbox, mail
from tests.inbound.test_automatic import REPORT


@dataclass
class Taker:
    """Takes what a test says."""

    answer: Arrived | None = None
    raises: Exception | None = None
    seen: list[ArrivedMail] = field(default_factory=list)

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("taker", "Taker", "Takes mails.", "📥")

    @hookimpl
    async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
        self.seen.append(mail)
        if self.raises:
            raise self.raises
        return self.answer


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
async def runtime(settings: Settings, empty_database: None, taker: Taker) -> AsyncIterator[Runtime]:
    runtime = Runtime.build(settings, plugins={"taker": taker})
    runtime.plugins.is_enabled = lambda slug: True
    with runtime.entered():
        yield runtime
    await runtime.close()


async def test_a_mail_that_a_module_takes_becomes_nothing_else(inbox: Inbox, taker: Taker, agent: User) -> None:
    ticket_id = await service.create_ticket(subject="Printer", requester=BOB, text_body="It burns", created_by=None)
    message_id = await inbox.replied(agent, ticket_id, then_status="closed")
    taker.answer = Arrived("The mail to bob@example.org bounced.", ticket_id)
    raw = REPORT.format(kind="delivery-status", message_id=message_id).encode()
    row = await inbox.take(raw, recipient="bounces+7@portal.test")

    assert (row["state"], row["kind"], row["ticket_id"], row["reply_id"]) == ("processed", "bounce", ticket_id, None)
    assert row["reason"] == "The mail to bob@example.org bounced."
    assert (await service.ticket(ticket_id)).status == "closed"
    assert len((await service.conversation(ticket_id)).messages) == 2
    [seen] = taker.seen
    assert (seen.kind, seen.recipients, seen.subject) == ("bounce", ("bounces+7@portal.test",), "Undelivered")
    assert ("Return-Path", "<>") in seen.headers
    [words, status, returned] = seen.parts
    assert words.content == b"Sorry."
    assert status.content_type == "message/delivery-status"
    assert b"Final-Recipient: rfc822; bob@example.org\r\nAction: failed" in status.content
    assert (returned.content_type, message_id.encode() in returned.content) == ("text/rfc822-headers", True)


async def test_what_none_takes_or_one_fails_at_goes_on(inbox: Inbox, taker: Taker) -> None:
    assert (await inbox.take(mail("a")))["ticket_id"] is not None
    taker.raises = RuntimeError("broken")
    assert (await inbox.take(mail("b")))["ticket_id"] is not None
    assert len(taker.seen) == 2


async def test_a_mail_waits_while_a_module_cannot_reach_the_database(inbox: Inbox, taker: Taker) -> None:
    taker.raises = DatabaseUnavailable("gone")
    with pytest.raises(DatabaseUnavailable):
        await inbox.take(mail("a"))
    [row] = await inbox.all("SELECT state, ticket_id FROM inbound_mails")
    assert row == {"state": "new", "ticket_id": None}


async def test_a_large_mail_is_shown_in_part(inbox: Inbox, taker: Taker) -> None:
    row = await inbox.take(mail("line of text\n" * 200_000))
    assert row["ticket_id"] is not None
    [seen] = taker.seen
    assert len(seen.raw) == MOST_RAW
    assert seen.parts[0].content.startswith(b"line of text")


@pytest.mark.parametrize("kind", ["delivery-status", "disposition-notification", "feedback-report"])
async def test_a_report_that_names_nobody_who_got_the_mail_changes_nothing(
    inbox: Inbox, agent: User, kind: str
) -> None:
    ticket_id = await service.create_ticket(subject="Printer", requester=BOB, text_body="It burns", created_by=None)
    message_id = await inbox.replied(agent, ticket_id)
    raw = REPORT.replace("bob@example.org", "eve@evil.example").format(kind=kind, message_id=message_id)
    row = await inbox.take(raw.encode())
    assert (row["state"], row["ticket_id"], row["supposed_ticket_id"]) == ("processed", None, ticket_id)
    assert f"names a mail of #{ticket_id}, but none of its recipients" in row["reason"]
    assert len((await service.conversation(ticket_id)).messages) == 2


async def test_a_read_receipt_from_a_reader_is_a_note(inbox: Inbox, agent: User) -> None:
    ticket_id = await service.create_ticket(subject="Printer", requester=BOB, text_body="It burns", created_by=None)
    message_id = await inbox.replied(agent, ticket_id)
    raw = REPORT.replace("From: MAILER-DAEMON", "From: BOB@example.org").replace("Final-Recipient", "X-Other")
    row = await inbox.take(raw.format(kind="disposition-notification", message_id=message_id).encode())
    assert row["ticket_id"] == ticket_id
