"""What a plugin may add to the head and the envelope of a copy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import pytest

from app.database import Database
from app.email import service
from app.hookspecs import Delivery, ModuleInfo, Prepared, hookimpl
from app.runtime import Runtime
from app.settings import Settings
from tests.email.outbox import queue, states
from tests.support.scripted_smtp import ScriptedSmtp

BOB = "bob@example.org"


@dataclass
class Stamp:
    """Adds what a test gives it."""

    slug: str
    headers: Any = field(default_factory=dict)
    sender: Any = None
    given: list[Mapping[str, str]] = field(default_factory=list)

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo(self.slug, "Stamp", "Adds headers.", "📮")

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        self.given.append(dict(delivery.headers))
        return Prepared(delivery.html, headers=self.headers, envelope_sender=self.sender)


@dataclass
class Portal:
    """A portal with two plugins, and what they were told off for."""

    runtime: Runtime
    first: Stamp
    second: Stamp
    told: list[str]


@pytest.fixture
async def portal(settings: Settings, empty_database: None, smtp: ScriptedSmtp) -> AsyncIterator[Portal]:
    """Two plugins, asked in the order of their slugs."""
    first, second = Stamp("aa"), Stamp("bb")
    there = settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})
    runtime = Runtime.build(there, plugins={"aa": first, "bb": second})
    runtime.plugins.is_enabled = lambda slug: True
    told: list[str] = []
    runtime.plugins.on_error = lambda slug, hook, message: told.append(f"{slug}: {message}")
    with runtime.entered():
        yield Portal(runtime, first, second, told)
    await runtime.close()


@pytest.fixture
def db(portal: Portal) -> Database:
    return portal.runtime.database


async def test_headers_and_envelope_sender_travel_with_the_copy(portal: Portal, smtp: ScriptedSmtp) -> None:
    portal.first.headers = {"X-Slot": '{"tracking_id": "abc"}'}
    portal.second.sender = "bounces+1@portal.test"
    mail = await queue(portal.runtime, BOB, headers={"X-Own": "1"})
    await service.deliver_now(mail.id)

    [taken] = smtp.accepted
    message = message_from_bytes(taken.data)
    assert (message["X-Slot"], message["X-Own"]) == ('{"tracking_id": "abc"}', "1")
    assert taken.sender == "bounces+1@portal.test"
    assert message["From"] == "Support <support@portal.test>"
    assert portal.second.given == [{"X-Own": "1", "X-Slot": '{"tracking_id": "abc"}'}]
    assert portal.told == []


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Subject": "Hello"}, "'Subject' cannot be added"),
        ({"X-A": "a\r\nBcc: eve@x.org"}, "line break"),
        ({"X-A\r\nBcc": "eve@x.org"}, "cannot be added"),
        ({"X-A": "ü"}, "must be ASCII"),
        ({"X-A": "a" * 4_001}, "too long"),
        ({"x-own": "2"}, "which the mail has already"),
        ({f"X-{number}": "1" for number in range(21)}, "21 headers, at most 20"),
        ({"X-A": 7}, "str and int, not str"),
        ("X-A: 1", "str, not a mapping"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_left_out_and_the_mail_goes(
    portal: Portal, smtp: ScriptedSmtp, db: Database, headers: Any, words: str
) -> None:
    portal.first.headers = headers
    portal.second.headers = {"X-Good": "1"}
    mail = await queue(portal.runtime, BOB, headers={"X-Own": "1"})
    await service.deliver_now(mail.id)

    assert await states(db) == {BOB: "sent"}
    message = message_from_bytes(smtp.accepted[0].data)
    assert sorted(name for name in message if name.startswith("X-")) == ["X-Good", "X-Own"]
    assert (message["Bcc"], message["X-Own"]) == (None, "1")
    [told] = portal.told
    assert told.startswith("aa: ")
    assert words in told


async def test_a_header_of_two_plugins_is_the_firsts(portal: Portal, smtp: ScriptedSmtp) -> None:
    portal.first.headers, portal.second.headers = {"X-A": "first"}, {"x-a": "second"}
    mail = await queue(portal.runtime, BOB)
    await service.deliver_now(mail.id)
    assert message_from_bytes(smtp.accepted[0].data).get_all("X-A") == ["first"]
    assert "which the mail has already" in portal.told[0]


@pytest.mark.parametrize("sender", ["no address", "a@b.org>\r\nRCPT TO:<eve@x.org", 7, ""])
async def test_an_envelope_sender_that_is_none_leaves_the_mails_own(
    portal: Portal, smtp: ScriptedSmtp, sender: Any
) -> None:
    portal.first.sender = sender
    portal.second.sender = "bounces@portal.test"
    mail = await queue(portal.runtime, BOB)
    await service.deliver_now(mail.id)
    assert smtp.accepted[0].sender == "bounces@portal.test"
    assert len(portal.told) == 1
