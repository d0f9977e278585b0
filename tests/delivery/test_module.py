"""The module's hooks: slots, timeline, provider's opens, self-test, pages, people's data."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.database import Database, utcnow
from app.hookspecs import ContactData, Delivery, Recipient
from app.services import modules, receipts
from plugins.delivery import personal
from plugins.delivery.fields import Fields
from plugins.delivery.module import DeliveryEvents
from plugins.delivery.providers import PROVIDERS
from plugins.delivery.providers.base import Given
from plugins.delivery.slots import SLOTS, headers_for
from tests.conftest import PASSWORD
from tests.delivery.senders import SECRET, SENDERS, post
from tests.delivery.sending import bounce, events, failures, send
from tests.receipts.builders import MailedReply, mailed_reply, set_copy
from tests.support.web import get, log_in
from tests.support.web import post as post_form

HEADERS = {"Authorization": f"Bearer {SECRET}"}


async def tell(world: Client, reply: MailedReply, kind: str, **fields: Any) -> None:
    body = {"tracking_id": reply.recipients[0].tracking_id, "event": kind, "event_id": secrets.token_hex(4), **fields}
    assert (await world.post("/api/delivery/generic", json=body, headers=HEADERS)).status_code == 200


async def seen(database: Database, reply: MailedReply) -> tuple[str | None, str]:
    async with database.connection() as conn:
        row = await conn.fetch_one(
            "SELECT seen, seen_words FROM email_recipients WHERE id = %(id)s", {"id": reply.recipients[0].id}
        )
    assert row is not None
    return row["seen"], row["seen_words"]


@pytest.fixture
async def admin(delivery: Quart) -> Client:
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    user = await accounts.user_by_id(user_id)
    assert user is not None
    return await log_in(delivery, user)


# --- the tracking id travels out and comes back -----------------------------------------------------------------------


def _back(slug: str, headers: dict[str, str]) -> Any:
    """The event of a provider that got these headers, as its documents say that it gives them back."""
    [(name, value), *_] = headers.items()
    match slug:
        case "sendgrid":
            return {"event": "delivered", "sg_event_id": "1", **json.loads(value)["unique_args"]}
        case "mailgun":
            return {"event-data": {"event": "delivered", "id": "1", "user-variables": json.loads(value)}}
        case "ses":
            tag, _, found = value.partition("=")
            return {
                "eventType": "Delivery",
                "mail": {"messageId": "1", "tags": {tag: [found]}, "destination": ["a@x.example"]},
            }
        case "postmark":
            return {
                "RecordType": "Delivery",
                "MessageID": "1",
                "Metadata": {name.removeprefix("X-PM-Metadata-"): value},
            }
        case "brevo":
            return {"event": "delivered", "email": "a@x.example", name: value}
        case "sparkpost":
            return {"msys": {"x": {"type": "delivery", "event_id": "1", "rcpt_meta": json.loads(value)["metadata"]}}}
        case "resend":
            return {"type": "email.delivered", "data": {"email_id": "1", "headers": [{"name": name, "value": value}]}}
        case "mailjet":
            return {"event": "sent", "MessageID": 1, "CustomID": value}
        case "smtp2go":
            return {"event": "delivered", "email_id": "1", name: value}
        case _:
            return {"event": "delivered", "tracking_id": value}


@pytest.mark.parametrize("slug", PROVIDERS)
def test_what_a_mail_carries_out_comes_back_as_its_tracking_id(slug: str) -> None:
    tracking_id = secrets.token_urlsafe(40)
    headers = headers_for(slug, tracking_id)
    assert all(value.isascii() and "\n" not in value for value in headers.values())
    [event] = PROVIDERS[slug].read(Given(Fields(_back(slug, headers)), utcnow()))
    assert event.tracking_id == tracking_id


async def test_mails_carry_the_slot_of_the_chosen_provider(plugin: DeliveryEvents, delivery: Quart) -> None:
    recipient = Recipient(1, "to", "bob@example.org", "t" * 54)
    copy = Delivery(1, 1, recipient, "<p>Hi</p>", enable_tracking=False)
    bare = plugin.prepare_delivery(copy)
    assert bare is not None
    assert list(bare.headers) == ["X-MyPortal-Copy"]
    assert headers_for("none", "x") == {}
    assert set(SLOTS) == set(PROVIDERS)
    await modules.save("delivery", {"sending_provider": "postmark"}, user=None)
    prepared = plugin.prepare_delivery(copy)
    assert prepared is not None
    assert prepared.html == "<p>Hi</p>"
    assert prepared.headers == {"X-PM-Metadata-tracking_id": "t" * 54, **bare.headers}
    assert prepared.reports == frozenset()


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sendgrid_key", "abc", "must be the verification key"),
        ("ses_topics", "arn:aws:sqs:eu-central-1:1:x", "must be ARNs of SNS topics"),
        ("postmark_secret", "short", "at least 16 characters"),
        ("resend_secret", "whsec_!", "must be the signing secret"),
    ],
)
async def test_settings_that_cannot_hold_are_refused(delivery: Quart, field: str, value: str, words: str) -> None:
    with pytest.raises(modules.ModuleError) as caught:
        await modules.save("delivery", {field: value}, user=None)
    assert words in caught.value.fields[field]
    assert "short" not in caught.value.fields[field]


# --- timeline and opens -----------------------------------------------------------------------------------------------


async def test_the_timeline_says_what_happened_and_who_says_so(
    world: Client, reply: MailedReply, plugin: DeliveryEvents
) -> None:
    await tell(world, reply, "sent")
    await tell(world, reply, "deferred", reason="greylisted", timestamp=1_763_600_000)
    await tell(world, reply, "delivered", timestamp=1_763_600_100)
    await tell(world, reply, "opened", machine=True, timestamp=1_763_600_200)
    await tell(world, reply, "opened", machine=True, timestamp=1_763_600_201)
    assert (await send(world, "sendgrid", bounce(SENDERS[0], reply)))[0] == 200
    found = (await plugin.reply_activity([reply.reply_id]))[reply.reply_id]
    assert [(line.kind, line.words, line.machine) for line in found.timeline] == [
        ("delayed", "Delayed, tried again", False),
        ("delivered", "Delivered", False),
        ("open", "Opened by a machine", True),
        ("bounced", "Bounced for good", False),
    ]
    assert found.timeline[0].detail == "greylisted · says the mail server"
    assert found.timeline[-1].detail == "550 5.1.1 no such user · says SendGrid"
    assert await plugin.reply_activity([10**9]) == {}
    assert await plugin.reply_activity([]) == {}


async def test_the_popover_tells_a_bounce_once(world: Client, reply: MailedReply) -> None:
    assert (await send(world, "sendgrid", bounce(SENDERS[0], reply)))[0] == 200
    await tell(world, reply, "deferred", timestamp=1_763_600_000)
    panel = (await receipts.panels([reply.reply_id]))[reply.reply_id]
    assert [line.words for line in panel.timeline if line.kind in {"bounced", "delayed"}] == [
        "Bounced for good",
        "Delayed, tried again",
    ]


@pytest.mark.parametrize(
    ("reports", "machines", "expected"),
    [
        ("", [False], "read"),
        ("clicks", [True], "machine"),
        ("", [True, False], "read"),
        ("", [False, True], "read"),
        ("", [None], None),
        ("opens,clicks", [False], None),
    ],
)
async def test_a_providers_open_counts_where_our_pixel_does_not(
    world: Client, database: Database, reports: str, machines: Sequence[bool | None], expected: str | None
) -> None:
    reply = await mailed_reply(database, reports=reports)
    for number, machine in enumerate(machines):
        await tell(world, reply, "opened", machine=machine, timestamp=1_763_600_000 + number)
    state, words = await seen(database, reply)
    assert state == expected
    assert ("Generic JSON says" in words) is (expected is not None)
    assert len(await events(database)) == len(machines)


async def test_who_refused_tracking_is_not_read_by_the_provider_either(world: Client, database: Database) -> None:
    reply = await mailed_reply(database, reports="")
    async with database.transaction() as conn:
        await conn.execute("UPDATE contacts SET tracking = 'refused'")
        await conn.execute(
            "INSERT INTO contact_addresses (contact_id, email, created_at) SELECT id, email, created_at FROM contacts"
        )
    await tell(world, reply, "opened", machine=False)
    await tell(world, reply, "clicked", url="https://x.example")
    assert await events(database) == []
    assert await seen(database, reply) == (None, "")
    await tell(world, reply, "delivered")
    assert len(await events(database)) == 1


async def test_of_people_who_were_erased_nothing_is_added(
    world: Client, database: Database, reply: MailedReply
) -> None:
    await set_copy(database, reply.recipients[0].id, erased_at=utcnow(), email="erased-1@invalid")
    await tell(world, reply, "delivered")
    assert await events(database) == []


# --- self-test and pages ----------------------------------------------------------------------------------------------


async def test_the_self_test_of_every_provider_passes_and_keeps_nothing(
    database: Database, plugin: DeliveryEvents, world: Client
) -> None:
    steps = await plugin.test()
    assert [step for step in steps if not step.ok] == []
    assert {f"{one.label} sample" for one in PROVIDERS.values()} <= {step.name for step in steps}
    assert await events(database) == []
    assert await failures(database) == []
    assert (await plugin.check())[-1].message == "no event so far"


async def test_the_pages_say_how_each_provider_does(
    admin: Client, world: Client, database: Database, reply: MailedReply
) -> None:
    assert (await send(world, "sendgrid", bounce(SENDERS[0], reply)))[0] == 200
    assert (await send(world, "sendgrid", bounce(SENDERS[0], reply, tracking_id="A" * 54)))[0] == 200
    assert (await send(world, "sendgrid", SENDERS[0].sign(post([7]), False)))[0] == 200
    assert (await send(world, "sendgrid", SENDERS[0].sign(post([]), True)))[0] == 401
    overview = await (await get(admin, "/admin/modules/delivery/providers")).get_data(as_text=True)
    assert all(one.label in overview for one in PROVIDERS.values())
    page = await (await get(admin, "/admin/modules/delivery/providers/sendgrid")).get_data(as_text=True)
    for words in (
        "http://portal.test/api/delivery/sendgrid",
        "Last event",
        "Bounced for good",
        "1 of 2 are of no mail of this portal",
        "Event 1: must be a JSON object, got a number.",
        "The signature does not fit body and key",
        "choose SendGrid under",
    ):
        assert words in page
    for one in PROVIDERS.values():
        answer = await get(admin, f"/admin/modules/delivery/providers/{one.slug}")
        assert answer.status_code == 200
    assert (await get(admin, "/admin/modules/delivery/providers/nobody")).status_code == 404
    tested = await post_form(admin, "/admin/modules/delivery/providers/sendgrid/test")
    assert "All 5 steps are good" in await tested.get_data(as_text=True)
    assert len(await events(database)) == 2
    assert (await world.get("/admin/modules/delivery/providers", headers={"Host": "portal.test"})).status_code == 303


async def test_a_closed_provider_says_so_on_its_page(admin: Client) -> None:
    await modules.save("delivery", {}, user=None, cleared={"postmark_secret"})
    page = await (await get(admin, "/admin/modules/delivery/providers/postmark")).get_data(as_text=True)
    assert "Closed: no secret is set" in page
    assert "#f-postmark_secret" in page
    tested = await post_form(admin, "/admin/modules/delivery/providers/postmark/test")
    assert "One step of 1 failed" in await tested.get_data(as_text=True)


async def test_no_page_shows_a_secret(admin: Client) -> None:
    for path in ("/admin/modules/delivery", "/admin/modules/delivery/providers/postmark"):
        assert SECRET not in await (await get(admin, path)).get_data(as_text=True)


# --- people's data ----------------------------------------------------------------------------------------------------


async def test_events_are_given_out_and_erased(
    world: Client, database: Database, reply: MailedReply, plugin: DeliveryEvents
) -> None:
    ann = await mailed_reply(database, "ann@example.org", ticket_id=reply.ticket_id)
    await tell(world, reply, "delivered")
    await tell(world, ann, "delivered")
    unknown = {"event": "bounced", "email": "bob@example.org", "message_id": "<other@x.example>"}
    assert (await world.post("/api/delivery/generic", json=unknown, headers=HEADERS)).status_code == 200
    bad = {"event": "exploded", "email": "bob@example.org"}
    assert (await world.post("/api/delivery/generic", json=bad, headers=HEADERS)).status_code == 422
    bob = ContactData(1, "Bob", ("bob@example.org",), (reply.recipients[0].id,))
    given = await plugin.export_contact(bob)
    assert [row["kind"] for row in given["delivery_events"]] == ["delivered", "bounced"]
    assert len(given["delivery_events_that_could_not_be_read"]) == 1
    while not (await plugin.erase_contact(bob)).done:
        pass
    assert [row["recipient_id"] for row in await events(database)] == [ann.recipients[0].id]
    assert await failures(database) == []


async def test_what_is_old_goes(world: Client, database: Database, reply: MailedReply, plugin: DeliveryEvents) -> None:
    await tell(world, reply, "delivered")
    assert (await send(world, "mailgun", bounce(SENDERS[1], reply)))[0] == 200
    assert (await send(world, "mailgun", post({"signature": {}})))[0] == 401

    async def purge(days: int) -> dict[str, int]:
        total: dict[str, int] = {}
        while True:
            work = await personal.purge(database, keep_days=60, keep_raw_days=30, now=utcnow() + timedelta(days=days))
            for name, number in work.counts.items():
                total[name] = total.get(name, 0) + number
            if work.done:
                return total

    assert await purge(1) == {}
    async with database.transaction() as conn:
        await conn.execute(
            "UPDATE delivery_events SET received_at = received_at - INTERVAL 25 DAY WHERE kind = 'bounced'"
        )
    assert await purge(29) == {"delivery events as they came": 1, "tokens of delivery events": 1}
    assert await purge(31) == {"delivery events as they came": 1, "failures of delivery events": 1}
    assert [row["raw"] for row in await events(database)] == ["", ""]
    assert await purge(61) == {"delivery events": 2}
    assert (await plugin.purge_old()).done


async def test_people_are_told_who_tells(plugin: DeliveryEvents, delivery: Quart) -> None:
    [told] = plugin.privacy_disclosure()
    assert "SendGrid, Mailgun" in told.text
    assert "deleted after 730 days" in told.text
    await modules.set_enabled("delivery", enabled=False, user=None)
    assert "We do not ask" in plugin.privacy_disclosure()[0].text
