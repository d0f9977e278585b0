"""What waits and what has left is counted once, as what it is judged to be now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.consent import service as consent
from app.contacts import service as contacts
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.rejudge import settle_due
from plugins.plausible.sync import outbox
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.recording import SCANNER, count
from tests.plausible.sync.conftest import World, days

pytestmark = pytest.mark.usefixtures("at_noon")

HOLD = outbox.HOLD
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC)


def test_an_event_is_sent_once_its_reader_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "HOLD", HOLD)
    assert outbox.due(NOON, None, MIDNIGHT) == NOON + timedelta(seconds=60)
    assert outbox.due(NOON, NOON + timedelta(seconds=90), MIDNIGHT) == NOON + timedelta(seconds=90)
    assert outbox.due(NOON, NOON + timedelta(hours=9), MIDNIGHT) == NOON + outbox.LONGEST_HOLD


def test_an_event_is_sent_before_midnight_if_its_hold_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "HOLD", HOLD)
    late = MIDNIGHT - timedelta(minutes=3)
    assert outbox.due(late, late + timedelta(minutes=5), MIDNIGHT) == MIDNIGHT - outbox.LAST_CALL
    last = MIDNIGHT - timedelta(seconds=30)
    assert outbox.due(last, None, MIDNIGHT) == last + outbox.HOLD


def test_the_sites_days_begin_where_it_is() -> None:
    berlin = SiteDays(ZoneInfo("Europe/Berlin"))
    assert berlin.begin(NOON) == datetime(2026, 11, 25, 23, tzinfo=UTC)
    assert berlin.end(NOON) == datetime(2026, 11, 26, 23, tzinfo=UTC)
    # The clocks go back: that day has 25 hours.
    change = datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert berlin.end(change) - berlin.begin(change) == timedelta(hours=25)


async def test_what_machines_did_is_told_apart_while_it_waits(world: World) -> None:
    await world.read(2)
    await world.read(3, user_agent=SCANNER)
    found = await world.check(waiting=5)
    assert found.machines_waiting == 3
    assert found.oldest_waiting is not None


async def test_a_machines_event_of_yesterday_leaves_as_a_machines(world: World) -> None:
    await world.read(2)
    await world.read(3, user_agent=SCANNER)
    world.shift += timedelta(days=1)
    await world.run()
    await world.check(too_old=2, no_person=3)


async def test_a_machines_event_that_was_to_be_sent_is_too_old_like_any(world: World) -> None:
    await world.set(send_machine_events=True)
    await world.read(3, user_agent=SCANNER)
    world.shift += timedelta(days=1)
    await world.run()
    found = await world.account()
    assert found.totals[Outcome.TOO_OLD] == 3


async def _judge_anew(world: World, *, as_if: str, left: bool = False) -> None:
    """Let copies be classified again that an earlier release is said to have classified as `as_if`."""
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_events SET class = %(kind)s, rule = 'earlier'", {"kind": as_if})
        persons, machines = ("0", "1") if as_if == "scanner" else ("1", "0")
        await conn.execute(
            "UPDATE email_tracking_recipients SET version = version + 1, pending_until = '2026-01-01', "  # noqa: S608
            f"person_opens = {persons}, machine_opens = {machines}"
        )
        await conn.execute("UPDATE email_tracking_outbox SET is_person = %(is)s", {"is": as_if != "scanner"})
        if left:
            [row] = await conn.fetch_all("SELECT event_key, occurred_at, id, attempts FROM email_tracking_outbox")
            gone = outbox.Claimed(row["id"], row["event_key"], row["occurred_at"], row["attempts"], None)
            finished = [outbox.Finished(gone, Outcome.NO_PERSON)]
            await conn.execute("UPDATE email_tracking_outbox SET state = 'sending', lease_owner = 'me'")
            await outbox.finish(conn, finished, owner="me", day=days().day(world.now()), now=world.now())
    if left:
        await world.check(no_person=1)
    await settle_due(world.portal.database, Surroundings(sent_on=days))


async def test_an_event_that_left_as_a_machines_and_is_a_persons_is_sent_and_counted_once(world: World) -> None:
    await world.read(1)
    await _judge_anew(world, as_if="scanner", left=True)
    found = await world.check(waiting=1)
    assert found.machines_waiting == 0
    await world.run()
    assert [event.name for event in world.plausible.events] == ["email_open"]
    found = await world.check(accepted=1)
    assert {line.outcome for line in found.days} >= {Outcome.ACCEPTED}


async def test_what_waits_changes_sides_with_its_judgement(world: World) -> None:
    await world.read(1)
    await _judge_anew(world, as_if="scanner")
    assert (await world.check(waiting=1)).machines_waiting == 0
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_events SET user_agent = %(agent)s", {"agent": SCANNER})
    await _judge_anew(world, as_if="human")
    assert (await world.check(waiting=1)).machines_waiting == 1
    await world.run()
    assert not world.posts
    await world.check(no_person=1)


async def test_who_refuses_after_the_event_is_not_told_of(world: World) -> None:
    await world.read(1, to="ann@customer.test")
    async with world.portal.database.transaction() as conn:
        ann = await contacts.find_or_create_contact(conn, name="Ann", email="ann@customer.test")
    await consent.decide(ann, "refused", source="agent", user_id=None)
    await world.run()
    assert not world.posts
    await world.check(refused=1)
    assert await count(world.portal.database, "email_tracking_outbox") == 0
