"""Goals and props of a site, as both provisioning APIs make them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.plausible.model import Event, Goal, Instance, Site

LONGEST_NAME = 120
LONGEST_PROP = 300
MOST_PROPS = 3
RESERVED = "engagement"


class Invalid(Exception):
    """Not a goal or prop: the field, and what is wrong with it."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}")
        self.field = field
        self.words = words


def find_or_create(
    instance: Instance,
    site: Site,
    *,
    event: object = None,
    page: object = None,
    display_name: object = None,
    currency: str | None = None,
    props: Mapping[str, str] | None = None,
) -> Goal:
    """The goal of this event or page; its name is trimmed. Raises Invalid."""
    event, page = _event(event), _page(page)
    if event is None and page is None:
        raise Invalid("event_name", "this field is required and cannot be blank")
    for goal in site.goals:
        if (goal.event, goal.page, dict(goal.props)) == (event, page, dict(props or {})):
            if goal.currency != currency:
                raise Invalid("event_name", f"'{event}' (with currency: {goal.currency}) has already been taken")
            return goal
    name = str(display_name or event or f"Visit {page}").strip()
    if any(goal.display_name == name for goal in site.goals):
        raise Invalid("display_name", "has already been taken")
    goal = Goal(instance.number(), event, page, name, currency, props or {})
    site.goals.append(goal)
    return goal


def allow_prop(site: Site, given: object) -> str:
    """Show a prop in the dashboard; raises Invalid."""
    if not isinstance(given, str) or not given.strip():
        raise Invalid("property", "can't be blank")
    if len(given.encode()) > LONGEST_PROP:
        raise Invalid("property", f"must be at most {LONGEST_PROP} bytes")
    if given.strip() not in site.properties:
        site.properties.append(given.strip())
    return given.strip()


def meets(goal: Goal, event: Event) -> bool:
    """Whether an event is a conversion of this goal: the names are exactly the same."""
    if goal.page is not None:
        return event.name == "pageview" and event.pathname == goal.page
    return event.name == goal.event


def _event(given: object) -> str | None:
    if given is None:
        return None
    name = given.strip() if isinstance(given, str) else ""
    if not name:
        raise Invalid("event_name", "this field is required and must be between 1 and 120 characters")
    if len(name) > LONGEST_NAME:
        raise Invalid("event_name", f"should be at most {LONGEST_NAME} character(s)")
    if name == RESERVED:
        raise Invalid("event_name", "The event name 'engagement' is reserved and cannot be used as a goal")
    return name


def _page(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip().startswith("/"):
        raise Invalid("page_path", "this field is required and must start with a /")
    return given.strip()
