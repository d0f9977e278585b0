"""A person who is erased: what waits of them is not sent, and the account stays exact; their export says what became of
each event."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from app.hookspecs import ContactData
from app.runtime import Runtime
from plugins.plausible import personal
from plugins.plausible.sync import outbox
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.recording import rows
from tests.plausible.sync.conftest import World
from tests.support.opens import APPLE_AHEAD

TODAY = date(2026, 11, 26)


async def person(portal: Runtime, *tracking_ids: str) -> ContactData:
    """Whom these copies went to."""
    found = await rows(portal.database, "SELECT id, tracking_id FROM email_recipients ORDER BY id")
    ids = tuple(row["id"] for row in found if row["tracking_id"] in tracking_ids)
    return ContactData(7, "Quirina", ("q@customer.test",), ids)


async def erase(portal: Runtime, contact: ContactData) -> dict[str, int]:
    """Call the module until it is done, as the worker does; what went."""
    total: dict[str, int] = {}
    while True:
        work = await personal.erase(portal.database, contact, machines=False, day=TODAY)
        for name, number in work.counts.items():
            total[name] = total.get(name, 0) + number
        if work.done:
            return total


async def totals(world: World) -> dict[str, int]:
    """The account without what is zero."""
    found = await world.account()
    return {outcome.value: found.totals[outcome] for outcome in Outcome if found.totals[outcome]}


async def test_what_waits_of_them_leaves_under_its_own_reason(
    world: World, portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.plausible.sync.erasing.SWEEP", 2)
    sent, *waiting, machine = await world.read(1) + await world.read(3) + await world.read(1, user_agent=APPLE_AHEAD)
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_outbox AS o JOIN email_recipients AS r ON r.id = o.recipient_id "
            "SET o.next_attempt_at = UTC_TIMESTAMP(6) + INTERVAL IF(r.tracking_id = %(sent)s, -60, 600) SECOND",
            {"sent": sent},
        )
    await world.worker().run()
    assert await totals(world) == {"accepted": 1, "waiting": 4}
    [other] = await world.read(1)

    assert await erase(portal, await person(portal, sent, *waiting, machine)) == {
        personal.WAITING: 4, "opens and clicks": 5,
    }  # fmt: skip
    assert await totals(world) == {"accepted": 1, "erased": 3, "no_person": 1, "waiting": 1}
    [left] = await rows(
        portal.database,
        "SELECT r.tracking_id FROM email_tracking_outbox AS o JOIN email_recipients AS r ON r.id = o.recipient_id",
    )
    assert left["tracking_id"] == other, "somebody else's stays"
    [day] = await rows(portal.database, "SELECT day, words FROM email_tracking_sync_days WHERE outcome = 'erased'")
    assert (day["day"], day["words"]) == (TODAY, "the recipient was erased while it waited")
    await world.run()
    assert len(world.posts) == 2, "the one before, and somebody else's"
    assert await erase(portal, await person(portal, sent, *waiting)) == {}, "twice does no harm"


async def test_one_that_is_being_sent_is_waited_for(
    world: World, portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "ANSWER_WAIT", 0.02)
    copies = await world.read(1)
    contact = await person(portal, *copies)
    async with portal.database.transaction() as conn:
        [claimed] = await outbox.claim(conn, owner="a", limit=1)
    erasing = asyncio.create_task(erase(portal, contact))
    await asyncio.sleep(0.15)
    assert not erasing.done(), "nobody knows yet what became of it"
    async with portal.database.transaction() as conn:
        finished = outbox.Finished(claimed, Outcome.ACCEPTED, "email_open")
        assert await outbox.finish(conn, [finished], owner="a", day=TODAY, now=world.now()) == 1
    assert await asyncio.wait_for(erasing, 5) == {"opens and clicks": 1}
    assert await totals(world) == {"accepted": 1}


async def test_one_whose_worker_died_is_ambiguous_also_with_the_module_off(world: World, portal: Runtime) -> None:
    contact = await person(portal, *await world.read(1))
    async with portal.database.transaction() as conn:
        await outbox.claim(conn, owner="a", limit=1)
        conn.later("UPDATE email_tracking_outbox SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    assert await erase(portal, contact) == {"opens and clicks": 1}
    assert await totals(world) == {"ambiguous": 1}
    assert await rows(portal.database, "SELECT id FROM email_tracking_outbox") == []


async def test_the_export_says_what_became_of_each_event(world: World, portal: Runtime) -> None:
    [first] = await world.read(1)
    await world.run()
    [second] = await world.read(1)
    found = await personal.export(portal.database, await person(portal, first, second))
    told = [
        (row["plausible_outcome"], row["plausible_attempts"], row["plausible_sent_at"] is not None,
         row["plausible_next_attempt_at"] is not None)
        for row in found["opens_and_clicks"]
    ]  # fmt: skip
    assert told == [("accepted", 1, True, False), ("waiting", 0, False, True)]
