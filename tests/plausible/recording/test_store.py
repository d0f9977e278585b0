"""Events and their sums, in a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.database import Database, utcnow
from app.hookspecs import Recipient
from app.receipts import service as receipts
from app.runtime import Runtime
from plugins.plausible.events import CLICK, OPEN, Kind
from tests.plausible.recording import count, event, rows, stored
from tests.receipts.builders import last_receipt, mailed_reply
from tests.support.live import published
from tests.support.reader import THUNDERBIRD


async def events(db: Database) -> int:
    return await count(db, "email_tracking_events")


async def reply_row(db: Database, reply_id: int) -> dict[str, Any]:
    [row] = await rows(
        db,
        f"SELECT email_opened_at, email_open_count FROM ticket_replies WHERE id = {reply_id}",  # noqa: S608
    )
    return row


async def test_an_open_is_stored_with_its_sums_and_turns_the_badge(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    at = utcnow()

    assert await stored(portal, event(bob.tracking_id, at=at, ip_address="203.0.113.0"))

    [row] = await rows(portal.database, "SELECT * FROM email_tracking_events")
    assert (row["tracking_id"], row["recipient_id"], row["event_type"]) == (bob.tracking_id, bob.id, "open")
    assert (row["user_agent"], row["ip_address"], row["event_url"]) == (THUNDERBIRD, "203.0.113.0", None)
    assert (row["class"], row["rule"], float(row["confidence"])) == ("human", "mail-program", 0.9)
    assert row["reason"] == "opened in Thunderbird"
    assert (row["occurred_at"], row["plausible_sent"], row["plausible_sent_at"]) == (at, 0, None)
    assert await reply_row(portal.database, reply.reply_id) == {"email_opened_at": at, "email_open_count": 1}
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].word == "Read"
    assert await last_receipt(portal.database, reply.ticket_id) == "read"
    assert {event.topic for event in await published(portal.database)} == {f"ticket:{reply.ticket_id}", "tickets"}


async def test_a_click_shows_that_the_mail_was_read_but_is_no_open(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    assert await stored(portal, event(reply.recipients[0].tracking_id, CLICK))
    [sums] = await rows(portal.database, "SELECT * FROM email_tracking_recipients")
    assert (sums["open_count"], sums["first_opened_at"], sums["click_count"]) == (0, None, 1)
    row = await reply_row(portal.database, reply.reply_id)
    assert (row["email_opened_at"], row["email_open_count"]) == (sums["first_clicked_at"], 0)
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_the_sums_equal_the_events_whatever_their_order(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "ann@example.org")
    bob, ann = reply.recipients
    noon = utcnow().replace(microsecond=5)
    seen: list[tuple[int, Recipient, Kind]] = [(3, bob, OPEN), (1, bob, OPEN), (9, ann, OPEN)]
    for minutes, recipient, kind in [*seen, (7, bob, CLICK), (5, bob, CLICK)]:
        assert await stored(portal, event(recipient.tracking_id, kind, at=noon + timedelta(minutes=minutes)))

    summed = await rows(
        portal.database,
        """
        SELECT recipient_id,
               CAST(SUM(event_type = 'open') AS SIGNED) AS open_count,
               MIN(IF(event_type = 'open', occurred_at, NULL)) AS first_opened_at,
               MAX(IF(event_type = 'open', occurred_at, NULL)) AS last_opened_at,
               CAST(SUM(event_type = 'click') AS SIGNED) AS click_count,
               MIN(IF(event_type = 'click', occurred_at, NULL)) AS first_clicked_at,
               MAX(IF(event_type = 'click', occurred_at, NULL)) AS last_clicked_at
          FROM email_tracking_events GROUP BY recipient_id ORDER BY recipient_id
        """,
    )
    columns = ", ".join(summed[0])
    assert summed == await rows(
        portal.database,
        f"SELECT {columns} FROM email_tracking_recipients ORDER BY recipient_id",  # noqa: S608
    )
    assert summed[0]["first_opened_at"] == noon + timedelta(minutes=1)
    assert await reply_row(portal.database, reply.reply_id) == {
        "email_opened_at": noon + timedelta(minutes=1),
        "email_open_count": 3,
    }


async def test_opens_at_the_same_time_are_all_counted(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "ann@example.org")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(stored(portal, event(recipient.tracking_id, kind)))
            for recipient in reply.recipients
            for kind in (OPEN, CLICK)
            for _ in range(5)
        ]
    assert len(tasks) == 20
    assert await events(portal.database) == 20
    sums = await rows(portal.database, "SELECT open_count, click_count FROM email_tracking_recipients")
    assert [(row["open_count"], row["click_count"]) for row in sums] == [(5, 5), (5, 5)]
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 10


@pytest.mark.parametrize("tracking_id", ["u" * 43, "", "x", "y" * 5000, "a' OR 1=1 -- aaaaaaaa"])
async def test_an_unknown_id_is_stored_nowhere(portal: Runtime, tracking_id: str) -> None:
    await mailed_reply(portal.database)
    assert not await stored(portal, event(tracking_id))
    assert await events(portal.database) == 0


async def test_an_id_is_compared_exactly(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    assert not await stored(portal, event(reply.recipients[0].tracking_id.swapcase()))
    assert await events(portal.database) == 0


async def test_a_copy_that_went_out_untracked_records_nothing(portal: Runtime) -> None:
    untracked = await mailed_reply(portal.database, reports="")
    switched_off = await mailed_reply(portal.database, enable_tracking=False)
    for reply in (untracked, switched_off):
        assert not await stored(portal, event(reply.recipients[0].tracking_id))
    assert await events(portal.database) == 0


async def test_an_event_that_is_told_twice_counts_once(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    once = event(reply.recipients[0].tracking_id)
    assert await stored(portal, once)
    assert await stored(portal, once)
    assert await events(portal.database) == 1
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 1
