"""The Plugins API, /api/plugins/v1: provisions one site, whose token is the password of Basic authentication."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from tests.support.plausible.goals import Invalid, allow_prop, find_or_create
from tests.support.plausible.http import Request, Response
from tests.support.plausible.keys import find
from tests.support.plausible.model import Goal, Instance, Site

PREFIX = "/api/plugins/v1"
MOST_AT_ONCE = 8
FEATURES = (
    "Funnels", "Goals", "Props", "RevenueGoals", "StatsAPI", "SitesAPI", "SiteSegments", "SharedLinks",
)  # fmt: skip
INTERNAL_PROPS = frozenset({"url", "path", "search_query"})


class _Wrong(Exception):
    """Answered with this status and these errors."""

    def __init__(self, status: int, *details: str) -> None:
        super().__init__(*details)
        self.status = status
        self.details = details


def answer(instance: Instance, request: Request) -> Response:
    """Answer a request below PREFIX."""
    site = _authorized(instance, request)
    path = request.path.removeprefix(PREFIX).strip("/").split("/")
    if (request.method, path) == ("GET", ["capabilities"]):
        return Response.of_json(200, _capabilities(instance, site))
    try:
        if site is None:
            raise _Wrong(401, "Plugins API: unauthorized")
        match request.method, path:
            case "PUT", ["goals"]:
                return _create_goals(instance, site, request)
            case "GET", ["goals"]:
                return Response.of_json(200, _listed("goals", [_shown(goal) for goal in site.goals]))
            case ("GET" | "DELETE") as method, ["goals", number]:
                return _one_goal(site, method, number)
            case "PUT", ["custom_props"]:
                return _allow_props(instance, site, request)
            case "DELETE", ["custom_props"]:
                for key in _prop_keys(_body(request)):
                    site.properties = [one for one in site.properties if one != key]
                return Response(204)
        raise _Wrong(404, "Plugins API: not found")
    except _Wrong as error:
        return Response.of_json(error.status, {"errors": [{"detail": detail} for detail in error.details]})


def _authorized(instance: Instance, request: Request) -> Site | None:
    kind, _, given = (request.header("authorization") or "").partition(" ")
    if kind != "Basic":
        return None
    try:
        token = base64.b64decode(given, validate=True).decode().partition(":")[2]
    except ValueError:
        return None
    domain = instance.plugin_tokens.get(token)
    return find(instance, domain) if domain is not None else None


def _capabilities(instance: Instance, site: Site | None) -> dict[str, Any]:
    on = {} if site is None else {"Goals": True, "Props": site.has_props, "StatsAPI": site.has_stats}
    if site is not None and instance.edition == "cloud":
        on["SitesAPI"] = any("sites" in key.scopes for key in instance.keys.values())
    return {
        "authorized": site is not None,
        "data_domain": site.domain if site is not None else None,
        "features": {name: on.get(name, False) for name in FEATURES},
    }


def _body(request: Request) -> dict[str, Any]:
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Wrong(422, "Invalid request: application/json is expected")
    try:
        body = json.loads(request.body)
    except ValueError:
        raise _Wrong(400, "Bad Request") from None
    if not isinstance(body, dict):
        raise _Wrong(422, "Invalid object. Got: array")
    return body


def _create_goals(instance: Instance, site: Site, request: Request) -> Response:
    body = _body(request)
    wanted = body.get("goals", [body])
    _check_many(wanted)
    # All or none.
    before = list(site.goals)
    try:
        made = [_create_goal(instance, site, one) for one in wanted]
    except _Wrong:
        site.goals[:] = before
        raise
    shown = [_shown(goal) for goal in made]
    response = Response.of_json(201, _listed("goals", shown) if "goals" in body else shown[0])
    response.headers += [("location", f"{PREFIX}/goals/{goal.number}") for goal in made]
    return response


def _create_goal(instance: Instance, site: Site, wanted: object) -> Goal:
    fields = wanted.get("goal") if isinstance(wanted, dict) else None
    if not isinstance(wanted, dict) or not isinstance(fields, dict):
        raise _Wrong(422, "Missing field: goal")
    try:
        match wanted.get("goal_type"):
            case "Goal.CustomEvent" if "event_name" in fields:
                return find_or_create(instance, site, event=fields["event_name"])
            case "Goal.Pageview" if "path" in fields:
                return find_or_create(instance, site, page=fields["path"])
            case "Goal.Revenue" if instance.edition == "cloud" and "currency" in fields:
                return find_or_create(instance, site, event=fields.get("event_name"), currency=fields["currency"])
    except Invalid as error:
        raise _Wrong(422, str(error)) from error
    raise _Wrong(422, "Failed to cast value using any of: Goal.CreateRequest")


def _one_goal(site: Site, method: str, number: str) -> Response:
    if not number.isdecimal():
        raise _Wrong(422, "Invalid integer. Got: string")
    found = next((goal for goal in site.goals if goal.number == int(number)), None)
    if method == "DELETE":
        if found is not None:
            site.goals.remove(found)
        return Response(204)
    if found is None:
        raise _Wrong(404, "Plugins API: resource not found")
    return Response.of_json(200, _shown(found))


def _prop_keys(body: dict[str, Any]) -> list[str]:
    wanted = body.get("custom_props", [body])
    if not isinstance(wanted, list):
        raise _Wrong(422, "Invalid array. Got: object")
    keys = []
    for one in wanted:
        prop = one.get("custom_prop") if isinstance(one, dict) else None
        key = prop.get("key") if isinstance(prop, dict) else None
        if not isinstance(key, str):
            raise _Wrong(422, "Missing field: key")
        keys.append(key)
    return keys


def _allow_props(instance: Instance, site: Site, request: Request) -> Response:
    keys = _prop_keys(_body(request))
    if not site.has_props and not set(keys) <= INTERNAL_PROPS:
        raise _Wrong(402, "Custom Properties is part of the Plausible Business plan. To get access to this feature, "
                     "please upgrade your account")  # fmt: skip
    try:
        allowed = [allow_prop(site, key) for key in keys]
    except Invalid as error:
        raise _Wrong(422, str(error)) from error
    return Response.of_json(201, _listed("custom_props", [{"custom_prop": {"key": key}} for key in allowed]))


def _check_many(wanted: object) -> None:
    if not isinstance(wanted, list):
        raise _Wrong(422, "Invalid array. Got: object")
    if len(wanted) > MOST_AT_ONCE:
        raise _Wrong(422, f"Array length {len(wanted)} is larger than maxItems: {MOST_AT_ONCE}")


def _listed(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    page = {"pagination": {"has_next_page": False, "has_prev_page": False, "links": {}}}
    return {name: rows, "meta": page}


def _shown(goal: Goal) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": goal.number, "display_name": goal.display_name}
    if goal.page is not None:
        return {"goal": {**fields, "path": goal.page}, "goal_type": "Goal.Pageview"}
    if goal.currency is not None:
        fields["currency"] = goal.currency
    kind = "Goal.Revenue" if goal.currency is not None else "Goal.CustomEvent"
    return {"goal": {**fields, "event_name": goal.event}, "goal_type": kind}
