"""The Sites API, /api/v1/sites: on Cloud only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.plausible.goals import MOST_PROPS, Invalid, allow_prop, find_or_create
from tests.support.plausible.http import Request, Response
from tests.support.plausible.keys import Refused, find, key_of, parameters
from tests.support.plausible.model import Goal, Instance, Key, Site

PREFIX = "/api/v1/sites"
PAGE, LONGEST_PAGE = 100, 1000
NO_PROPS = "Your current subscription plan does not include Custom Properties"


def answer(instance: Instance, request: Request) -> Response:
    """Answer a request below PREFIX."""
    if instance.edition == "ce":
        return Response(404, b"Not Found")
    try:
        key = key_of(instance, request, "sites")
        return Response.of_json(200, _do(instance, key, request, parameters(request)))
    except Refused as error:
        return error.response()


def _do(instance: Instance, key: Key, request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    match request.method, request.path.removeprefix(PREFIX).strip("/").split("/"):
        case "POST", [""]:
            return _create_site(instance, key, given)
        case "GET", ["goals"]:
            return _list_goals(_site(instance, key, given, "list goals"), given)
        case "PUT", ["goals"]:
            return _create_goal(instance, key, given)
        case "DELETE", ["goals", number]:
            return _delete_goal(_site(instance, key, given, "delete a goal"), number)
        case "PUT", ["custom-props"]:
            site = _site(instance, key, given, "create a custom property")
            return _allow(site, given)
        case "GET", [domain] if domain:
            site = _owned(instance, key, domain)
            return {"domain": site.domain, "timezone": site.timezone, "custom_properties": site.properties}
    raise Refused(404, "Not Found")


def _site(instance: Instance, key: Key, given: Mapping[str, Any], what: str) -> Site:
    if given.get("site_id") is None:
        raise Refused(400, f"Parameter `site_id` is required to {what}")
    return _owned(instance, key, given["site_id"])


def _owned(instance: Instance, key: Key, domain: object) -> Site:
    site = find(instance, domain)
    if site is None or site.domain not in key.sites:
        raise Refused(404, "Site could not be found")
    return site


def _create_site(instance: Instance, key: Key, given: Mapping[str, Any]) -> dict[str, Any]:
    domain = given.get("domain")
    if not isinstance(domain, str) or not domain.strip():
        raise Refused(400, "domain: can't be blank")
    domain = domain.strip().lower().removeprefix("www.")
    if find(instance, domain) is not None:
        raise Refused(400, "domain: This domain cannot be registered. Perhaps one of your colleagues registered it?")
    site = Site(domain, given.get("timezone") or "Etc/UTC", created=instance.clock())
    instance.sites[domain] = site
    key.sites |= {domain}
    return {"domain": site.domain, "timezone": site.timezone}


def _create_goal(instance: Instance, key: Key, given: Mapping[str, Any]) -> dict[str, Any]:
    what = "create a goal"
    site = _site(instance, key, given, what)
    kind = given.get("goal_type")
    if kind is None:
        raise Refused(400, f"Parameter `goal_type` is required to {what}")
    field = {"event": "event_name", "page": "page_path"}.get(kind)
    if field is None:
        raise Refused(400, f"Something went wrong: invalid goal_type {kind!r}")
    if given.get(field) is None:
        raise Refused(400, f"Parameter `{field}` is required to {what}")
    props = given.get("custom_props") or {}
    if (
        not isinstance(props, dict)
        or len(props) > MOST_PROPS
        or not all(isinstance(one, str) for one in props.values())
    ):
        raise Refused(400, f"Something went wrong: custom_props: at most {MOST_PROPS}, with strings as values")
    try:
        goal = find_or_create(
            instance,
            site,
            **{"event" if kind == "event" else "page": given[field]},
            display_name=given.get("display_name"),
            props=props,
        )
    except Invalid as error:
        raise Refused(400, f"Something went wrong: {error}") from error
    return {"domain": site.domain, **_shown(goal)}


def _list_goals(site: Site, given: Mapping[str, Any]) -> dict[str, Any]:
    limit = min(int(given.get("limit", PAGE)), LONGEST_PAGE)
    newest_first = sorted(site.goals, key=lambda goal: -goal.number)
    if given.get("after"):
        newest_first = [goal for goal in newest_first if goal.number < int(given["after"])]
    page, more = newest_first[:limit], len(newest_first) > limit
    return {
        "goals": [_shown(goal) for goal in page],
        "meta": {"after": str(page[-1].number) if more else None, "before": given.get("after"), "limit": limit},
    }


def _delete_goal(site: Site, number: str) -> dict[str, Any]:
    for goal in site.goals:
        if str(goal.number) == number:
            site.goals.remove(goal)
            return {"deleted": True}
    raise Refused(404, "Goal could not be found")


def _allow(site: Site, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("property") is None:
        raise Refused(400, "Parameter `property` is required to create a custom property")
    if not site.has_props:
        raise Refused(402, NO_PROPS)
    try:
        allow_prop(site, given["property"])
    except Invalid as error:
        raise Refused(400, f"Something went wrong: {error}") from error
    return {"created": True}


def _shown(goal: Goal) -> dict[str, Any]:
    return {
        "id": str(goal.number),
        "display_name": goal.display_name,
        "goal_type": "page" if goal.page is not None else "event",
        "event_name": goal.event,
        "page_path": goal.page,
        "custom_props": dict(goal.props),
    }
