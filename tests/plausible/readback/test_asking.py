"""Reading back: what Plausible counts comes beside what was sent, and each refusal is a sentence with a way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.database import utcnow
from plugins.plausible.events import CLICK
from plugins.plausible.readback import asking, asks, caller
from plugins.plausible.readback.causes import Sent, notes, verdicts
from tests.plausible.readback.conftest import Desk
from tests.support.plausible import Goal, PlausibleServer
from tests.support.plausible.stats_api import PATH

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SENT = Sent("http://127.0.0.1", "help.example.com", "UTC", "anonymous", ["email_open", "email_click"])


async def test_what_was_sent_stands_beside_what_plausible_counts(desk: Desk) -> None:
    desk.plausible.site.goals.append(Goal(1, "email_open", display_name="Mails that were read"))
    await desk.send(3)

    reading = await desk.reading()

    [line] = reading.lines
    assert (line.name, line.accepted, line.counted, line.visitors) == ("email_open", 3, 3, 3)
    assert reading.goals == {"email_open": True, "email_click": None}
    assert reading.offsets == (0, 0)
    assert [(one.is_fine, one.causes) for one in verdicts(reading, SENT)] == [(True, [])]
    assert notes(reading, SENT) == []


async def test_an_answer_that_was_lost_counts_there_and_is_explained(desk: Desk) -> None:
    desk.plausible.faults.lose_answer(times=1)
    await desk.send()

    reading = await desk.reading()

    [verdict] = verdicts(reading, SENT)
    assert (verdict.line.accepted, verdict.line.ambiguous, verdict.line.counted) == (0, 1, 1)
    assert (verdict.is_fine, verdict.causes) == (True, ["1 of the 1 sent without an answer counts"])


async def test_dropped_events_a_missing_goal_and_another_zone_are_told(desk: Desk) -> None:
    await desk.send()
    desk.plausible.site.pages = ("/email/*",)
    await desk.send(2)
    desk.plausible.site.timezone = "Pacific/Kiritimati"

    reading = await desk.reading()

    assert any("dropped, so not counted: look at Plausible under Site settings → Shields" in cause
               for one in verdicts(reading, SENT) for cause in one.causes)  # fmt: skip
    told = " ".join(notes(reading, SENT))
    assert "(UTC+14:00) than the setting Time zone of the site says (UTC, UTC+00:00)" in told
    desk.plausible.site.timezone = "UTC"
    assert "no goal of exactly that name exists" in " ".join(notes(await desk.reading(), SENT))


async def test_a_goal_of_one_name_is_none_of_another(desk: Desk) -> None:
    desk.plausible.site.goals.append(Goal(1, "email_open", display_name="email_open"))
    await desk.world.read()
    await desk.world.read(kind=CLICK, url="https://shop.example/")
    await desk.world.run()

    assert (await desk.reading()).goals == {"email_open": True, "email_click": False}


async def test_what_another_sender_adds_is_told(desk: Desk) -> None:
    await desk.send()
    extra = desk.plausible.events[0]
    desk.plausible.events.extend([extra, extra])

    [verdict] = verdicts(await desk.reading(), SENT)

    assert (verdict.is_fine, verdict.line.difference) == (False, 2)
    assert "2 events more than we sent" in verdict.causes[0]


def fault(name: str, **values: Any) -> Callable[[PlausibleServer], None]:
    """A fault of the Stats API."""

    def set_it(server: PlausibleServer) -> None:
        getattr(server.faults, name)(*values.pop("args", ()), path=PATH, **values)

    return set_it


def revoked(server: PlausibleServer) -> None:
    del server.instance.keys["stats-key"]


def without_plan(server: PlausibleServer) -> None:
    server.site.has_stats = False


def used_up(server: PlausibleServer) -> None:
    server.instance.requests_per_hour = 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (revoked, "Plausible does not take the API key for the site help.example.com"),
        (without_plan, "plan does not cover the Stats API"),
        (used_up, "takes no more requests with this key for now"),
        (fault("status", args=(403,)), "does not let the portal in (403)"),
        (fault("status", args=(404,)), "There is no Stats API at the Base URL (404)"),
        (fault("status", args=(502,)), "Plausible failed (502)"),
        (fault("redirect", args=("https://a.example/x?token=y",)), "to https://a.example: set the Base URL"),
        (fault("html"), "A web page came instead of an answer"),
        (fault("huge", args=(3_000_000,)), "sends too much to be Plausible"),
        (fault("garbage"), "The connection to Plausible broke"),
        (fault("lose_answer"), "The connection to Plausible broke"),
        (fault("hang"), "did not answer in time"),
    ],
)
async def test_a_refusal_is_a_sentence_with_a_way_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[PlausibleServer], None], words: str
) -> None:
    monkeypatch.setattr(caller, "TIMEOUT", 0.2)
    wrong(desk.plausible)

    found = await desk.ask("counts")

    assert words in found.problem
    assert "stats-key" not in found.problem
    assert found.answer == ""
    assert (found.quiet_until is not None) == (wrong is used_up)


async def test_a_plausible_that_is_down_or_not_allowed_is_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plausible.down()
    assert "Plausible cannot be reached" in (await desk.ask("counts")).problem
    portal = desk.world.portal
    monkeypatch.setattr(portal, "settings", portal.settings.model_copy(update={"outbound_allowed": []}))
    assert "127.0.0.1 is this machine" in (await desk.ask("counts")).problem


async def test_a_key_that_can_be_none_is_not_sent_and_not_repeated(desk: Desk) -> None:
    await desk.world.set(api_key="schlüssel")

    found = await desk.ask("counts")

    assert found.problem == "The API key holds characters that none has: copy it from Plausible again."
    assert desk.plausible.requests == []


async def test_an_answer_without_anything_in_it_is_told(desk: Desk) -> None:
    desk.plausible.faults.redirect("", status=200, path=PATH)
    assert "none that Plausible gives" in (await desk.ask("counts")).problem


async def test_a_failure_keeps_what_was_read_and_a_change_of_settings_does_not(desk: Desk) -> None:
    await desk.send()
    await desk.reading()
    desk.plausible.faults.status(503, path=PATH)

    found = await desk.ask("counts")
    assert (found.problem != "", found.answer != "") == (True, True)

    await desk.world.set(site_domain="other.example.com")
    found = await desk.ask("counts")
    assert (found.problem != "", found.answer) == (True, "")


async def test_it_reads_by_itself_every_few_minutes_and_not_more_often(desk: Desk) -> None:
    await desk.worker().run()
    asked = len(desk.plausible.requests)
    assert asked > 0
    await desk.worker().run()
    assert len(desk.plausible.requests) == asked
    async with desk.world.portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_asks SET next_at = %(past)s, asked_at = %(past)s",
            {"past": utcnow() - timedelta(seconds=asking.EVERY)},
        )
    await desk.worker().run()
    assert len(desk.plausible.requests) == 2 * asked


async def test_a_button_pressed_often_asks_no_more_than_once_in_seconds(desk: Desk) -> None:
    await desk.ask("counts")
    asked = len(desk.plausible.requests)
    async with desk.world.portal.database.transaction() as conn:
        await asks.want(conn, "counts")
    await desk.worker().run()
    assert len(desk.plausible.requests) == asked


async def test_retry_after_is_respected_even_when_somebody_presses_the_button(desk: Desk) -> None:
    desk.plausible.faults.status(429, retry_after="120", path=PATH, times=1)
    quiet = (await desk.ask("counts")).quiet_until
    assert quiet is not None
    assert timedelta(seconds=100) < quiet - utcnow() <= timedelta(seconds=120)
    asked = len(desk.plausible.requests)

    await desk.ask("counts")

    assert len(desk.plausible.requests) == asked


async def test_two_workers_ask_once(desk: Desk) -> None:
    await asyncio.gather(*(desk.worker().run() for _ in range(4)))

    assert len([one for one in desk.plausible.requests if one.path == PATH]) == 1


async def test_without_a_key_or_while_sending_is_off_nothing_is_asked(desk: Desk) -> None:
    await desk.world.set(send_to_plausible=False)
    await desk.worker().run()
    assert desk.plausible.requests == []
