"""The page of the sync: how it goes at a glance, the account, and what it says in every state."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database, utcnow
from app.services import modules
from plugins.plausible.routes_sync import PATH
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import Account, DayLine
from plugins.plausible.sync.outcome import Outcome
from plugins.plausible.sync_page import Pace, glance, pace_of, rows, span
from tests.plausible.readback.conftest import Desk
from tests.support.web import get, post

TODAY = date(2026, 11, 25)
NOW = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
ON = PlausibleSettings(site_domain="help.example.com", send_to_plausible=True)


def found(**values: object) -> Account:
    given: dict[str, object] = {
        "totals": dict.fromkeys(Outcome, 0),
        "machines_waiting": 0,
        "days": [],
        "oldest_waiting": None,
        "pace": 0,
        "last_accepted_at": None,
        "paused_until": None,
        "problem": "",
        "problem_at": None,
        **values,
    }
    waiting = given.pop("waiting", 0)
    totals = {**given.pop("totals"), Outcome.WAITING: waiting}  # type: ignore[dict-item]
    return Account(totals=totals, **given)  # type: ignore[arg-type]


def told(account: Account, settings: PlausibleSettings = ON, *, enabled: bool = True) -> tuple[str, str]:
    seen = glance(account, settings, enabled=enabled, today=TODAY, now=NOW)
    return seen.state, seen.words


def a_day(outcome: Outcome, events: int, *, back: int = 0, words: str = "", name: str = "email_open") -> DayLine:
    return DayLine(TODAY - timedelta(days=back), name, outcome, events, words, NOW - timedelta(days=back))


def test_the_glance() -> None:
    before = NOW - timedelta(minutes=2)

    assert told(found())[0] == "idle"
    assert told(found(), enabled=False) == ("off", "Off. The module is off, so nothing is sent.")
    off = ON.model_copy(update={"send_to_plausible": False})
    assert told(found(waiting=2), off) == (
        "off",
        "Off. Send to Plausible is off in the settings, so nothing is sent. "
        "2 wait; what is not sent by tonight becomes too old.",
    )
    assert told(found(last_accepted_at=before)) == ("working", "Working: last accepted 2 min ago, nothing waits.")
    assert told(found(last_accepted_at=before, waiting=1)) == ("working", "Working: last accepted 2 min ago, 1 waits.")
    assert told(found(waiting=1, oldest_waiting=before)) == ("idle", "Waiting: nothing accepted yet, 1 waits.")
    assert told(found(waiting=5, problem="answered 503")) == ("failing", "Failing: Plausible answered 503. 5 wait.")
    long_ago = NOW - timedelta(hours=1)
    assert told(found(waiting=5, oldest_waiting=long_ago))[0] == "warning"
    assert told(found(waiting=5, oldest_waiting=long_ago, machines_waiting=5))[0] != "warning"
    assert told(found(waiting=5, oldest_waiting=long_ago, pace=60))[0] == "working"
    assert told(found(days=[a_day(Outcome.DROPPED, 3)]))[0] == "failing"
    assert (
        told(found(days=[a_day(Outcome.DROPPED, 3), a_day(Outcome.ACCEPTED, 1)], last_accepted_at=NOW))[0] == "working"
    )


def test_the_pace_and_when_the_backlog_is_through() -> None:
    pace = pace_of(found(pace=1230, waiting=1_000_000))

    assert pace.words == "20 events a second in the last minute"
    assert span(pace.left or timedelta()) == "about 14 h"
    assert Pace(1 / 60, None).words == "0.017 events a second in the last minute"
    assert Pace(1.0, None).words == "1 event a second in the last minute"
    assert pace_of(found(waiting=3)).left is None
    assert [span(timedelta(minutes=one)) for one in (0.5, 5, 60 * 24 * 3)] == [
        "under a minute", "about 5 min", "about 3 days",
    ]  # fmt: skip


def test_the_account_is_summed_up_for_today_7_and_30_days_with_each_reason() -> None:
    days = [
        a_day(Outcome.ACCEPTED, 4),
        a_day(Outcome.ACCEPTED, 5, back=6),
        a_day(Outcome.ACCEPTED, 6, back=7),
        a_day(Outcome.ACCEPTED, 100, back=30),
        a_day(Outcome.REJECTED, 1, back=1, words="answered 400: domain is required"),
        a_day(Outcome.REJECTED, 1, back=2, words="answered 400: domain is required"),
        a_day(Outcome.REJECTED, 1, back=3, words="answered 413: it does not say why"),
        a_day(Outcome.NO_PERSON, 9, words="a machine or one of us", name=""),
    ]

    by = {row.outcome: row for row in rows(found(days=days), TODAY)}

    assert list(by[Outcome.ACCEPTED].counts) == [4, 9, 15]
    assert [(one.words, one.last_at.day) for one in by[Outcome.REJECTED].reasons] == [
        ("answered 400: domain is required", 24),
        ("answered 413: it does not say why", 22),
    ]
    assert list(by[Outcome.DROPPED].counts) == [0, 0, 0]
    assert by[Outcome.NO_PERSON].is_sent is False
    assert Outcome.ERASED not in by


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def page_of(client: Client, query: str = "") -> str:
    response = await get(client, PATH + query)
    assert response.status_code == 200
    return words_of(await response.get_data(as_text=True))


async def pressed(client: Client, button: str) -> str:
    response = await post(client, f"{PATH}/{button}")
    assert response.status_code == 303
    return await page_of(client)


async def test_only_admins_see_it_and_only_with_a_token_are_buttons_pressed(
    desk: Desk, gus_client: Client, ada_client: Client
) -> None:
    assert (await get(gus_client, PATH)).status_code == 403
    for button in ("read", "setup"):
        assert (await post(gus_client, f"{PATH}/{button}")).status_code == 403
        response = await ada_client.post(f"{PATH}/{button}", headers={"Host": "portal.test"})
        assert response.status_code in (400, 403)
    assert (await desk.topic("counts")).wanted_at is None


async def test_the_modules_page_links_to_it(desk: Desk, ada_client: Client) -> None:
    page = await (await get(ada_client, "/admin/modules/plausible")).get_data(as_text=True)

    assert f'href="{PATH}"' in page


async def test_a_portal_that_never_sent_says_what_to_do(portal: object, ada_client: Client) -> None:
    page = await page_of(ada_client)

    assert "Off. Send to Plausible is off in the settings" in page
    assert "Enter an API key" in page
    assert "By hand, step by step" in page
    assert "email_open email_click" in page
    assert "module client class link_host" in page
    assert "This needs the site domain" in await pressed(ada_client, "read")
    await modules.save("plausible", {"site_domain": "help.example.com"}, user=None)
    assert "This needs an API key: enter it" in await pressed(ada_client, "read")
    assert "This needs an API key or a plugin token" in await pressed(ada_client, "setup")


async def test_refresh_shows_what_plausible_counts_once_a_worker_asked(desk: Desk, ada_client: Client) -> None:
    await desk.send(2)
    page = await pressed(ada_client, "read")
    assert "The worker asks Plausible now" in page

    await desk.worker().run()

    page = await page_of(ada_client)
    assert "Plausible counts what it accepted: 2 in 7 days" in page
    assert "email_open 2 2 0" in page
    assert "no goal of exactly that name exists" in page
    assert "stats-key" not in page


async def test_setting_up_shows_each_outcome(desk: Desk, ada_client: Client) -> None:
    await desk.world.set(plugin_token=desk.plausible.plugin_token)
    await pressed(ada_client, "setup")
    await desk.worker().run()

    page = await page_of(ada_client)
    assert "All of it is there" in page
    assert "Goal email_open Made" in page
    assert "Property link_host Allowed" in page
    assert desk.plausible.plugin_token not in page


async def test_without_a_way_to_set_up_the_steps_are_there(desk: Desk, ada_client: Client) -> None:
    await pressed(ada_client, "setup")
    await desk.worker().run()

    page = await page_of(ada_client)
    assert "This Plausible has no Sites API." in page
    assert "<details" in await (await get(ada_client, PATH)).get_data(as_text=True)
    assert "press Add goal and choose Custom event" in page


async def test_a_failure_stands_there_with_what_was_read_before(desk: Desk, ada_client: Client) -> None:
    await desk.send()
    await desk.reading()
    desk.plausible.faults.status(429, retry_after="300", path="/api/v2/query")
    await desk.ask("counts")

    page = await page_of(ada_client)
    assert "takes no more requests with this key for now" in page
    assert "What stands below was read before" in page
    assert "Plausible wants to be left alone until" in page
    assert "email_open 1 1 0" in page


async def test_a_revoked_key_and_a_changed_one(desk: Desk, ada_client: Client) -> None:
    await desk.send()
    await desk.reading()
    await desk.world.set(api_key="another-key")

    page = await page_of(ada_client)
    assert "The settings changed since it was read" in page
    await desk.worker().run()
    page = await page_of(ada_client)
    assert "Plausible does not take the API key for the site help.example.com" in page
    assert "another-key" not in page


async def test_a_sync_that_fails_says_so_in_plausibles_words(desk: Desk, ada_client: Client) -> None:
    desk.plausible.faults.status(503)
    await desk.send()

    page = await page_of(ada_client)
    assert "Failing: Plausible answered 503. 1 waits." in page
    assert "next try" in page


async def test_off_no_button_is_offered_and_none_does_anything(desk: Desk, ada_client: Client) -> None:
    await modules.set_enabled("plausible", enabled=False, user=None)

    page = await page_of(ada_client)
    assert "Off. The module is off" in page
    assert "Refresh" not in page
    assert "turn it on first" in await pressed(ada_client, "read")
    assert (await desk.topic("counts")).wanted_at is None


async def test_the_page_never_waits_for_plausible(desk: Desk, ada_client: Client) -> None:
    desk.plausible.faults.hang(path="")
    asking = asyncio.create_task(desk.worker().run())
    await asyncio.sleep(0.1)

    started = time.monotonic()
    await pressed(ada_client, "read")
    await pressed(ada_client, "setup")
    took = time.monotonic() - started

    assert not asking.done()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert took < 2


async def test_a_wish_that_no_worker_hears_is_told(desk: Desk, ada_client: Client) -> None:
    await pressed(ada_client, "read")
    database: Database = desk.world.portal.database
    async with database.transaction() as conn:
        await conn.execute("UPDATE email_tracking_asks SET wanted_at = %(at)s", {"at": utcnow() - timedelta(minutes=5)})

    assert "nobody did it. Does myportal worker run?" in await page_of(ada_client)


@pytest.mark.parametrize("query", ["?days=30", "?days=8", "?days=x"])
async def test_any_period_is_a_page(desk: Desk, ada_client: Client, query: str) -> None:
    await desk.send()
    await desk.reading()

    period = "30" if query == "?days=30" else "7"
    assert f"1 in {period} days" in await page_of(ada_client, query)
