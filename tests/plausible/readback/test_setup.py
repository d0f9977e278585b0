"""Setting Plausible up: by whichever API the instance has, again and again, each goal and property with its outcome."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from plugins.plausible.classify import Class
from plugins.plausible.events import CLICK
from plugins.plausible.readback.setup import DEPARTMENT, PROPS
from plugins.plausible.sync.payload import Names, Told, build
from tests.plausible.readback.conftest import Desk, forget
from tests.plausible.readback.test_asking import NOON
from tests.support.plausible import Goal, PlausibleServer

EVENTS = ["email_open", "email_click"]
MACHINES = ["email_open_machine", "email_click_machine"]


def states(done: object) -> dict[str, str]:
    items = done.items  # type: ignore[attr-defined]
    return {one.name: one.state for one in items}


@pytest.fixture
async def cloud(desk: Desk) -> AsyncIterator[PlausibleServer]:
    """Another instance, like Plausible's cloud, to which the portal is turned."""
    async with PlausibleServer(edition="cloud", site="help.example.com") as server:
        await desk.world.set(base_url=server.base_url, api_key="sites-key")
        yield server


async def test_cloud_is_set_up_by_the_sites_api_and_again_without_harm(desk: Desk, cloud: PlausibleServer) -> None:
    cloud.site.properties.append("client")
    await desk.world.set(send_machine_events=True, send_department=True)

    done = await desk.done()

    assert (done.api, done.problems, done.is_complete) == ("Sites API", [], True)
    assert [goal.event for goal in cloud.site.goals] == EVENTS + MACHINES
    assert set(cloud.site.properties) == {*PROPS, DEPARTMENT}
    assert states(done)["client"] == "there"
    assert set(states(await desk.done()).values()) == {"there"}
    assert len(cloud.site.goals) == 4


async def test_a_goal_for_a_part_of_the_events_is_not_the_one(desk: Desk, cloud: PlausibleServer) -> None:
    cloud.site.goals.append(Goal(99, "email_open", display_name="By people", props={"class": "human"}))

    assert states(await desk.done())["email_open"] == "made"
    assert [goal.display_name for goal in cloud.site.goals] == ["By people", *EVENTS]


async def test_community_edition_is_set_up_by_the_plugins_api(desk: Desk) -> None:
    await desk.world.set(plugin_token=desk.plausible.plugin_token)
    desk.plausible.site.goals.append(Goal(7, "email_click", display_name="Links"))

    done = await desk.done()

    assert (done.api, done.problems, done.is_complete) == ("Plugins API", [], True)
    assert (states(done)["email_open"], states(done)["email_click"]) == ("made", "there")
    assert [goal.event for goal in desk.plausible.site.goals] == ["email_click", "email_open"]
    assert desk.plausible.site.properties == list(PROPS)


async def test_without_a_way_it_says_why_and_makes_nothing(desk: Desk) -> None:
    done = await desk.done()

    assert (done.api, done.problems) == ("", ["This Plausible has no Sites API."])
    assert set(states(done).values()) == {"not tried"}


async def test_a_key_that_only_reads_is_told(desk: Desk, cloud: PlausibleServer) -> None:
    await desk.world.set(api_key="stats-key")

    done = await desk.done()

    assert done.api == ""
    assert "is one for the Stats API only" in done.problems[0]
    assert cloud.site.goals == []


async def test_a_site_that_the_key_does_not_know_is_told_in_plausibles_words(
    desk: Desk, cloud: PlausibleServer
) -> None:
    await desk.world.set(site_domain="other.example.com")

    assert "Site could not be found" in (await desk.done()).problems[0]


async def test_a_wrong_token_and_one_of_another_site_make_nothing(desk: Desk) -> None:
    await forget("api_key")
    await desk.world.set(plugin_token="plausible-plugin-wrong")
    assert "does not take the plugin token" in (await desk.done()).problems[0]

    desk.plausible.instance.sites["other.example.com"] = type(desk.plausible.site)("other.example.com")
    desk.plausible.instance.plugin_tokens["plausible-plugin-other"] = "other.example.com"
    await desk.world.set(plugin_token="plausible-plugin-other")
    assert "one for another site (other.example.com)" in (await desk.done()).problems[0]
    assert all(site.goals == [] for site in desk.plausible.instance.sites.values())


async def test_a_plan_without_properties_costs_them_alone(desk: Desk, cloud: PlausibleServer) -> None:
    cloud.site.has_props = False

    done = await desk.done()

    found = states(done)
    assert [found[name] for name in (*EVENTS, *PROPS)] == ["made"] * 2 + ["failed"] * 4
    assert "does not include Custom Properties" in done.items[-1].words


async def test_a_name_under_which_another_goal_is_shown_costs_it_alone(desk: Desk) -> None:
    await desk.world.set(plugin_token=desk.plausible.plugin_token, open_event_name="Order")
    desk.plausible.site.goals.append(Goal(1, "Other", display_name="Order"))

    done = await desk.done()

    assert (states(done)["Order"], states(done)["email_click"]) == ("failed", "made")
    assert "has already been taken" in done.items[0].words


async def test_what_was_not_reached_stands_there_as_not_tried(desk: Desk) -> None:
    await desk.world.set(plugin_token=desk.plausible.plugin_token)
    desk.plausible.faults.status(503, path="/api/plugins/v1/custom_props", times=1)

    done = await desk.done()

    assert list(states(done).values()) == ["made", "made", "failed", "not tried", "not tried", "not tried"]
    assert "Plausible failed (503)" in done.problems[-1]
    assert (await desk.done()).is_complete


def test_the_properties_are_those_that_events_carry() -> None:
    told = Told(CLICK, NOON, Class.HUMAN, "Mozilla/5.0", None, "https://shop.example", "a@b.example", "Sales")
    sent = build(
        told, site="a.example", names=Names(), mode="none", whole_addresses=False, key=bytes(32), today=NOON.date()
    )
    assert set(json.loads(sent.body)["props"]) == {*PROPS, DEPARTMENT}
