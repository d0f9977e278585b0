# ruff: noqa: E501
"""Every event that each provider documents: read, led to its copy, stored, and never refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database
from plugins.delivery import parsing
from plugins.delivery.errors import Refused
from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers import PROVIDERS
from plugins.delivery.providers.base import Given
from plugins.delivery.verification import ecdsa, svix
from plugins.delivery.verification.incoming import Incoming
from tests.delivery.more_payloads import EVERY
from tests.delivery.payloads import AT
from tests.delivery.senders import SENDERS, Sender, post
from tests.delivery.sending import events, failures, send
from tests.receipts.builders import MailedReply

ID, TO = "t" * 54, "Bob@example.org"
NOW = datetime.fromtimestamp(AT, UTC) + timedelta(hours=1)
TIMELESS = {("ses", "Reject"), ("ses", "Rendering Failure"), ("ses", "Something New"), ("ses", "Send")}
"""Whose own object tells no time: that of the mail counts, or now."""


def read(slug: str, body: Any, number: int) -> list[DeliveryEvent]:
    provider = PROVIDERS[slug]
    given = [Given(Fields(one), NOW, f"request-{number}") for one in provider.members(body)]
    return [event for one in given for event in provider.read(one)]


@pytest.mark.parametrize("slug", EVERY)
def test_each_event_means_what_its_provider_says(slug: str) -> None:
    keys = set()
    for number, (name, body, kind) in enumerate(EVERY[slug](ID, TO)):
        [event] = read(slug, body, number)
        machine = {True: "machine", False: "person", None: ""}[event.machine]
        assert " ".join(filter(None, (event.kind, event.bounce, machine))) == kind, (name, body)
        assert (event.tracking_id, (event.recipient or "").lower()) == (ID, TO.lower()), name
        new = name in {"SomethingNew", "account_status_change"}
        assert new or abs(event.happened_at.timestamp() - AT) < 1 or (slug, name) in TIMELESS, (name, event.happened_at)
        if kind.startswith(("bounced", "failed")):
            assert event.reason, (name, body)
        if kind.startswith("clicked") and slug != "generic":
            assert event.url.startswith("https://x.example/"), name
            assert event.user_agent, name
        keys.add(event.key)
    assert len(keys) == number + 1, "two events look the same"


@pytest.mark.parametrize("sender", SENDERS, ids=lambda one: one.slug)
async def test_all_are_taken_and_lead_to_their_copy(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    copy = reply.recipients[0]
    found = list(EVERY[sender.slug](copy.tracking_id, copy.email))
    for name, body, _ in found:
        status, answer = await send(world, sender.slug, sender.sign(post(body), False))
        assert (status, answer["message"]) == (200, "Event recorded"), name
    stored = await events(database)
    assert len(stored) == len(found)
    assert {one["recipient_id"] for one in stored} == {copy.id}
    assert await failures(database) == []


def test_recipients_of_smtp2go_may_stand_in_one_text_and_in_a_form() -> None:
    incoming = Incoming(
        {"content-type": "application/x-www-form-urlencoded"},
        b"event=processed&email_id=1&time=2025-11-30+08:53:20&rcpt=a%40x.example"
        b"&recipients=a%40x.example%2C+b%40x.example&x-myportal-tracking-id=" + ID.encode(),
        NOW,
    )
    found = read("smtp2go", parsing.parse(incoming), 1)
    assert [one.recipient for one in found] == ["a@x.example", "b@x.example"]
    assert {one.tracking_id for one in found} == {ID}


def test_the_signature_that_sendgrids_library_is_tested_with() -> None:
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8"
        "eNEc6wEA3F+g=="
    )
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUn'
        b'pYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-'
        b'5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
    )
    headers = {
        ecdsa.SIGNATURE.lower(): "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15"
        "TluLtEZtM=",
        ecdsa.TIMESTAMP.lower(): "1600112502",
    }
    now = datetime.fromtimestamp(1_600_112_600, UTC)
    ecdsa.prove(Incoming(headers, body, now), key)
    # The line end belongs to what is signed.
    with pytest.raises(Refused):
        ecdsa.prove(Incoming(headers, body.rstrip(), now), key)


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
@pytest.mark.parametrize("secret", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_signature_that_standard_webhooks_are_specified_with(prefix: str, secret: str) -> None:
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    headers = {
        f"{prefix}-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        f"{prefix}-timestamp": "1614265330",
        f"{prefix}-signature": f"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,AAAA {signature}",
    }
    body, now = b'{"test": 2432232314}', datetime.fromtimestamp(1_614_265_400, UTC)
    assert svix.prove(Incoming(headers, body, now), secret).request_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    for wrong in (signature.replace("OE=", "OA="), signature.replace("v1", "v2"), "v1,", signature[3:]):
        with pytest.raises(Refused):
            svix.prove(Incoming({**headers, f"{prefix}-signature": wrong}, body, now), secret)
