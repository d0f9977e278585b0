"""Events go to Plausible, and each is accounted for."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta

import pytest

from plugins.plausible.events import CLICK
from plugins.plausible.sync import job, outbox, payload
from plugins.plausible.sync.outcome import Outcome
from tests.plausible.recording import SCANNER, count, rows
from tests.plausible.sync.conftest import SITE, World

pytestmark = pytest.mark.usefixtures("at_noon")


async def test_what_people_do_is_sent_and_kept_with_each_event(world: World) -> None:
    await world.read(3)
    await world.read(2, kind=CLICK)
    await world.run()
    found = await world.check(accepted=5)
    assert [event.name for event in world.plausible.events].count("email_click") == 2
    assert {event.domain for event in world.plausible.events} == {SITE}
    assert found.last_accepted_at is not None
    assert await count(world.portal.database, "email_tracking_outbox") == 0
    [row] = await rows(
        world.portal.database,
        "SELECT DISTINCT plausible_sent AS sent, plausible_sent_at IS NOT NULL AS has_time, plausible_attempts AS n "
        "FROM email_tracking_events",
    )
    assert row == {"sent": 1, "has_time": 1, "n": 1}
    assert world.plausible.connections <= 16
    await world.run()
    assert len(world.plausible.events) == 5


async def test_nothing_is_sent_while_the_switch_is_off(world: World) -> None:
    await world.set(send_to_plausible=False)
    await world.read(2)
    assert await count(world.portal.database, "email_tracking_outbox") == 2, "the test's own recorder is on"
    await world.run()
    assert not world.posts
    await world.check(waiting=2)


async def test_machines_are_not_sent_unless_asked_for_and_then_by_another_name(world: World) -> None:
    await world.read(1, user_agent=SCANNER)
    await world.run()
    assert not world.posts
    await world.check(no_person=1)
    await world.set(send_machine_events=True)
    await world.read(1, user_agent=SCANNER)
    await world.run()
    assert [event.name for event in world.plausible.events] == ["email_open_machine"]


async def test_an_event_waits_until_its_reader_is_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "HOLD", timedelta(seconds=60))
    await world.read(1)
    await world.worker().run()
    assert not world.posts


async def test_nothing_personal_is_in_the_bytes(world: World) -> None:
    await world.read(
        1,
        kind=CLICK,
        to="canary-person@canary-host.test",
        url="https://shop.example/canary-path?token=canary-query#canary-fragment",
        referrer="https://canary-referrer.test/",
        user_agent="Mozilla/5.0 (canary-agent) Gecko/20100101 Thunderbird/140.2.0",
        ip_address="198.51.100.0",
    )
    [tracking_id] = await world.read(1)
    await world.set(api_key="canary-api-key")
    await world.run()
    raw = b"".join(request.raw for request in world.posts)
    assert b"shop.example" in raw
    for canary in (b"canary", b"198.51.100", tracking_id.encode(), b"customer.test", b"portal.test"):
        assert canary not in raw.lower()


async def test_one_recipient_is_one_visitor_a_day(world: World) -> None:
    for _ in range(3):
        await world.read(1, to="ann@customer.test")
    await world.read(1, to="bob@customer.test")
    await world.run()
    assert len({event.visitor for event in world.plausible.events}) == 2
    assert all(event.client_ip.startswith("10.") for event in world.plausible.events)


async def test_without_visitors_no_address_is_sent(world: World) -> None:
    await world.set(visitor_mode="none")
    await world.read(1)
    await world.run()
    assert b"x-forwarded-for" not in world.posts[0].raw.lower()


async def test_the_readers_own_address_is_sent_only_where_it_is_whole(world: World) -> None:
    await world.set(visitor_mode="real")
    await world.read(1, ip_address="198.51.100.0")
    await world.run()
    assert world.plausible.events[-1].client_ip.startswith("10.")
    await world.set(ip_mode="full")
    await world.read(1, ip_address="198.51.100.77")
    await world.run()
    assert world.plausible.events[-1].client_ip == "198.51.100.77"
    assert "Thunderbird" in world.plausible.events[-1].user_agent


async def test_a_drop_that_is_answered_202_is_seen(world: World) -> None:
    await world.set(site_domain="other.example.com")
    await world.read(2)
    await world.run()
    found = await world.check(dropped=2)
    assert "x-plausible-dropped" in found.days[0].words


async def test_a_refusal_keeps_plausibles_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = payload.build

    def too_long(*given: object, **values: object) -> object:
        found = real(*given, **values)  # type: ignore[arg-type]
        body = json.loads(found.body) | {"name": "x" * 121}
        return type(found)(found.name, json.dumps(body).encode(), found.headers)

    monkeypatch.setattr(job, "build", too_long)
    await world.read(1)
    await world.run(times=2)
    found = await world.check(rejected=1)
    assert "should be at most 120 character(s)" in found.days[0].words
    assert len(world.posts) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504, 404, 401])
async def test_what_was_not_processed_is_sent_again(world: World, status: int) -> None:
    world.plausible.faults.status(status, times=3)
    await world.read(2)
    await world.run()
    found = await world.check(waiting=2)
    assert f"answered {status}" in found.problem
    assert found.paused_until is not None
    await world.run(times=4)
    found = await world.check(accepted=2)
    assert (found.problem, found.paused_until) == ("", None)
    assert len(world.plausible.events) == 2


async def test_the_instance_is_left_alone_for_as_long_as_it_asks(world: World) -> None:
    world.plausible.faults.status(429, retry_after="1800", times=1)
    await world.read(5)
    await world.set(sync_concurrency=2)
    worker = world.worker()
    await worker.run()
    asked = len(world.posts)
    found = await world.account()
    assert found.paused_until is not None
    [row] = await rows(
        world.portal.database,
        "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), paused_until) AS left_over FROM email_tracking_sync_state",
    )
    assert row["left_over"] > 1700
    assert asked <= 2 * job.LANES
    await worker.run()
    assert len(world.posts) == asked


@pytest.mark.parametrize("fault", ["500", "lose", "mid", "unread", "garbage", "hang", "huge"])
async def test_what_may_have_arrived_is_never_sent_again(
    world: World, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = world.plausible.faults
    monkeypatch.setattr(job, "TIMEOUT", 0.3)
    match fault:
        case "500":
            faults.status(500, processed=True)
        case "lose":
            faults.lose_answer()
        case "mid":
            faults.close_mid_answer()
        case "unread":
            faults.close_unread()
        case "garbage":
            faults.garbage()
        case "hang":
            faults.hang()
        case _:
            faults.huge(200_000)
    await world.read(1)
    await world.run()
    faults.clear()
    await world.run(times=3)
    await world.check(ambiguous=1)
    assert len(world.posts) == 1


@pytest.mark.parametrize("fault", ["html", "redirect"])
async def test_something_else_at_the_address_is_told_and_waited_out(world: World, fault: str) -> None:
    if fault == "html":
        world.plausible.faults.html(times=1)
    else:
        world.plausible.faults.redirect("https://other.example/login?secret=1", times=1)
    await world.read(1)
    await world.run()
    found = await world.check(waiting=1)
    assert ("web page" in found.problem) if fault == "html" else ("https://other.example:" in found.problem)
    assert "secret" not in found.problem
    await world.run(times=2)
    await world.check(accepted=1)


async def test_an_instance_that_is_down_for_hours_costs_nothing_but_what_is_too_old(world: World) -> None:
    world.plausible.down()
    await world.read(3)
    for _ in range(4):
        await world.run()
    found = await world.check(waiting=3)
    assert "could not be reached" in found.problem
    world.shift += timedelta(hours=6)
    world.plausible.up()
    await world.run(times=3)
    await world.check(accepted=3)


async def test_events_of_another_day_are_not_sent(world: World) -> None:
    await world.read(2)
    world.shift += timedelta(days=1)
    await world.read(1)
    await world.run()
    found = await world.check(accepted=1, too_old=2)
    assert {line.words for line in found.days if line.outcome is Outcome.TOO_OLD} == {"waited until another day"}


async def test_the_day_is_the_sites_own(world: World) -> None:
    now = world.now()
    await world.set(site_timezone="Pacific/Kiritimati")
    # 14 hours ahead: 09:00 UTC is 23:00 there, and noon is tomorrow.
    await world.read(1, at=now - timedelta(hours=3))
    await world.run()
    await world.check(too_old=1)


async def test_an_event_from_the_future_is_sent(world: World) -> None:
    await world.read(1, at=world.now() + timedelta(days=1))
    await world.run()
    await world.check(accepted=1)


async def test_a_name_that_does_not_resolve_and_a_refused_address_are_waited_out(world: World) -> None:
    settings = world.portal.modules["plausible"].settings
    await world.read(1)
    for url, words in (("https://plausible.invalid", "could not be looked up"), ("https://10.0.0.1", "not allowed")):
        changed = settings.model_copy(update={"base_url": url})
        worker = job.Sync(world.portal.database, world.portal.settings.key, lambda changed=changed: changed)  # type: ignore[misc]
        world.workers.append(worker)
        worker._now = world.now
        await world.run(worker)
        assert words in (await world.check(waiting=1)).problem
    await world.run()
    await world.check(accepted=1)


async def test_a_worker_that_dies_leaves_what_it_sent_ambiguous(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.read(4)

    async def dies(*given: object) -> None:
        raise RuntimeError("as if the process were gone")

    dying = world.worker()
    monkeypatch.setattr(dying, "_write", dies)
    with pytest.raises(RuntimeError):
        await world.run(dying)
    arrived = len(world.plausible.events)
    assert arrived
    other = world.worker()
    await world.run(other)
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_outbox SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    await other.sweep()
    await world.run(other)
    found = await world.check()
    assert found.totals[Outcome.AMBIGUOUS] == arrived
    assert len(world.plausible.events) == 4


async def test_two_workers_send_nothing_twice(world: World) -> None:
    await world.read(60)
    await world.hurry()
    await asyncio.gather(*(world.worker().run() for _ in range(3)))
    await world.run(times=2)
    await world.check(accepted=60)
    assert len(world.plausible.events) == 60


async def test_the_account_is_exact_after_any_faults(world: World) -> None:
    draws = random.Random(7)  # noqa: S311
    faults = world.plausible.faults
    for _ in range(12):
        await world.read(draws.randint(1, 8))
        match draws.randrange(8):
            case 0:
                faults.status(503, times=draws.randint(1, 4))
            case 1:
                faults.lose_answer(times=draws.randint(1, 4))
            case 2:
                faults.status(500, times=draws.randint(1, 4), processed=draws.random() < 0.5)
            case 3:
                faults.html(times=draws.randint(1, 4))
            case 4:
                faults.close_mid_answer(times=2)
            case 5:
                world.plausible.down()
            case 6:
                faults.status(400, times=2)
            case _:
                pass
        await world.run(times=2)
        if world.plausible._accepting is None:
            world.plausible.up()
    faults.clear()
    await world.run(times=12)
    found = await world.check()
    assert found.totals[Outcome.WAITING] == 0
    accepted, ambiguous = found.totals[Outcome.ACCEPTED], found.totals[Outcome.AMBIGUOUS]
    assert accepted <= len(world.plausible.events) <= accepted + ambiguous
