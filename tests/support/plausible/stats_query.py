"""A query of the Stats API v2: which there are, and what is said to others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.plausible.keys import Refused
from tests.support.plausible.model import Instance, Site

KEYS = frozenset(
    {"site_id", "metrics", "date_range", "dimensions", "filters", "order_by", "include", "pagination"}
)  # fmt: skip
COMPUTED = frozenset({"visitors", "events", "pageviews"})
SESSION = frozenset({"visits", "bounce_rate", "visit_duration", "views_per_visit"})
METRICS = COMPUTED | SESSION | {"percentage", "conversion_rate", "group_conversion_rate", "scroll_depth",
                                "time_on_page", "average_revenue", "total_revenue"}  # fmt: skip
DIMENSIONS = frozenset(
    {"event:name", "event:page", "event:goal", "event:hostname", "time", "time:hour", "time:day", "time:week",
     "time:month", "visit:source", "visit:referrer", "visit:country", "visit:device", "visit:browser", "visit:os",
     "visit:entry_page", "visit:exit_page"}
)  # fmt: skip
OPERATORS = frozenset({"is", "is_not", "contains", "contains_not", "matches", "matches_not"})
GOAL_OPERATORS = frozenset({"is", "contains"})
MOST_ROWS = 10_000
INCLUDE = frozenset({"imports", "time_labels", "total_rows", "comparisons"})


@dataclass(frozen=True)
class Query:
    """A query that holds. first, last: inclusive, in the site's time zone."""

    site: Site
    metrics: Sequence[str]
    first: datetime
    last: datetime
    dimensions: Sequence[str]
    filters: Sequence[Any]
    order_by: Sequence[tuple[str, str]]
    total_rows: bool
    limit: int
    offset: int


def parse(instance: Instance, site: Site, body: Mapping[str, Any]) -> Query:
    """Read a query. Raises Refused with every fault of form, or the first one of meaning."""
    _check_form(body)
    dimensions = body.get("dimensions", [])
    metrics = body["metrics"]
    filters = body.get("filters", [])
    order_by = [tuple(entry) for entry in body.get("order_by", [])]
    for entry in order_by:
        if entry[0] not in (*metrics, *dimensions):
            raise Refused(400, f"Invalid order_by entry '{list(entry)}'. Entry is not a queried metric or dimension.")
    _check_meaning(site, metrics, dimensions, filters)
    if not order_by:
        times = [(one, "asc") for one in dimensions if one.startswith("time")]
        order_by = [*times, (metrics[0], "desc")]
    pages = body.get("pagination", {})
    first, last = _range(body["date_range"], instance.clock().astimezone(ZoneInfo(site.timezone)))
    include = body.get("include", {})
    if include.get("time_labels") and not any(one.startswith("time") for one in dimensions):
        raise Refused(400, "Invalid include.time_labels: requires a time dimension.")
    limit, offset = pages.get("limit", MOST_ROWS), pages.get("offset", 0)
    total = include.get("total_rows", False)
    return Query(site, metrics, first, last, dimensions, filters, order_by, total, limit, offset)


def leaves(filters: Sequence[Any], depth: int = 0) -> list[tuple[int, Sequence[Any]]]:
    """Every single filter, with how deep it stands."""
    found: list[tuple[int, Sequence[Any]]] = []
    for one in filters:
        if one[0] in ("and", "or"):
            found += leaves(one[1], depth + 1)
        elif one[0] == "not":
            found += leaves([one[1]], depth + 1)
        else:
            found.append((depth, one))
    return found


def _check_form(body: Mapping[str, Any]) -> None:
    errors = [f"#/{key}: Schema does not allow additional properties." for key in body if key not in KEYS]
    missing = sorted({"date_range", "metrics"} - set(body))
    if len(missing) == 1:
        errors.append(f"#: Required property {missing[0]} was not present.")
    elif missing:
        errors.append(f"#: Required properties {', '.join(missing)} were not present.")
    errors += _list_errors(body, "metrics", "metric", lambda one: one in METRICS, least=1)
    errors += _list_errors(body, "dimensions", "dimension", _is_dimension)
    errors += _list_errors(body, "filters", "filter", _is_filter)
    errors += _list_errors(body, "order_by", "", _is_order)
    if "date_range" in body and not _is_range(body["date_range"]):
        errors.append(f"#/date_range: Invalid date range {_inspect(body['date_range'])}")
    for key, known in (("include", INCLUDE), ("pagination", {"limit", "offset"})):
        part = body.get(key, {})
        if not isinstance(part, dict):
            errors.append(f"#/{key}: Type mismatch. Expected Object but got {_kind(part)}.")
        else:
            errors += [
                f"#/{key}/{one}: Schema does not allow additional properties." for one in part if one not in known
            ]
    limit = body.get("pagination", {}).get("limit", 1) if isinstance(body.get("pagination", {}), dict) else 1
    if not isinstance(limit, int) or not 1 <= limit <= MOST_ROWS:
        errors.append(f"#/pagination/limit: Expected the value to be <= {MOST_ROWS}")
    if errors:
        raise Refused(400, "\n".join(errors))


def _list_errors(
    body: Mapping[str, Any], key: str, word: str, holds: Callable[[Any], bool], *, least: int = 0
) -> list[str]:
    given = body.get(key)
    if given is None:
        return [] if key not in body else [f"#/{key}: Type mismatch. Expected Array but got Null."]
    if not isinstance(given, list):
        return [f"#/{key}: Type mismatch. Expected Array but got {_kind(given)}."]
    if len(given) < least:
        return [f"#/{key}: Expected a minimum of {least} items but got {len(given)}."]
    said = f"Invalid {word}" if word else "Invalid value in order_by"
    return [f"#/{key}/{place}: {said} {_inspect(one)}" for place, one in enumerate(given) if not holds(one)]


def _is_dimension(one: object) -> bool:
    if not isinstance(one, str):
        return False
    return one in DIMENSIONS or (one.startswith("event:props:") and len(one) > len("event:props:"))


def _is_filter(one: object) -> bool:
    match one:
        case ["and" | "or", list() as parts] if parts:
            return all(_is_filter(part) for part in parts)
        case ["not", part]:
            return _is_filter(part)
        case [operator, "event:goal", list() as values]:
            return operator in GOAL_OPERATORS and all(isinstance(value, str) for value in values)
        case [operator, dimension, list() as values]:
            is_known = _is_dimension(dimension) and not str(dimension).startswith("time")
            return operator in OPERATORS and is_known and all(isinstance(value, str) for value in values)
    return False


def _is_order(one: object) -> bool:
    return isinstance(one, list) and len(one) == 2 and one[1] in ("asc", "desc") and isinstance(one[0], str)


def _check_meaning(site: Site, metrics: Sequence[str], dimensions: Sequence[str], filters: Sequence[Any]) -> None:
    every = leaves(filters)
    for depth, one in every:
        if depth and one[1] in ("event:goal", "event:hostname"):
            raise Refused(400, f"Invalid filters. Dimension `{one[1]}` can only be filtered at the top level.")
    used = {one[1] for _, one in every} | set(dimensions)
    if not site.has_props and any(one.startswith("event:props:") for one in used):
        raise Refused(400, "The owner of this site does not have access to the custom properties feature.")
    names = {goal.display_name for goal in site.goals}
    for value in (value for _, one in every if one[:2] == ["is", "event:goal"] for value in one[2]):
        if value not in names:
            raise Refused(
                400,
                f"The goal `{value}` is not configured for this site. Find out how to configure goals here: "
                "https://plausible.io/docs/stats-api#filtering-by-goals",
            )
    for metric in metrics:
        if metric in ("conversion_rate", "group_conversion_rate") and "event:goal" not in used:
            raise Refused(400, f"Metric `{metric}` can only be queried with event:goal filters or dimensions.")
    session = [one for one in metrics if one in SESSION]
    if session and any(one.startswith("event:") and one != "event:page" for one in dimensions):
        raise Refused(400, f"Session metric(s) `{', '.join(session)}` cannot be queried along with event dimensions.")


def _is_range(given: object) -> bool:
    match given:
        case "day" | "24h" | "month" | "year" | "all":
            return True
        case str():
            return given.rstrip("dmo").isdecimal() and given.lstrip("0123456789") in ("d", "mo")
        case [str(), str()]:
            return _pair(given) is not None
    return False


def _pair(given: Sequence[str]) -> tuple[datetime | date, datetime | date] | None:
    try:
        if all(len(one) == 10 for one in given):
            return date.fromisoformat(given[0]), date.fromisoformat(given[1])
        found = [datetime.fromisoformat(one) for one in given]
    except ValueError:
        return None
    return (found[0], found[1]) if all(one.tzinfo is not None for one in found) else None


def _range(given: Any, now: datetime) -> tuple[datetime, datetime]:
    """Of "7d" and the like today is no part, since release 3.0.0."""
    today = now.date()
    first = last = today
    if given == "24h":
        return now - timedelta(hours=24), now
    if isinstance(given, list):
        pair = _pair(given)
        assert pair is not None
        if isinstance(pair[0], datetime) and isinstance(pair[1], datetime):
            return pair[0].astimezone(now.tzinfo), pair[1].astimezone(now.tzinfo)
        first, last = pair
    elif given == "month":
        first, last = today.replace(day=1), _month_end(today)
    elif given == "year":
        first, last = today.replace(month=1, day=1), today.replace(month=12, day=31)
    elif given == "all":
        first = date(2020, 1, 1)
    elif given.endswith("mo"):
        last = today.replace(day=1) - timedelta(days=1)
        months = last.year * 12 + last.month - int(given.removesuffix("mo"))
        first = date(months // 12, months % 12 + 1, 1)
    elif given != "day":
        first, last = today - timedelta(days=int(given.removesuffix("d"))), today - timedelta(days=1)
    start = datetime.combine(first, datetime.min.time(), now.tzinfo)
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return start, (end.astimezone(UTC) - timedelta(seconds=1)).astimezone(now.tzinfo)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _inspect(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _kind(value: object) -> str:
    names = {str: "String", int: "Integer", dict: "Object", list: "Array", bool: "Boolean", float: "Number"}
    return names.get(type(value), "Null")
