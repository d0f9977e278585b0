"""What an instance of Plausible holds: sites, goals, keys, what it accepted and what it refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from tests.support.plausible.http import Request

CACHE = timedelta(seconds=24)
"""How long a new site is not known to ingestion."""
Edition = Literal["cloud", "ce"]
Scope = Literal["stats", "sites"]


@dataclass
class Goal:
    """A goal of a site; `event` and `page` exclude each other, `currency` makes it a revenue goal."""

    number: int
    event: str | None = None
    page: str | None = None
    display_name: str = ""
    currency: str | None = None
    props: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A site and its switches.

    created: events are not found for `CACHE` after it, None for long ago. former: a name it had before.
    locked: the plan has lapsed. limit: events in 60 s, 0 blocks the site, None is without limit.
    hostnames: only these may send (`*` stands for anything); pages, addresses, countries: shields that drop.
    persist_errors: so many next events are lost while they are stored.
    properties: props shown in the dashboard. has_props: the plan has custom properties.
    """

    domain: str
    timezone: str = "UTC"
    created: datetime | None = None
    former: str | None = None
    locked: bool = False
    limit: int | None = None
    hostnames: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    persist_errors: int = 0
    goals: list[Goal] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    has_props: bool = True
    has_stats: bool = True
    arrivals: list[datetime] = field(default_factory=list)
    """When the events of the last 60 s came, for `limit`."""


@dataclass(frozen=True)
class Event:
    """An event that counts. visitor: the id that uniques are counted by. client_ip: what was hashed into it."""

    name: str
    url: str
    hostname: str
    pathname: str
    domain: str
    referrer: str | None
    props: Mapping[str, str]
    interactive: bool
    revenue: Mapping[str, object] | None
    visitor: int
    client_ip: str
    user_agent: str
    received: datetime
    request: Request


@dataclass(frozen=True)
class Dropped:
    """An event that was answered 202 and does not count, with Plausible's reason."""

    reason: str
    name: str
    domain: str
    request: Request


@dataclass(frozen=True)
class Rejected:
    """A request to /api/event that was answered 400 or the like."""

    status: int
    errors: Mapping[str, list[str]]
    request: Request


@dataclass
class Key:
    """An API key. sites: domains of its team; `sites` in scopes allows to provision."""

    sites: frozenset[str]
    scopes: frozenset[Scope] = frozenset({"stats"})
    used: list[datetime] = field(default_factory=list)


@dataclass
class Instance:
    """One instance.

    spam_referrers: hosts on Matomo's spam list. data_centres, threats: networks that Cloud's edge knows.
    countries_of: networks → country. plugin_tokens: token → domain. visible_after: seconds until a query sees an event.
    requests_per_hour, burst: limits of a key: per hour, and within 10 s; None stands for the edition's own.
    """

    edition: Edition
    sites: dict[str, Site]
    keys: dict[str, Key] = field(default_factory=dict)
    plugin_tokens: dict[str, str] = field(default_factory=dict)
    spam_referrers: frozenset[str] = frozenset()
    data_centres: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    threats: tuple[str, ...] = ()
    countries_of: Mapping[str, str] = field(default_factory=dict)
    visible_after: float = 0.0
    requests_per_hour: int | None = None
    burst: int | None = None
    ready: bool = True
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    events: list[Event] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    sessions: dict[int, datetime] = field(default_factory=dict)
    last_number: int = 0

    def number(self) -> int:
        """A new id."""
        self.last_number += 1
        return self.last_number
