"""The admins' page about machines: shares by week, the list of rules, and the box to try a request."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.database import Database, utcnow
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.classify import RULES
from plugins.plausible.machines import CHARTS, Count, chart, fired, first_monday, percent, weeks_of
from plugins.plausible.networks_file import own_path, write
from tests.conftest import PASSWORD
from tests.support.opens import APPLE_AHEAD, BARRACUDA, CHROME, GMAIL, OUTLOOK, SLACK
from tests.support.web import get, log_in, post

PATH = "/admin/modules/plausible/machines"
WEDNESDAY = date(2026, 11, 25)


@pytest.fixture
async def ada_client(plausible: Quart) -> Client:
    """A browser in which Ada, an admin, is logged in."""
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    return await log_in(plausible, ada)


async def page_of(client: Client, path: str = PATH) -> str:
    response = await get(client, path)
    assert response.status_code == 200
    return await response.get_data(as_text=True)


async def tried(client: Client, form: dict[str, str], expected: int = 200) -> str:
    response = await post(client, PATH, form)
    page = await response.get_data(as_text=True)
    assert response.status_code == expected, page
    return page


async def record(database: Database, *rows: tuple[date, str, str, str, int, int]) -> None:
    """Days as recording sums them up: day, event type, class, rule, shard, events."""
    async with database.transaction() as conn:
        await conn.execute_many(
            "INSERT INTO email_tracking_daily (day, event_type, class, rule, shard, events) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            rows,
        )


def text_of(page: str) -> str:
    """The words of a page, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def table_row(page: str, beginning: str) -> list[str]:
    """The cells of the row whose markup begins so."""
    [row] = re.findall(rf"<tr{beginning}.*?</tr>", page, re.DOTALL)
    return [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]


def rule_row(page: str, rule: str) -> list[str]:
    return table_row(page, f' id="rule-{rule}"')


def opens(week: int, kind: str, rule: str, events: int) -> Count:
    return Count(week, "open", kind, rule, events, events)


def test_weeks_begin_on_monday_and_the_last_is_this_one() -> None:
    weeks = weeks_of([], WEDNESDAY)

    assert [weeks[0].start, weeks[-1].start] == [date(2026, 9, 7), date(2026, 11, 23)]
    assert first_monday(date(2026, 11, 23)) == date(2026, 9, 7) != first_monday(date(2026, 11, 22))
    assert [week.so_far for week in weeks] == [False] * 11 + [True]


def test_machines_are_told_apart_by_kind_and_our_own_looks_are_neither_people_nor_machines() -> None:
    [*_, week] = weeks_of(
        [
            opens(11, "human", "browser", 10),
            opens(11, "human_proxy", "display-proxy", 20),
            opens(11, "privacy_prefetch", "apple-relay", 40),
            opens(11, "privacy_prefetch", "apple-ahead", 2),
            opens(11, "privacy_prefetch", "gmail-ahead", 5),
            opens(11, "scanner", "burst", 4),
            opens(11, "bot", "library", 3),
            opens(11, "preview", "link-card", 1),
            opens(11, "self", "agent-session", 15),
            opens(11, "", "", 7),
            Count(11, "click", "scanner", "burst", 1000, 1000),
            opens(-1, "scanner", "burst", 1000),
        ],
        WEDNESDAY,
    )

    assert {key: count for key, count in week.counts.items() if count} == {
        "people": 30, "apple": 42, "proxy": 5, "scanner": 4, "bot": 3, "preview": 1, "self": 15, "unknown": 7,
    }  # fmt: skip
    assert (week.opens, week.machines) == (107, 55)
    assert week.share() == 55 / 100
    assert week.share("apple") == 42 / 100


def test_what_was_taken_back_too_often_counts_as_none() -> None:
    [*_, week] = weeks_of([opens(11, "scanner", "burst", -3), opens(11, "human", "browser", 1)], WEDNESDAY)

    assert (week.opens, week.share()) == (1, 0.0)
    [burst] = [rule for rule in fired([opens(11, "scanner", "burst", -3)]) if rule.name == "burst"]
    assert burst.opens == 0


def test_rules_that_never_decided_are_listed_too_and_those_of_other_releases_last() -> None:
    rows = fired(
        [
            opens(11, "scanner", "burst", 4),
            Count(11, "click", "scanner", "burst", 9, 3),
            opens(3, "bot", "gone", 2),
            Count(3, "open", "odd", "odder", 2, 0),
        ]
    )

    assert [row.name for row in rows] == [rule.name for rule in RULES] + ["gone"]
    assert {row.name: (row.opens, row.clicks) for row in rows if row.opens or row.clicks} == {
        "burst": (4, 3),
        "gone": (2, 0),
    }
    assert rows[-1].words == "A bot"


def test_a_share_is_written_so_that_little_is_not_nothing() -> None:
    assert [percent(share) for share in (None, 0.0, 0.001, 0.37, 1.0)] == ["–", "0", "<1", "37", "100"]


def test_a_chart_tells_its_figures_in_words_too() -> None:
    weeks = weeks_of([opens(10, "bot", "library", 1), opens(10, "human", "browser", 3)], WEDNESDAY)

    drawn = chart("Bots", weeks, "bot", room=100, full=0.5)

    assert drawn.summary == "Percent of opens, by week from Monday. 16 Nov: 25."
    assert [bar.height for bar in drawn.bars] == [0.0] * 10 + [50.0, 0.0]
    assert [bar.words for bar in drawn.bars][-3:] == ["–", "25", "–"]
    assert all(bar.left >= 0 and bar.left + bar.width <= 100 for bar in drawn.bars)


async def test_the_page_shows_shares_of_all_shards_and_of_the_chosen_days(portal: Runtime, ada_client: Client) -> None:
    today = utcnow().date()
    await record(
        portal.database,
        (today, "open", "human", "browser", 0, 6),
        (today, "open", "scanner", "burst", 0, 9),
        (today, "open", "scanner", "burst", 3, -7),
        (today, "click", "scanner", "burst", 1, 5),
        (today - timedelta(days=20), "open", "privacy_prefetch", "apple-relay", 1, 4),
        (today - timedelta(days=89), "click", "bot", "bare-click", 1, 8),
        (today - timedelta(days=90), "click", "bot", "bare-click", 1, 100),
    )

    page = await page_of(ada_client)
    [now] = [week for week in re.findall(r"<tr>.*?</tr>", page) if "so far" in week]
    assert [text_of(cell) for cell in re.findall(r"<td.*?</td>", now)] == [
        "8", "6", "2", "25", "0", "0", "2", "0", "0", "0",
    ]  # fmt: skip
    assert rule_row(page, "burst")[2:6] == ["2", "5", "A scanner", "90%"]
    assert rule_row(page, "apple-relay")[2:4] == ["4", "0"]
    assert rule_row(page, "bare-click")[2:4] == ["0", "0"]
    week = await page_of(ada_client, f"{PATH}?days=7")
    assert rule_row(week, "apple-relay")[2:4] == ["0", "0"]
    quarter = await page_of(ada_client, f"{PATH}?days=90")
    assert rule_row(quarter, "bare-click")[2:4] == ["0", "8"]


async def test_every_rule_stands_there_in_order_with_its_words(ada_client: Client) -> None:
    page = await page_of(ada_client)

    assert re.findall(r'<tr id="rule-([^"]+)"', page) == [rule.name for rule in RULES]
    assert all(rule.sentence in unescape(page) for rule in RULES)
    assert "Nothing was opened in the last 12 weeks" in page
    assert '<svg class="chart-picture"' not in page


async def test_charts_have_a_title_and_a_description(portal: Runtime, ada_client: Client) -> None:
    await record(portal.database, (utcnow().date(), "open", "bot", "library", 0, 1))

    page = await page_of(ada_client)

    pictures = re.findall(r'<svg class="chart-picture".*?</svg>', page, re.DOTALL)
    assert len(pictures) == 1 + len(CHARTS)
    assert all(
        re.search(r"<title>[^<]+</title>\s*<desc id=[^>]+>Percent of opens[^<]+</desc>", one) for one in pictures
    )
    assert "style=" not in page


@pytest.mark.parametrize("days", ["", "x", "8", "-1", "99999999999999999999"])
async def test_a_period_that_is_not_offered_is_the_usual_one(days: str, ada_client: Client) -> None:
    assert "in the last 30 days" in await page_of(ada_client, f"{PATH}?days={days}")


async def test_an_old_list_of_networks_is_told_on_the_page(portal: Runtime, ada_client: Client) -> None:
    write(own_path(portal.settings), "cloud acme 192.0.2.0/24 s 2020-01-01\n")

    page = await tried(ada_client, {"user_agent": CHROME, "address": "192.0.2.1", "language": "no"})

    assert "List of networks: 1 in the list, the oldest of 2020-01-01: older than 12 months (cloud.acme)" in page
    assert "a data centre: acme, 192.0.2.0/24, as listed on 2020-01-01" in text_of(page)
    assert "A scanner, 65% sure" in page, "what an old list says weighs less"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (
            {"user_agent": APPLE_AHEAD, "address": "172.225.1.2"},
            ("Loaded ahead, 95% sure", "apple-relay", "172.224.0.0/14"),
        ),
        ({"user_agent": APPLE_AHEAD}, ("Loaded ahead, 80% sure", "apple-ahead", "No address was given")),
        ({"user_agent": APPLE_AHEAD, "kind": "click"}, ("A bot, 90% sure", "bare-click", "Opened by a machine")),
        (
            {"user_agent": BARRACUDA, "address": "209.222.82.1"},
            ("A scanner, 95% sure", "named-scanner", "a mail gateway"),
        ),
        ({"user_agent": SLACK, "kind": "click"}, ("A link card, 95% sure", "link-card", "Slack")),
        ({"user_agent": GMAIL, "seconds": "2"}, ("Loaded ahead, 50% sure", "proxy-at-once", "Gmail's image proxy")),
        ({"user_agent": GMAIL, "seconds": "60"}, ("A person, through a mail proxy, 85% sure", "display-proxy", "Read")),
        (
            {"user_agent": OUTLOOK, "address": "2001:db8::1"},
            ("A person, 90% sure", "mail-program", "Outlook for Windows"),
        ),
        (
            {"user_agent": CHROME, "address": "52.1.2.3", "language": "no"},
            ("A scanner, 75% sure", "cloud-bare", "aws, 52."),
        ),
        (
            {"user_agent": CHROME, "kind": "click", "language": "yes"},
            ("A person, 90% sure", "browser", "Chrome on Windows"),
        ),
        (
            {"user_agent": CHROME, "seconds": "-30"},
            ("A scanner, 95% sure", "before-delivery", "Before the mail was delivered"),
        ),
        ({"user_agent": "", "address": "::ffff:52.1.2.3"}, ("A bot, 60% sure", "nameless", "a data centre: aws")),
        ({}, ("A bot, 60% sure", "nameless", "a program that does not say its name")),
    ],
)
async def test_a_pasted_request_is_judged_in_words(
    form: dict[str, str], told: tuple[str, ...], ada_client: Client
) -> None:
    page = await tried(ada_client, form)

    result = text_of(page[page.index('id="result"') : page.index('id="rules"')])
    assert all(words in result for words in told), result
    assert f'<a href="#rule-{told[1]}">' in page


@pytest.mark.parametrize("address", ["192.0.2", "203.0.113.7:443", "<b>x</b>", "١.1.1.1", "x" * 5_000])
async def test_an_address_that_is_none_is_said_beside_the_field(address: str, ada_client: Client) -> None:
    page = await tried(ada_client, {"user_agent": "x", "address": address}, 422)

    assert re.search(
        r'<input [^>]*id="f-address"[^>]*aria-describedby="[^"]*f-address-error"[^>]*aria-invalid="true"', page
    )
    assert "is no IP address. Write it like 203.0.113.7" in page
    assert "<title>Error: Machines" in page
    assert "<b>x</b>" not in page
    assert 'id="result"' not in page


@pytest.mark.parametrize("seconds", ["soon", "nan", "inf", "1e99", "9" * 5_000])
async def test_seconds_that_are_none_are_said_beside_the_field(seconds: str, ada_client: Client) -> None:
    page = await tried(ada_client, {"seconds": seconds}, 422)

    assert "is no number of seconds" in page
    assert 'id="f-seconds-error"' in page


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 " + "x" * 65_536,
        "\x00\x1b[31m\r\n\x7f\x85",
        "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>",
        "{{ 7 * 7 }} %s {client}",
        "\U0001f600 \u202e العربية",
    ],
)
async def test_any_user_agent_is_judged_and_stays_text(user_agent: str, ada_client: Client) -> None:
    page = await tried(ada_client, {"user_agent": user_agent})

    assert 'id="result"' in page
    assert not re.search(r"<script>|<img\b", page)
    assert "49" not in page[page.index('id="result"') : page.index('id="rules"')]


async def test_a_user_agent_beyond_all_measure_is_refused(ada_client: Client) -> None:
    assert "100,001 characters are too many" in await tried(ada_client, {"user_agent": "x" * 100_001}, 422)


async def test_an_agent_may_not_see_it_and_a_stranger_is_sent_to_the_login(gus_client: Client, world: Client) -> None:
    for path in (PATH, "/admin/modules/plausible/corrections.jsonl"):
        assert (await get(gus_client, path)).status_code == 403
        assert (await get(world, path)).status_code == 303
    assert (await post(gus_client, PATH, {"user_agent": "x"})).status_code == 403


async def test_a_form_from_elsewhere_is_refused(ada_client: Client) -> None:
    response = await ada_client.post(PATH, form={"user_agent": "x"}, headers={"Host": "portal.test"})

    assert response.status_code == 403


async def test_the_modules_page_leads_to_it_also_with_the_module_off(ada_client: Client) -> None:
    assert f'<a href="{PATH}">Machines</a>' in await page_of(ada_client, "/admin/modules/plausible")
    assert "The module is off" not in await page_of(ada_client)
    await modules.set_enabled("plausible", enabled=False, user=None)
    assert "The module is off" in await page_of(ada_client)
