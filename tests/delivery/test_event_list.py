"""What providers told, on the portal's list of all events."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database, utcnow
from app.events import asking, service
from app.events.models import EventQuery, ShownEvent
from app.hookspecs import MailEventQuery
from plugins.delivery import event_list
from tests.delivery.test_module import tell
from tests.receipts.builders import MailedReply


def query(**given: str) -> EventQuery:
    return asking.parse(given, today=utcnow().date() + timedelta(days=1))


async def listed(given: dict[str, str], *, limit: int = 50) -> list[ShownEvent]:
    """All pages of what the module tells."""
    found: list[ShownEvent] = []
    after: dict[str, str] = {}
    for _ in range(20):
        page = await service.page(query(source="delivery", **given, **after), zone=UTC, limit=limit)
        found += page.events
        if not page.next:
            return found
        after = {"after": page.next}
    raise AssertionError("there is no end of pages")


@pytest.fixture
async def told(world: Client, reply: MailedReply) -> MailedReply:
    """A reply of which a provider told six things."""
    address = reply.recipients[0].email
    await tell(world, reply, "delivered", email=address)
    await tell(world, reply, "opened", machine=True)
    await tell(world, reply, "deferred", reason="greylisted")
    await tell(world, reply, "bounced", bounce_type="hard", reason="mailbox does not exist")
    await tell(world, reply, "bounced", email="somebody-else@example.org")
    await tell(world, reply, "sent")
    return reply


async def test_each_is_listed_once_with_the_providers_words(told: MailedReply) -> None:
    for limit in (50, 1):
        found = await listed({}, limit=limit)
        kinds = sorted(one.event.kind for one in found)
        assert kinds == ["bounced", "bounced", "deferred", "delivered", "open"]
    words = {one.event.kind: one.event.reason for one in found if one.event.recipient_id}
    assert "mailbox does not exist" in words["bounced"]
    assert words["bounced"].startswith("Hard bounce")
    assert all(one.reply_id == told.reply_id for one in found if one.event.recipient_id)
    stranger = next(one for one in found if one.event.recipient_id is None)
    assert stranger.email == "somebody-else@example.org"
    assert "could be sure of" in stranger.event.reason


async def test_filters_leave_what_was_asked_for(told: MailedReply) -> None:
    address = told.recipients[0].email
    assert [one.event.kind for one in await listed({"type": "deferred"})] == ["deferred"]
    assert {one.event.kind for one in await listed({"recipient": address})} == {
        "bounced", "deferred", "delivered", "open"
    }  # fmt: skip
    assert await listed({"class": "scanner"}) == []


async def test_a_place_that_is_none_is_behind_everything(database: Database, told: MailedReply) -> None:
    whole = MailEventQuery(since=utcnow() - timedelta(days=1), until=utcnow() + timedelta(days=1), limit=10)
    async with database.connection() as conn:
        assert len(await event_list.page(conn, whole)) == 5
        for after in ("x", "1_", "_1", "9" * 40 + "_1"):
            asked = MailEventQuery(whole.since, whole.until, 10, after=after)
            assert await event_list.page(conn, asked) == []
