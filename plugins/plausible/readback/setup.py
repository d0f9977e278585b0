"""Sets the site up at Plausible: goals that show our events, and properties that its pages may show.

Two ways, whichever the instance has: the Sites API (Plausible's cloud, an API key made for it) and the Plugins API
(Community Edition, a plugin token). Both find what is there already, so that it may be done again and again.
Source: https://plausible.io/docs/sites-api and the instance's own code; see docs/plausible.md.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel

from plugins.plausible.readback.caller import Caller
from plugins.plausible.readback.troubles import Api, Trouble
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.payload import MACHINE

SITES = "/api/v1/sites"
PLUGINS = "/api/plugins/v1"
PROPS = ("module", "client", "class", "link_host")
DEPARTMENT = "department"
TAGS = "tags"
Kind = Literal["goal", "property"]
State = Literal["made", "there", "failed", "not tried"]


class Item(BaseModel):
    """One goal or property, and what became of it. words: why it failed."""

    kind: Kind
    name: str
    state: State = "not tried"
    words: str = ""


class Done(BaseModel):
    """As it is stored. api: by which way, '' where none was open. problems: why a way was not, or where it ended."""

    at: datetime
    api: str = ""
    items: list[Item]
    problems: list[str] = []

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there now."""
        return all(one.state in ("made", "there") for one in self.items)


@dataclass(frozen=True)
class Wanted:
    """What the site needs, in the order in which to type it in."""

    goals: Sequence[str]
    props: Sequence[str]

    @classmethod
    def of(cls, settings: PlausibleSettings) -> Wanted:
        """With the settings of now."""
        names = [settings.open_event_name, settings.click_event_name]
        if settings.send_machine_events:
            names += [name + MACHINE for name in names]
        chosen = ((DEPARTMENT, settings.send_department), (TAGS, settings.send_tags))
        return cls(list(dict.fromkeys(names)), [*PROPS, *(prop for prop, is_sent in chosen if is_sent)])

    @property
    def items(self) -> list[Item]:
        """All of it, not tried."""
        return [
            *(Item(kind="goal", name=name) for name in self.goals),
            *(Item(kind="property", name=name) for name in self.props),
        ]


async def set_up(caller: Caller, settings: PlausibleSettings) -> Done:
    """Do it by the first way that is open. Never raises Trouble: what failed stands in the answer."""
    done = Done(at=caller.now, items=Wanted.of(settings).items)
    ways: list[tuple[Api, Callable[[Caller, str, list[Item]], Awaitable[None]], str]] = []
    if settings.api_key is not None:
        ways.append((Api.SITES, _by_sites_api, settings.api_key.get_secret_value()))
    if settings.plugin_token is not None:
        ways.append((Api.PLUGINS, _by_plugins_api, settings.plugin_token.get_secret_value()))
    for api, way, secret in ways:
        try:
            await way(caller, secret, done.items)
        except Trouble as trouble:
            words = trouble.words
            if trouble.status == 404 and not trouble.said:
                words = f"This Plausible has no {api}."
            done.problems.append(words)
            if any(one.state != "not tried" for one in done.items):
                done.api = api.value
                return done
        else:
            return Done(at=done.at, api=api.value, items=done.items)
    return done


async def _by_sites_api(caller: Caller, key: str, items: list[Item]) -> None:
    auth = f"Bearer {key}"

    async def call(method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        return await caller.call(Api.SITES, method, SITES + path, auth=auth, body=body, query=query or None)

    goals = await call("GET", "/goals", site_id=caller.site, limit="1000")
    known = _texts(goals.get("goals"), "event_name")
    found = (await call("GET", f"/{quote(caller.site, safe='')}")).get("custom_properties")
    known_props = {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()
    for item in items:
        if item.name in (known if item.kind == "goal" else known_props):
            item.state = "there"
        elif item.kind == "goal":
            body = {"site_id": caller.site, "goal_type": "event", "event_name": item.name}
            await _make(item, call("PUT", "/goals", body))
        else:
            await _make(item, call("PUT", "/custom-props", {"site_id": caller.site, "property": item.name}))


async def _by_plugins_api(caller: Caller, token: str, items: list[Item]) -> None:
    auth = "Basic " + base64.b64encode(f"myportal:{token}".encode()).decode()

    async def call(method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        return await caller.call(Api.PLUGINS, method, PLUGINS + path, auth=auth, body=body, query=query or None)

    about = await call("GET", "/capabilities")
    owner = about.get("data_domain")
    if about.get("authorized") is True and owner != caller.site:
        raise Trouble(
            f"The plugin token is one for another site ({owner}): make one at Plausible in the settings of "
            f"{caller.site}, and replace it in the settings."
        )
    listed = (await call("GET", "/goals", limit="100")).get("goals")
    known = _texts([one.get("goal") for one in listed if isinstance(one, dict)] if listed else [], "event_name")
    for item in items:
        if item.kind == "goal" and item.name in known:
            item.state = "there"
        elif item.kind == "goal":
            body = {"goal_type": "Goal.CustomEvent", "goal": {"event_name": item.name}}
            await _make(item, call("PUT", "/goals", body))
        else:
            await _make(item, call("PUT", "/custom_props", {"custom_prop": {"key": item.name}}))


async def _make(item: Item, request: Awaitable[Any]) -> None:
    """Note what became of one. Raises Trouble where it says something of the others too."""
    try:
        await request
    except Trouble as trouble:
        # A name that is refused, or a plan without properties, says nothing of the others.
        item.state = "failed"
        item.words = f"{trouble.said}." if trouble.said else trouble.words
        if trouble.status not in (400, 402, 422):
            raise
    else:
        item.state = "made"


def _texts(rows: Any, key: str) -> set[str]:
    if not isinstance(rows, list):
        return set()
    # A goal that asks for properties too shows only a part of the events.
    plain = (row for row in rows if isinstance(row, dict) and not row.get("custom_props"))
    return {row[key] for row in plain if isinstance(row.get(key), str)}
