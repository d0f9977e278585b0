"""Copies that are classified again: pending clicks, deliveries that became known, floods, all history."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.database import Connection, utcnow
from app.hookspecs import Recipient
from app.receipts import service as receipts
from app.runtime import Runtime
from app.services.receipts import MachineOpen, note_machine_opens
from plugins.plausible.events import CLICK, TrackingEvent
from plugins.plausible.recording import rejudge
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.history import WINDOW
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.rejudge import Progress, mark_due, reclassify, settle_due
from plugins.plausible.recording.store import Store
from tests.plausible.recording import SCANNER, count, event, rows
from tests.receipts.builders import MailedReply, mailed_reply, set_copy
from tests.support.reader import THUNDERBIRD

AROUND = Surroundings()


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


async def put(portal: Runtime, *events: TrackingEvent) -> None:
    assert set((await Store(portal.database, KnownCopies()).put(events)).values()) == {"stored"}


async def sums(portal: Runtime) -> dict[str, Any]:
    [row] = await rows(portal.database, "SELECT * FROM email_tracking_recipients")
    return row


async def word(portal: Runtime, reply: MailedReply) -> str:
    return (await receipts.badges([reply.reply_id]))[reply.reply_id].word


async def run(portal: Runtime, since: datetime | None = None, *, afresh: bool = False) -> Progress:
    found = [one async for one in reclassify(portal.database, AROUND, since=since, afresh=afresh)]
    assert found[-1].done
    return found[-1]


async def day_totals(portal: Runtime) -> dict[str, int]:
    found = await rows(
        portal.database,
        """
        SELECT class, CAST(SUM(events) AS SIGNED) AS events FROM email_tracking_daily
         GROUP BY class HAVING events <> 0
        """,
    )
    return {row["class"]: row["events"] for row in found}


async def just_sent(portal: Runtime, reply: MailedReply, seconds: float) -> Recipient:
    [bob] = reply.recipients
    await set_copy(portal.database, bob.id, sent_at=utcnow() - timedelta(seconds=seconds))
    return bob


async def test_a_click_just_after_delivery_is_settled_by_the_job_whoever_runs_it(
    portal: Runtime, reply: MailedReply
) -> None:
    bob = await just_sent(portal, reply, 9)
    await put(portal, event(bob.tracking_id, CLICK))
    assert (await sums(portal))["pending_until"] is not None
    assert await word(portal, reply) == "Sent"
    assert await settle_due(portal.database, AROUND) == 0

    def later() -> datetime:
        return utcnow() + timedelta(seconds=31)

    settled = await asyncio.gather(*(settle_due(portal.database, AROUND, now=later) for _ in range(3)))
    assert sum(settled) == 1
    assert (await sums(portal))["pending_until"] is None
    assert await word(portal, reply) == "Read"
    assert await settle_due(portal.database, AROUND, now=later) == 0


async def test_requests_that_came_before_the_delivery_was_known_are_judged_by_it(
    portal: Runtime, reply: MailedReply
) -> None:
    [bob] = reply.recipients
    await set_copy(portal.database, bob.id, sent_at=None, state="sending")
    store = Store(portal.database, KnownCopies())
    await store.put([event(bob.tracking_id)])
    assert await word(portal, reply) == "Read"
    await set_copy(portal.database, bob.id, sent_at=utcnow() + timedelta(seconds=60), state="sent")
    async with portal.database.transaction() as conn:
        await mark_due(conn, bob.id, now=utcnow())
    assert await settle_due(portal.database, AROUND) == 1
    assert (await sums(portal))["state"] == "machine"
    assert await word(portal, reply) == "Opened by a machine"
    # Also the process that had remembered the copy knows.
    await store.put([event(bob.tracking_id, at=utcnow() + timedelta(seconds=120))])
    assert await word(portal, reply) == "Read"


async def test_a_job_that_finds_a_copy_gone_does_not_find_it_again(portal: Runtime, reply: MailedReply) -> None:
    await put(portal, event(reply.recipients[0].tracking_id))
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_recipients SET recipient_id = 987654321, pending_until = '2001-01-01'"
        )
    assert await settle_due(portal.database, AROUND) == 1
    assert await settle_due(portal.database, AROUND) == 0


async def test_a_flood_is_looked_at_as_a_whole_a_little_later(portal: Runtime, reply: MailedReply) -> None:
    [bob] = reply.recipients
    start = utcnow() - timedelta(minutes=5)
    flood = [
        event(bob.tracking_id, at=start + timedelta(milliseconds=333 * one), user_agent=f"{THUNDERBIRD} ({one})")
        for one in range(WINDOW + 100)
    ]
    await put(portal, *flood)
    found = await sums(portal)
    assert (found["event_count"], found["open_count"]) == (WINDOW + 100, WINDOW + 100)
    assert found["pending_until"] is not None
    assert await settle_due(portal.database, AROUND, now=lambda: utcnow() + timedelta(seconds=20)) == 1
    assert (await sums(portal))["pending_until"] is None
    assert sum((await day_totals(portal)).values()) == WINDOW + 100
    [row] = await rows(portal.database, "SELECT COUNT(*) AS none FROM email_tracking_events WHERE class = ''")
    assert row["none"] == 0


async def test_two_processes_that_judge_the_same_copy_at_once_come_to_the_same(
    portal: Runtime, reply: MailedReply
) -> None:
    [bob] = reply.recipients
    stores = [Store(portal.database, KnownCopies()) for _ in range(2)]
    start = utcnow() - timedelta(minutes=5)
    events = [
        event(
            bob.tracking_id, at=start + timedelta(seconds=7 * one + one % 3), user_agent=(THUNDERBIRD, SCANNER)[one % 2]
        )
        for one in range(40)
    ]
    await asyncio.gather(*(stores[place % 2].put([one], lane=place % 2) for place, one in enumerate(events)))
    before = await sums(portal)
    assert (before["event_count"], before["person_opens"], before["machine_opens"]) == (40, 20, 20)
    assert (await run(portal)).badges == 0
    after = await sums(portal)
    assert {name: after[name] for name in before if name != "version"} == {
        name: before[name] for name in before if name != "version"
    }


async def test_all_history_is_classified_again_and_says_how_many_badges_changed(portal: Runtime) -> None:
    replies = [await mailed_reply(portal.database, "bob@example.org", "ann@example.org") for _ in range(30)]
    await put(portal, *(event(one.tracking_id) for reply in replies for one in reply.recipients))
    # As if an earlier release had taken everything for a person, and half of it was none.
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_events SET user_agent = %(agent)s WHERE recipient_id %% 2 = 0", {"agent": SCANNER}
        )
    found = await run(portal)
    assert (found.copies, found.events, found.badges, found.resumed) == (60, 60, 30, False)
    assert await day_totals(portal) == {"human": 30, "scanner": 30}
    words = [badge.word for badge in (await receipts.badges([one.reply_id for one in replies])).values()]
    assert words == ["Read by 1 of 2"] * 30
    opened = await rows(portal.database, "SELECT email_open_count, email_opened_at FROM ticket_replies")
    assert all(row["email_open_count"] == 2 and row["email_opened_at"] is not None for row in opened)
    assert (await run(portal)).badges == 0
    assert await count(portal.database, "email_tracking_reclassify") == 0


async def test_a_reading_that_was_none_is_taken_back_from_the_reply(portal: Runtime, reply: MailedReply) -> None:
    await put(portal, event(reply.recipients[0].tracking_id))
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_events SET user_agent = %(agent)s", {"agent": SCANNER})
    assert (await run(portal)).badges == 1
    [row] = await rows(portal.database, f"SELECT email_opened_at FROM ticket_replies WHERE id = {reply.reply_id}")  # noqa: S608
    assert row["email_opened_at"] is None
    assert await word(portal, reply) == "Opened by a machine"


async def test_a_run_that_was_cut_short_goes_on(portal: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudge, "LARGEST", 3)
    replies = [await mailed_reply(portal.database) for _ in range(70)]
    await put(portal, *(event(one.recipients[0].tracking_id) for one in replies))
    first = await anext(reclassify(portal.database, AROUND))
    assert 0 < first.copies < 70
    rest = await run(portal)
    assert (rest.copies, rest.resumed) == (70, True)
    other = await anext(reclassify(portal.database, AROUND))
    assert (await run(portal, afresh=True)).resumed is False
    assert other.copies > 0


async def test_only_copies_that_were_asked_for_since_then(portal: Runtime, reply: MailedReply) -> None:
    await put(portal, event(reply.recipients[0].tracking_id, at=utcnow() - timedelta(days=3)))
    other = await mailed_reply(portal.database)
    await put(portal, event(other.recipients[0].tracking_id, CLICK))
    assert (await run(portal, utcnow() - timedelta(days=1))).copies == 1
    assert (await run(portal, utcnow() - timedelta(days=9))).copies == 2


async def test_recording_goes_on_while_history_is_classified(portal: Runtime) -> None:
    replies = [await mailed_reply(portal.database) for _ in range(20)]
    ids = [one.recipients[0].tracking_id for one in replies]
    await put(portal, *map(event, ids))
    store = Store(portal.database, KnownCopies())

    async def record() -> None:
        for _ in range(10):
            await store.put([event(one) for one in ids])

    await asyncio.gather(record(), run(portal), run_again(portal))
    [row] = await rows(
        portal.database, "SELECT CAST(SUM(person_opens) AS SIGNED) AS found FROM email_tracking_recipients"
    )
    assert row["found"] == 20 * 11
    assert await day_totals(portal) == {"human": 20 * 11}


async def run_again(portal: Runtime) -> None:
    async with portal.database.transaction() as conn:
        await all_due(conn)
    await settle_due(portal.database, AROUND)


async def all_due(conn: Connection) -> None:
    await conn.execute("UPDATE email_tracking_recipients SET pending_until = '2001-01-01', version = version + 1")


async def test_what_the_mail_provider_says_of_machines_takes_a_reading_back(
    portal: Runtime, reply: MailedReply
) -> None:
    opened = event(reply.recipients[0].tracking_id)
    await put(portal, opened)
    assert await word(portal, reply) == "Read"
    async with portal.database.transaction() as conn:
        flag = MachineOpen(reply.recipients[0].id, opened.occurred_at + timedelta(seconds=4), "sendgrid")
        await note_machine_opens(conn, [flag, flag])
    assert await rejudge.mark_flagged(portal.database) == 1
    assert await rejudge.mark_flagged(portal.database) == 0
    assert await settle_due(portal.database, AROUND) == 1
    assert await word(portal, reply) == "Opened by a machine"
    assert (await sums(portal))["words"]
    [stored] = await rows(portal.database, "SELECT rule, reason FROM email_tracking_events")
    assert stored == {"rule": "flagged", "reason": "the mail provider says that a machine opened it then"}
