"""The Stats API v2, POST /api/v2/query: counts what the instance accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.plausible.goals import meets
from tests.support.plausible.http import Request, Response
from tests.support.plausible.keys import Refused, key_of, parameters, readable_site
from tests.support.plausible.model import Event, Instance
from tests.support.plausible.stats_query import COMPUTED, Query, parse

PATH = "/api/v2/query"
NONE = "(none)"


def answer(instance: Instance, request: Request) -> Response:
    """Answer a query."""
    try:
        key = key_of(instance, request, "stats")
        given = parameters(request)
        query = parse(instance, readable_site(instance, key, given), given)
    except Refused as error:
        return error.response()
    if not COMPUTED.issuperset(query.metrics):
        raise NotImplementedError(f"the stand-in computes {', '.join(sorted(COMPUTED))} only")
    rows = _rows(instance, query)
    for name, direction in reversed(query.order_by):
        rows.sort(key=_sort_key(query, name), reverse=direction == "desc")
    shown = rows[query.offset : query.offset + query.limit]
    meta = {"total_rows": len(rows)} if query.total_rows else {}
    echo = {
        "site_id": query.site.domain,
        "metrics": query.metrics,
        "date_range": [query.first.isoformat(timespec="seconds"), query.last.isoformat(timespec="seconds")],
        "filters": query.filters,
        "dimensions": query.dimensions,
        "order_by": [list(one) for one in query.order_by],
        "include": {},
        "pagination": {"offset": query.offset, "limit": query.limit},
    }
    results = [{"metrics": metrics, "dimensions": dimensions} for dimensions, metrics in shown]
    return Response.of_json(200, {"results": results, "meta": meta, "query": echo})


def _rows(instance: Instance, query: Query) -> list[tuple[list[str], list[int]]]:
    seen = instance.clock() - timedelta(seconds=instance.visible_after)
    groups: dict[tuple[str, ...], list[Event]] = {} if query.dimensions else {(): []}
    for event in instance.events:
        at = event.received
        if event.domain != query.site.domain or at > seen or not query.first <= at < query.last + timedelta(seconds=1):
            continue
        # What is no custom event and no pageview is counted by no metric.
        if event.name == "engagement" or not all(_holds(query, event, one) for one in query.filters):
            continue
        for place in _places(query, event, list(query.dimensions)):
            groups.setdefault(place, []).append(event)
    return [(list(place), [_metric(name, events) for name in query.metrics]) for place, events in groups.items()]


def _metric(name: str, events: Sequence[Event]) -> int:
    if name == "visitors":
        return len({one.visitor for one in events})
    return sum(name == "events" or one.name == "pageview" for one in events)


def _places(query: Query, event: Event, dimensions: list[str]) -> Iterable[tuple[str, ...]]:
    """The groups of an event: one, or one for each goal that it meets."""
    if not dimensions:
        yield ()
        return
    for value in _values(query, event, dimensions[0]):
        for rest in _places(query, event, dimensions[1:]):
            yield (value, *rest)


def _values(query: Query, event: Event, dimension: str) -> list[str]:
    at = event.received.astimezone(ZoneInfo(query.site.timezone))
    match dimension:
        case "event:goal":
            return [goal.display_name for goal in query.site.goals if meets(goal, event)]
        case "event:name":
            return [event.name]
        case "event:page":
            return [event.pathname]
        case "event:hostname":
            return [event.hostname]
        case "time" | "time:day":
            return [at.date().isoformat()]
        case "time:hour":
            return [f"{at:%Y-%m-%d %H:00:00}"]
        case "time:week":
            return [(at.date() - timedelta(days=at.weekday())).isoformat()]
        case "time:month":
            return [at.date().replace(day=1).isoformat()]
    if dimension.startswith("event:props:"):
        return [event.props.get(dimension.removeprefix("event:props:"), NONE)]
    raise NotImplementedError(f"the stand-in has no values of {dimension}")


def _holds(query: Query, event: Event, given: Sequence[Any]) -> bool:
    match given[0]:
        case "and":
            return all(_holds(query, event, one) for one in given[1])
        case "or":
            return any(_holds(query, event, one) for one in given[1])
        case "not":
            return not _holds(query, event, given[1])
    operator, dimension, wanted = given[:3]
    values = _values(query, event, dimension)
    compare: Callable[[str, str], bool]
    if operator.startswith("contains"):
        compare = str.__contains__
    elif operator.startswith("matches"):
        compare = _matches
    else:
        compare = str.__eq__
    found = any(compare(value, one) for value in values for one in wanted)
    return not found if operator.endswith("_not") else found


def _matches(value: str, pattern: str) -> bool:
    return re.search(pattern, value) is not None


def _sort_key(query: Query, name: str) -> Callable[[tuple[list[str], list[int]]], Any]:
    if name in query.metrics:
        return lambda row: row[1][query.metrics.index(name)]
    return lambda row: row[0][query.dimensions.index(name)]
