"""Events and their sums, in a real database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from app.database import Database, utcnow
from app.hookspecs import Recipient
from app.receipts import service as receipts
from app.runtime import Runtime
from plugins.plausible import recorder as recorder_module
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.recorder import Recorder
from tests.receipts.builders import last_receipt, mailed_reply

URL = "https://example.org/guide"


@pytest.fixture
def recorder(portal: Runtime) -> Recorder:
    return Recorder(portal.database, wanted=lambda kind: True)


def event(tracking_id: str, kind: Kind = OPEN, *, at: datetime | None = None, **values: Any) -> TrackingEvent:
    url = URL if kind == CLICK else None
    return TrackingEvent(kind=kind, tracking_id=tracking_id, occurred_at=at or utcnow(), url=url, **values)


async def rows(db: Database, sql: str) -> list[dict[str, Any]]:
    async with db.connection() as conn:
        return await conn.fetch_all(sql)


async def events(db: Database) -> int:
    return len(await rows(db, "SELECT id FROM email_tracking_events"))


async def reply_row(db: Database, reply_id: int) -> dict[str, Any]:
    [row] = await rows(
        db,
        f"SELECT email_opened_at, email_open_count FROM ticket_replies WHERE id = {reply_id}",  # noqa: S608
    )
    return row


async def test_an_open_is_stored_with_its_sums_and_turns_the_badge(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database)
    [bob] = reply.recipients
    at = utcnow()

    assert await recorder.record(event(bob.tracking_id, at=at, user_agent="Mail/1", ip_address="203.0.113.0"))

    [stored] = await rows(portal.database, "SELECT * FROM email_tracking_events")
    assert (stored["tracking_id"], stored["recipient_id"], stored["event_type"]) == (bob.tracking_id, bob.id, "open")
    assert (stored["user_agent"], stored["ip_address"], stored["event_url"]) == ("Mail/1", "203.0.113.0", None)
    assert (stored["occurred_at"], stored["plausible_sent"], stored["plausible_sent_at"]) == (at, 0, None)
    assert await reply_row(portal.database, reply.reply_id) == {"email_opened_at": at, "email_open_count": 1}
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].word == "Read"
    assert await last_receipt(portal.database, reply.ticket_id) == "read"
    assert len(await rows(portal.database, "SELECT id FROM live_events")) == 2


async def test_a_click_shows_that_the_mail_was_read_but_is_no_open(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database)
    assert await recorder.record(event(reply.recipients[0].tracking_id, CLICK))
    [sums] = await rows(portal.database, "SELECT * FROM email_tracking_recipients")
    assert (sums["open_count"], sums["first_opened_at"], sums["click_count"]) == (0, None, 1)
    assert await reply_row(portal.database, reply.reply_id) == {"email_opened_at": None, "email_open_count": 0}
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_the_sums_equal_the_events_whatever_their_order(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "ann@example.org")
    bob, ann = reply.recipients
    noon = utcnow().replace(microsecond=5)
    seen: list[tuple[int, Recipient, Kind]] = [(3, bob, OPEN), (1, bob, OPEN), (9, ann, OPEN)]
    for minutes, recipient, kind in [*seen, (7, bob, CLICK), (5, bob, CLICK)]:
        assert await recorder.record(event(recipient.tracking_id, kind, at=noon + timedelta(minutes=minutes)))

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
    assert await rows(portal.database, "SELECT * FROM email_tracking_recipients ORDER BY recipient_id") == summed
    assert summed[0]["first_opened_at"] == noon + timedelta(minutes=1)
    assert await reply_row(portal.database, reply.reply_id) == {
        "email_opened_at": noon + timedelta(minutes=1),
        "email_open_count": 3,
    }


async def test_opens_at_the_same_time_are_all_counted(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "ann@example.org")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(recorder.record(event(recipient.tracking_id, kind)))
            for recipient in reply.recipients
            for kind in (OPEN, CLICK)
            for _ in range(5)
        ]
    await recorder.close()
    assert len(tasks) == 20
    assert await events(portal.database) == 20
    sums = await rows(portal.database, "SELECT open_count, click_count FROM email_tracking_recipients")
    assert [(row["open_count"], row["click_count"]) for row in sums] == [(5, 5), (5, 5)]
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 10


@pytest.mark.parametrize("tracking_id", ["u" * 43, "", "x", "y" * 5000, "a' OR 1=1 -- aaaaaaaa"])
async def test_an_unknown_id_is_stored_nowhere(portal: Runtime, recorder: Recorder, tracking_id: str) -> None:
    await mailed_reply(portal.database)
    assert not await recorder.record(event(tracking_id))
    assert await events(portal.database) == 0


async def test_an_id_is_compared_exactly(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database)
    assert not await recorder.record(event(reply.recipients[0].tracking_id.swapcase()))
    assert await events(portal.database) == 0


async def test_a_copy_that_went_out_untracked_records_nothing(portal: Runtime, recorder: Recorder) -> None:
    untracked = await mailed_reply(portal.database, reports="")
    switched_off = await mailed_reply(portal.database, enable_tracking=False)
    for reply in (untracked, switched_off):
        assert not await recorder.record(event(reply.recipients[0].tracking_id))
    assert await events(portal.database) == 0


async def test_nothing_is_recorded_of_a_kind_that_is_off(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    recorder = Recorder(portal.database, wanted=lambda kind: kind == CLICK)
    assert not await recorder.record(event(reply.recipients[0].tracking_id, OPEN))
    assert await recorder.record(event(reply.recipients[0].tracking_id, CLICK))
    assert await events(portal.database) == 1


async def test_an_event_that_is_told_twice_counts_once(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database)
    once = event(reply.recipients[0].tracking_id)
    assert await recorder.record(once)
    assert await recorder.record(once)
    assert await events(portal.database) == 1
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 1


async def test_an_event_whose_receipt_fails_leaves_nothing(
    portal: Runtime, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: object, **_values: object) -> None:
        raise LookupError

    reply = await mailed_reply(portal.database)
    monkeypatch.setattr("app.services.receipts.report", broken)
    assert not await recorder.record(event(reply.recipients[0].tracking_id))
    assert await events(portal.database) == 0
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 0


async def test_an_event_is_stored_although_the_mail_client_hangs_up(portal: Runtime, recorder: Recorder) -> None:
    reply = await mailed_reply(portal.database)
    request = asyncio.create_task(recorder.record(event(reply.recipients[0].tracking_id)))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await recorder.close()
    assert await events(portal.database) == 1


async def test_events_beyond_what_can_wait_are_lost_and_logged(
    portal: Runtime, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "GOING_ON", 0)
    reply = await mailed_reply(portal.database)
    with structlog.testing.capture_logs() as logs:
        assert not await recorder.record(event(reply.recipients[0].tracking_id))
    assert [line["event"] for line in logs] == ["event lost: the database does not keep up"]
    assert reply.recipients[0].tracking_id not in str(logs)


async def test_a_mailing_that_everybody_opens_at_once_is_counted_and_leaves_connections_for_agents(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "PATIENCE", 60)
    recorder = Recorder(portal.database, wanted=lambda kind: True, deadline=60)
    reply = await mailed_reply(portal.database, *(f"user{number}@example.org" for number in range(150)))
    async with asyncio.TaskGroup() as group:
        for recipient in reply.recipients:
            group.create_task(recorder.record(event(recipient.tracking_id)))
        await asyncio.sleep(0)
        assert await reply_row(portal.database, reply.reply_id)
    assert await events(portal.database) == 150
    assert (await reply_row(portal.database, reply.reply_id))["email_open_count"] == 150
