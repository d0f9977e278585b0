"""The stand-in for Plausible reads, provisions and refuses as the real one does."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.plausible import Goal, Key, PlausibleServer, Site

SITE = "help.example.com"
QUERY = {"site_id": SITE, "metrics": ["visitors", "events"], "date_range": "day", "dimensions": ["event:name"]}


class At:
    """A clock that stands where it is set."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> At:
    return At()


@pytest.fixture
async def ce(clock: At) -> AsyncIterator[PlausibleServer]:
    site = Site(SITE, "Europe/Berlin")
    async with PlausibleServer(edition="ce", site=site, sites=["other.example.com"], clock=clock) as server:
        server.instance.keys["foreign"] = Key(frozenset({"other.example.com"}))
        yield server


@pytest.fixture
async def cloud() -> AsyncIterator[PlausibleServer]:
    async with PlausibleServer(edition="cloud", site=SITE) as server:
        yield server


async def send(server: PlausibleServer, name: str, *, address: str = "10.1.1.1", **props: str) -> None:
    body = {"name": name, "url": f"https://{SITE}/email/open", "domain": SITE, "props": props}
    headers = {"X-Forwarded-For": address, "User-Agent": "Mozilla/5.0 (X11) Firefox/130"}
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        response = await client.post("/api/event", json=body, headers=headers)
        assert (response.status_code, response.headers.get("x-plausible-dropped")) == (202, None)


async def ask(
    server: PlausibleServer,
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str | None = None,
    token: str | None = None,
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if token:
        headers["Authorization"] = f"Basic {base64.b64encode(f'x:{token}'.encode()).decode()}"
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
        response = await client.request(method, path, json=body, headers=headers)
    is_json = response.headers["content-type"].startswith("application/json")
    return response.status_code, response.json() if is_json else response.text


async def query(server: PlausibleServer, key: str | None = "stats-key", **changes: Any) -> tuple[int, Any]:
    return await ask(server, "POST", "/api/v2/query", {**QUERY, **changes}, key=key)


async def results(server: PlausibleServer, **changes: Any) -> list[tuple[list[str], list[int]]]:
    status, answer = await query(server, **changes)
    assert status == 200, answer
    return [(row["dimensions"], row["metrics"]) for row in answer["results"]]


async def test_it_counts_what_was_accepted_by_name_without_a_goal(ce: PlausibleServer) -> None:
    for address in ("10.1.1.1", "10.1.1.1", "10.1.1.2"):
        await send(ce, "email_open", address=address)
    await send(ce, "email_click")

    assert await results(ce) == [(["email_open"], [2, 3]), (["email_click"], [1, 1])]
    assert await results(ce, dimensions=[]) == [([], [2, 4])]
    assert await results(ce, dimensions=["event:goal"]) == []
    ce.site.goals.append(Goal(1, "email_open", display_name="Mails that were read"))
    assert await results(ce, dimensions=["event:goal"]) == [(["Mails that were read"], [2, 3])]
    assert await results(ce, filters=[["contains_not", "event:name", ["open"]]]) == [(["email_click"], [1, 1])]


async def test_days_are_the_sites_own_and_the_last_seven_are_without_today(ce: PlausibleServer, clock: At) -> None:
    await send(ce, "email_open")
    clock.time += timedelta(hours=1)
    await send(ce, "email_open")

    by_day = {"dimensions": ["time:day"], "metrics": ["events"]}
    everything = ["2026-11-20", "2026-11-30"]
    assert await results(ce, **by_day, date_range=everything) == [(["2026-11-25"], [1]), (["2026-11-26"], [1])]
    assert await results(ce, **by_day, date_range="7d") == [(["2026-11-25"], [1])]
    assert await results(ce, **by_day) == [(["2026-11-26"], [1])]
    _, answer = await query(ce)
    assert answer["query"]["date_range"] == ["2026-11-26T00:00:00+01:00", "2026-11-26T23:59:59+01:00"]


async def test_an_event_is_seen_only_after_a_while(ce: PlausibleServer, clock: At) -> None:
    ce.instance.visible_after = 5
    await send(ce, "email_open")

    assert await results(ce) == []
    clock.time += timedelta(seconds=6)
    assert await results(ce) == [(["email_open"], [1, 1])]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": ["events", "x"]}, '#/metrics/1: Invalid metric "x"'),
        ({"date_range": "x"}, '#/date_range: Invalid date range "x"'),
        ({"dimensions": ["event:x"]}, '#/dimensions/0: Invalid dimension "event:x"'),
        ({"colour": 1}, "#/colour: Schema does not allow additional properties."),
        ({"filters": [["is_not", "event:goal", ["x"]]]}, "#/filters/0: Invalid filter"),
        ({"filters": [["is", "event:goal", ["x"]]]}, "The goal `x` is not configured for this site."),
        ({"metrics": ["visits"]}, "Session metric(s) `visits` cannot be queried along with event dimensions."),
        ({"metrics": ["conversion_rate"]}, "can only be queried with event:goal filters or dimensions."),
        ({"order_by": [["pageviews", "asc"]]}, "Entry is not a queried metric or dimension."),
    ],
)
async def test_a_query_with_a_fault_is_a_400_in_its_words(
    ce: PlausibleServer, changes: dict[str, Any], words: str
) -> None:
    status, answer = await query(ce, **changes)

    assert status == 400
    assert words in answer["error"]


async def test_who_may_not_read_is_told_so(ce: PlausibleServer, cloud: PlausibleServer) -> None:
    assert (await query(ce, None))[0] == 401
    assert "Missing API key" in (await query(ce, None))[1]["error"]
    for key, site in (("wrong", SITE), ("foreign", SITE), ("stats-key", "unknown.example.com")):
        status, answer = await query(ce, key, site_id=site)
        assert (status, answer["error"].partition(".")[0]) == (401, "Invalid API key or site ID")
    assert (await ask(ce, "POST", "/api/v2/query", {}, key="stats-key"))[0] == 400
    cloud.site.has_stats = False
    assert (await query(cloud))[0] == 402
    cloud.site.has_stats, cloud.site.locked = True, True
    status, answer = await query(cloud)
    assert (status, "locked" in answer["error"]) == (402, True)


async def test_600_requests_an_hour_are_the_limit_on_cloud(ce: PlausibleServer, cloud: PlausibleServer) -> None:
    cloud.instance.burst = 10_000
    cloud.instance.keys["stats-key"].used = [datetime.now(UTC)] * 600
    ce.instance.burst = 1

    status, answer = await query(cloud)
    assert status == 429
    assert answer["error"].startswith("Too many API requests. The limit is 600 per hour.")
    assert [(await query(ce))[0] for _ in range(2)] == [200, 429]


async def test_cloud_finds_or_makes_goals_and_allows_props(cloud: PlausibleServer) -> None:
    goal = {"site_id": SITE, "goal_type": "event", "event_name": " email_open "}
    made = [await ask(cloud, "PUT", "/api/v1/sites/goals", goal, key="sites-key") for _ in range(2)]

    assert [status for status, _ in made] == [200, 200]
    assert [answer["event_name"] for _, answer in made] == ["email_open"] * 2
    status, answer = await ask(cloud, "GET", f"/api/v1/sites/goals?site_id={SITE}", key="sites-key")
    assert (status, [one["event_name"] for one in answer["goals"]]) == (200, ["email_open"])
    prop = {"site_id": SITE, "property": "client"}
    assert await ask(cloud, "PUT", "/api/v1/sites/custom-props", prop, key="sites-key") == (200, {"created": True})
    assert cloud.site.properties == ["client"]


@pytest.mark.parametrize(
    ("key", "body", "status", "words"),
    [
        (None, {}, 401, "Missing API key"),
        ("stats-key", {}, 401, "Invalid API key. "),
        ("sites-key", {}, 400, "Parameter `site_id` is required to create a goal"),
        ("sites-key", {"site_id": "no.example.com"}, 404, "Site could not be found"),
        ("sites-key", {"site_id": SITE, "goal_type": "event"}, 400, "Parameter `event_name` is required"),
        ("sites-key", {"site_id": SITE, "goal_type": "event", "event_name": "x" * 121}, 400, "Something went wrong: "),
        ("sites-key", {"site_id": SITE, "goal_type": "event", "event_name": "engagement"}, 400, "Something went wrong"),
    ],
)
async def test_cloud_refuses_in_its_words(
    cloud: PlausibleServer, key: str | None, body: dict[str, str], status: int, words: str
) -> None:
    found, answer = await ask(cloud, "PUT", "/api/v1/sites/goals", body, key=key)

    assert found == status
    assert words in answer["error"]


async def test_community_edition_has_no_sites_api_and_cloud_no_plugin_token(
    ce: PlausibleServer, cloud: PlausibleServer
) -> None:
    assert (await ask(ce, "GET", f"/api/v1/sites/goals?site_id={SITE}", key="sites-key"))[0] == 404
    assert (await ask(cloud, "PUT", "/api/plugins/v1/goals", {}, token="plausible-plugin-token"))[0] == 401


async def test_community_edition_provisions_with_a_plugin_token(ce: PlausibleServer) -> None:
    token = ce.plugin_token
    goal = {"goal_type": "Goal.CustomEvent", "goal": {"event_name": "email_open"}}
    assert [(await ask(ce, "PUT", "/api/plugins/v1/goals", goal, token=token))[0] for _ in range(2)] == [201, 201]
    assert [one.event for one in ce.site.goals] == ["email_open"]
    status, answer = await ask(ce, "GET", "/api/plugins/v1/goals", token=token)
    assert (status, answer["goals"][0]["goal"]["event_name"]) == (200, "email_open")
    props = {"custom_props": [{"custom_prop": {"key": "client"}}, {"custom_prop": {"key": "class"}}]}
    assert (await ask(ce, "PUT", "/api/plugins/v1/custom_props", props, token=token))[0] == 201
    assert ce.site.properties == ["client", "class"]


async def test_community_edition_refuses_in_its_words(ce: PlausibleServer) -> None:
    goal = {"goal_type": "Goal.CustomEvent", "goal": {"event_name": "engagement"}}
    assert (await ask(ce, "PUT", "/api/plugins/v1/goals", goal, token=ce.plugin_token))[0] == 422
    status, answer = await ask(ce, "PUT", "/api/plugins/v1/goals", goal, token="wrong")
    assert (status, answer["errors"][0]["detail"]) == (401, "Plugins API: unauthorized")
    status, answer = await ask(ce, "GET", "/api/plugins/v1/capabilities", token="wrong")
    assert (status, answer["authorized"], answer["data_domain"]) == (200, False, None)
    status, answer = await ask(ce, "GET", "/api/plugins/v1/capabilities", token=ce.plugin_token)
    assert (answer["authorized"], answer["data_domain"]) == (True, SITE)
