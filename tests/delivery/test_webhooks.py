"""Every provider alike: what is genuine is kept and shown, what is not is refused and changes nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database
from app.services import modules
from tests.delivery.senders import MAILGUN_KEY, SENDERS, SETTINGS, Sender, dumps, post, sign_mailgun, sign_sns
from tests.delivery.sending import bounce, events, failures, fate, send
from tests.receipts.builders import MailedReply, mailed_reply

every = pytest.mark.parametrize("sender", SENDERS, ids=lambda one: one.slug)
signing = pytest.mark.parametrize("sender", [one for one in SENDERS if one.covers_body], ids=lambda one: one.slug)
timed = pytest.mark.parametrize(
    "sender", [one for one in SENDERS if one.covers_time or one.slug == "mailgun"], ids=lambda one: one.slug
)
DEEP = b"[" * 100_000 + b"]" * 100_000


@every
async def test_a_genuine_bounce_is_kept_once_and_reaches_the_badge(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    given = bounce(sender, reply)
    assert await send(world, sender.slug, given) == (200, {"status": "success", "message": "Event recorded"})
    assert (await send(world, sender.slug, given))[0] == 200
    [event] = await events(database)
    assert (event["provider"], event["kind"], event["bounce"]) == (sender.slug, "bounced", "hard")
    assert event["recipient_id"] == reply.recipients[0].id
    assert event["reason"]
    assert json.loads(event["raw"])
    assert event["happened_at"].year == 2026 or event["happened_at"] <= datetime.now(UTC)
    assert await fate(database, reply) == "bounced"


@every
async def test_a_wrong_key_is_refused_and_counted(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    copy = reply.recipients[0]
    given = sender.sign(post(sender.bounce(copy.tracking_id, copy.email, "1")), True)
    if sender.slug in {"postmark", "brevo", "sparkpost", "mailjet", "generic"}:
        assert "secret" in (await send(world, sender.slug, given))[1]["message"]
    status, answer = await send(world, sender.slug, given)
    assert (status, answer["status"]) == (401, "error")
    assert await events(database) == []
    assert await fate(database, reply) is None
    [failure] = await failures(database)
    assert failure["raw"] == ""


@signing
async def test_a_tampered_body_is_refused(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    given = bounce(sender, reply, email="eve@example.org")
    status, _ = await send(world, sender.slug, replace(given, body=given.body.replace(b"eve@", b"bob@")))
    assert status == 401
    assert await events(database) == []


@timed
@pytest.mark.parametrize("off", [-timedelta(days=3), timedelta(hours=2)], ids=["stale", "future"])
async def test_a_genuine_signature_of_another_time_is_refused(
    world: Client, database: Database, reply: MailedReply, sender: Sender, off: timedelta
) -> None:
    copy = reply.recipients[0]
    given = sender.sign(post(sender.bounce(copy.tracking_id, copy.email, "1"), at=datetime.now(UTC) + off), False)
    assert (await send(world, sender.slug, given))[0] == 401
    assert await events(database) == []


@every
async def test_without_its_proof_nothing_is_taken(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    given = bounce(sender, reply)
    headers = {name: value for name, value in (given.headers or {}).items() if name.lower() != sender.header.lower()}
    body = given.body
    if not sender.header:
        found = json.loads(body)
        found.pop("signature", None)
        found.pop("Signature", None)
        body = dumps(found)
    status, answer = await send(world, sender.slug, replace(given, body=body, headers=headers))
    assert (status, answer["status"]) == (401, "error")
    assert await events(database) == []


@every
async def test_a_provider_without_a_secret_is_closed(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    names = {name for name in SETTINGS if name.startswith(sender.slug)}
    plain = {name: "" for name in names if name in {"sendgrid_key", "ses_topics"}}
    await modules.save("delivery", plain, user=None, cleared=names - set(plain))
    status, answer = await send(world, sender.slug, bounce(sender, reply))
    assert status == 403
    assert answer["message"].startswith("Closed: no secret")
    assert await events(database) == []


@every
async def test_hostile_bodies_are_refused_and_never_break(world: Client, database: Database, sender: Sender) -> None:
    good = sender.bounce("x" * 43, "bob@example.org", "1")
    signed = sender.sign(post(good), False)
    kept = {name: value for name, value in (signed.headers or {}).items() if name == "Authorization"}
    for body, expected in ((b"{", {400, 401}), (DEEP, {400, 401}), (b"\xff\xfe\x00", {400, 401}), (b"", {400, 401})):
        given = replace(signed, body=body, headers=kept)
        assert (await send(world, sender.slug, given))[0] in expected
    big = replace(signed, body=b" " * 10_000_000)
    status, answer = await send(world, sender.slug, big)
    assert (status, answer["status"]) == (413, "error")
    other = replace(signed, content_type="application/xml")
    status, answer = await send(world, sender.slug, other)
    assert status == 415
    assert "application/json" in answer["message"]
    if sender.slug not in {"mailgun", "ses"}:
        status, answer = await send(world, sender.slug, sender.sign(post(DEEP), False))
        assert (status, answer["status"]) == (400, "error")
    assert await events(database) == []


@every
async def test_events_of_unknown_mails_and_of_strangers_are_kept_and_change_nothing(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    await mailed_reply(database, "ann@example.org", ticket_id=reply.ticket_id)
    for changes in ({"tracking_id": "A" * 54}, {"email": "ann@example.org"}):
        assert (await send(world, sender.slug, bounce(sender, reply, **changes)))[0] == 200
    assert [(one["recipient_id"], one["unmatched"]) for one in await events(database)] == [
        (None, "unknown"),
        (None, "stranger"),
    ]
    assert await fate(database, reply) is None


@every
async def test_nul_and_half_characters_are_kept_as_far_as_they_can_be(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    copy = reply.recipients[0]
    body = dumps(sender.bounce(copy.tracking_id, copy.email, "1"))
    for word in (b"no such user", b"mailbox does not exist", b"user unknown"):
        body = body.replace(word, b"\\u0000 no \\ud800 such \\udfff user \\u2028")
    status, _ = await send(world, sender.slug, sender.sign(post(body), False))
    assert status == 200
    [event] = await events(database)
    assert "such" in event["reason"]
    assert "\x00" not in event["reason"]
    assert await fate(database, reply) == "bounced"


@pytest.mark.parametrize("sender", [one for one in SENDERS if one.is_list], ids=lambda one: one.slug)
async def test_bad_members_never_cost_the_good_ones(
    world: Client, database: Database, reply: MailedReply, sender: Sender
) -> None:
    copy = reply.recipients[0]
    [good] = sender.bounce(copy.tracking_id, copy.email, "good")
    [odd] = sender.bounce(copy.tracking_id, copy.email, "odd")
    inner = next(iter(odd["msys"].values())) if "msys" in odd else odd
    inner.update({"timestamp": 10**30, "time": "1e999"})
    deep: object = "x"
    for _ in range(100):
        deep = [deep]
    members = [None, 7, "x", [], {}, {"msys": None}, {**good, "deep": deep}, odd, good]
    status, answer = await send(world, sender.slug, sender.sign(post(members), False))
    assert status == 200
    assert "could not be read" in answer["message"]
    assert await fate(database, reply) == "bounced"
    kept = await events(database)
    assert len([one for one in kept if one["kind"] == "bounced"]) == 2
    found = await failures(database)
    assert len(found) >= 5
    assert any("nested deeper" in one["reason"] for one in found)
    assert all(one["raw"] for one in found)


async def test_a_batch_of_a_thousand_is_kept(world: Client, database: Database, reply: MailedReply) -> None:
    [sender, *_] = SENDERS
    copy = reply.recipients[0]
    members = [sender.bounce(copy.tracking_id, copy.email, f"n{number}")[0] for number in range(1000)]
    given = sender.sign(post(members), False)
    assert await send(world, sender.slug, given) == (
        200,
        {"status": "success", "message": "1000 events recorded"},
    )
    assert len(await events(database)) == 1000
    assert (await send(world, sender.slug, given))[1]["message"] == "1000 events recorded; 1000 of them known already"
    assert len(await events(database)) == 1000


async def test_a_token_of_mailgun_vouches_for_one_event_only(
    world: Client, database: Database, reply: MailedReply
) -> None:
    sender = SENDERS[1]
    first = bounce(sender, reply, number="first")
    assert (await send(world, "mailgun", first))[0] == 200
    assert (await send(world, "mailgun", first))[0] == 200
    proof = json.loads(first.body)["signature"]
    other = {**json.loads(bounce(sender, reply, number="second").body), "signature": proof}
    status, answer = await send(world, "mailgun", post(other))
    assert status == 401
    assert "another event" in answer["message"]
    assert len(await events(database)) == 1
    again = sign_mailgun(post({"event-data": json.loads(first.body)["event-data"]}), False)
    assert (await send(world, "mailgun", again))[0] == 200
    assert len(await events(database)) == 1


@pytest.mark.parametrize("stamp", ["nan", "inf", "-1", "1e9", "", "٣٣٣"])
async def test_times_of_signatures_are_digits(world: Client, database: Database, stamp: str) -> None:
    signature = hmac.new(MAILGUN_KEY.encode(), f"{stamp}t".encode(), hashlib.sha256).hexdigest()
    body = {"signature": {"timestamp": stamp, "token": "t", "signature": signature}, "event-data": {"id": "1"}}
    assert (await send(world, "mailgun", post(body)))[0] == 401


async def test_while_the_module_is_off_there_is_nothing(world: Client, database: Database, reply: MailedReply) -> None:
    await modules.set_enabled("delivery", enabled=False, user=None)
    assert (await send(world, "generic", bounce(SENDERS[-1], reply)))[0] == 404
    assert (await send(world, "nobody", post({})))[0] == 404
    assert await events(database) == []


async def test_sns_versions_are_not_mixed_up(world: Client, database: Database, reply: MailedReply) -> None:
    copy = reply.recipients[0]
    inner = post(SENDERS[2].bounce(copy.tracking_id, copy.email, "1"))
    envelope = json.loads(sign_sns(inner, False).body)
    envelope["SignatureVersion"] = "1"
    relabelled = replace(inner, body=dumps(envelope), content_type="text/plain")
    assert (await send(world, "ses", relabelled))[0] == 401
    assert (await send(world, "ses", sign_sns(inner, False, version="1")))[0] == 200
    assert await fate(database, reply) == "bounced"


async def test_smtp2gos_signature_does_not_stand_in_for_the_secret(
    world: Client, database: Database, reply: MailedReply
) -> None:
    given = bounce(SENDERS[8], reply)
    headers = {name: value for name, value in (given.headers or {}).items() if name != "Authorization"}
    status, answer = await send(world, "smtp2go", replace(given, headers=headers))
    assert (status, answer["message"]) == (
        401,
        "The header Authorization is missing, so nobody can tell who sent this.",
    )
    assert await events(database) == []
