"""What classification is given, and what it gives back: plain values, no clock, no database. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Class(StrEnum):
    """Who made a request."""

    HUMAN = "human"
    HUMAN_PROXY = "human_proxy"
    PRIVACY_PREFETCH = "privacy_prefetch"
    SCANNER = "scanner"
    BOT = "bot"
    PREVIEW = "preview"
    SELF = "self"


PERSONS = frozenset({Class.HUMAN, Class.HUMAN_PROXY})
READ_FROM = 0.7
"""The least confidence at which a person's request makes a mail Read."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for the pixel or a link of one recipient's copy."""

    at: datetime
    """Aware."""
    kind: Literal["open", "click"]
    link: str | None = None
    """The destination of a click, as `Context.links` writes it."""
    method: str = "GET"
    user_agent: str | None = None
    referrer: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    """Those that `chosen_headers` keeps; None where they were never stored, which is no evidence."""
    networks: frozenset[str] = frozenset()
    """What `Networks.classes_of` said of the address, before it was cut."""
    client: str | None = None
    """Equal for requests from one address, as far as the privacy setting lets it be told; None where it does not."""
    agent_session: bool = False
    customer_session: bool = False
    repeats: int = 1
    """How many identical requests this one stands for."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the copy apart from the requests. Times are aware."""

    sent_at: datetime | None = None
    """When the delivery that succeeded began."""
    delivered_at: datetime | None = None
    """When the next mail server took it."""
    links: Sequence[str] = ()
    """The tracked destinations, in the order of the mail."""
    trap_link: str | None = None
    """The hidden link, if the copy has one."""
    portal_host: str | None = None
    customer_paths: tuple[str, ...] = ("/my/",)
    """Parts of the portal that customers see."""
    recipient_internal: bool = False
    """The customer may share the agents' addresses."""
    agent_copy: bool = False
    """The copy went to an agent."""
    shared_with_agent: bool = False
    """An agent has a Bcc or another copy with the same pixel."""
    agent_forwarded_at: datetime | None = None
    """When an agent passed the mail on, pixel and all."""
    replied_at: datetime | None = None
    reply_automatic: bool = False
    networks_stale: bool = False
    """The list of networks is so old that what it says weighs less."""
    machine_opens: tuple[datetime, ...] = ()
    """When the mail provider says that a machine opened the copy."""


@dataclass(frozen=True, slots=True)
class CopyHistory:
    """One recipient's copy: its context and all requests, in any order."""

    context: Context
    requests: Sequence[Request]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one request is."""

    rule: str
    kind: Class
    confidence: float
    reason: str


class State(StrEnum):
    """What the requests and the reply say of a copy; where it stands in the post is not decided here."""

    NONE = "none"
    MACHINE = "machine"
    READ = "read"
    REPLIED = "replied"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the whole history says."""

    read: bool | None
    """None: there is no telling."""
    state: State
    words: str
    """Why, in a sentence."""
    requests: tuple[Judgement, ...]
    """In the order of `CopyHistory.requests`."""
    first_read_at: datetime | None = None
    last_read_at: datetime | None = None
    pending_until: datetime | None = None
    """A click just after delivery may be a scanner's first: classify again then."""
