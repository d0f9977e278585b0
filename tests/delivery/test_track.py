"""The generic JSON, and by what an event finds its mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database
from tests.delivery.senders import SECRET
from tests.delivery.sending import events, fate
from tests.receipts.builders import MailedReply, mailed_reply

HEADERS = {"Authorization": f"Bearer {SECRET}"}


async def track(world: Client, place: str, body: Any, headers: dict[str, str] = HEADERS) -> tuple[int, dict[str, Any]]:
    answer = await world.post(f"/track/{place}", json=body, headers=headers)
    return answer.status_code, await answer.get_json()


async def message_id(database: Database, reply: MailedReply) -> str:
    async with database.connection() as conn:
        found = await conn.fetch_value(
            "SELECT message_id FROM outgoing_emails WHERE id = %(id)s", {"id": reply.mail_id}
        )
    return str(found)


async def test_the_two_addresses_answer_as_documented(world: Client, database: Database, reply: MailedReply) -> None:
    copy = reply.recipients[0]
    body = {
        "tracking_id": copy.tracking_id,
        "event": "delivered",
        "email": copy.email,
        "timestamp": "2026-01-01T12:00:00Z",
    }
    assert await track(world, "delivery/", body) == (200, {"status": "success", "message": "Delivery recorded"})
    assert await fate(database, reply) == "delivered"
    body = {
        "tracking_id": copy.tracking_id,
        "event": "bounced",
        "bounce_type": "hard",
        "reason": "mailbox does not exist",
        "email": copy.email,
    }
    assert await track(world, "bounce/", body) == (200, {"status": "success", "message": "Event recorded"})
    assert await fate(database, reply) == "bounced"
    [delivered, bounced] = await events(database)
    assert (delivered["kind"], delivered["happened_at"].isoformat()) == ("delivered", "2026-01-01T12:00:00+00:00")
    assert (bounced["bounce"], bounced["reason"]) == ("hard", "mailbox does not exist")


async def test_the_event_may_be_left_out(world: Client, database: Database, reply: MailedReply) -> None:
    copy = reply.recipients[0]
    assert (await track(world, "delivery", {"tracking_id": copy.tracking_id}))[0] == 200
    assert (await track(world, "bounce", [{"tracking_id": copy.tracking_id}]))[0] == 200
    assert [(one["kind"], one["bounce"]) for one in await events(database)] == [("delivered", ""), ("bounced", "soft")]


async def test_a_secret_is_needed(world: Client, database: Database, reply: MailedReply) -> None:
    body = {"tracking_id": reply.recipients[0].tracking_id, "event": "bounced"}
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}, {"Authorization": "Digest x"}):
        status, answer = await track(world, "bounce/", body, headers)
        assert (status, answer["status"]) == (401, "error")
    assert await events(database) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"event": "exploded"}, "event must be one of bounced, clicked"),
        ({"event": None}, "event must be one of"),
        ({"bounce_type": "medium"}, "bounce_type must be hard or soft, got 'medium'"),
        ({"timestamp": "yesterday"}, "timestamp must be ISO 8601"),
        ({"timestamp": 10**20}, "timestamp must be ISO 8601"),
        ({"email": "bob"}, "email must be an address"),
        ({"tracking_id": "short"}, "tracking_id must be the id of a copy"),
        ({"tracking_id": None}, "an address alone does not name a mail"),
    ],
)
async def test_what_is_wrong_is_said(
    world: Client, database: Database, reply: MailedReply, changes: dict[str, Any], words: str
) -> None:
    copy = reply.recipients[0]
    good = {"tracking_id": copy.tracking_id, "event": "bounced", "email": copy.email}
    status, answer = await track(world, "bounce/", {**good, **changes})
    assert (status, answer["status"]) == (422, "error")
    assert words in answer["message"]
    status, answer = await track(world, "bounce/", [{**good, **changes}, good])
    assert (status, answer["status"]) == (200, "success")
    assert answer["message"].startswith("1 event recorded; 1 could not be read. Event 1: ")
    assert len(await events(database)) == 1


async def test_message_id_and_recipient_name_a_copy_together(
    world: Client, database: Database, reply: MailedReply
) -> None:
    newer = await mailed_reply(database, "bob@example.org", "ann@example.org", ticket_id=reply.ticket_id)
    mine = await message_id(database, reply)
    for email, expected in (("ann@example.org", "stranger"), ("BOB@Example.org", "")):
        body = {"event": "bounced", "email": email, "message_id": mine}
        assert (await track(world, "bounce/", body))[0] == 200
        assert (await events(database))[-1]["unmatched"] == expected
    assert (await track(world, "bounce/", {"event": "bounced", "email": "bob@example.org", "message_id": "<x@y>"}))[
        0
    ] == 200
    assert (await events(database))[-1]["unmatched"] == "unknown"
    assert await fate(database, reply) == "bounced"
    assert await fate(database, newer) is None


async def test_events_in_every_order_end_with_the_worst(world: Client, database: Database) -> None:
    for order in permutations(["delivered", "bounced", "complained", "deferred"]):
        reply = await mailed_reply(database)
        for number, kind in enumerate(order):
            body = {"tracking_id": reply.recipients[0].tracking_id, "event": kind, "timestamp": 1_763_600_000 + number}
            assert (await track(world, "delivery/", body))[0] == 200
        assert await fate(database, reply) == "complained"


async def test_a_clock_that_is_ahead_does_not_outrank_what_comes_later(
    world: Client, database: Database, reply: MailedReply
) -> None:
    copy = {"tracking_id": reply.recipients[0].tracking_id}
    ahead = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    assert (await track(world, "delivery/", {**copy, "timestamp": ahead}))[0] == 200
    assert await fate(database, reply) == "delivered"
    assert (await track(world, "bounce/", {**copy, "bounce_type": "soft"}))[0] == 200
    assert await fate(database, reply) == "bounced"
