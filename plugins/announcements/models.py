"""Announcements and their recipients as the rest of the module sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

State = Literal["draft", "scheduled", "sending", "paused", "sent", "stopped"]
AudienceKind = Literal["all", "tag", "domain", "import"]
STATES: Mapping[str, str] = {
    "draft": "Draft",
    "scheduled": "Scheduled",
    "sending": "Sending",
    "paused": "Paused",
    "sent": "Sent",
    "stopped": "Stopped",
}
REASONS: Mapping[str, str] = {
    "unsubscribed": "Unsubscribed",
    "suppressed": "Suppressed after a bounce or a complaint",
    "no_address": "Has no address that mail can be sent to",
    "erased": "Was erased",
    "double": "Is there already",
    "refused": "The mail could not be made",
    "stopped": "Stopped before it was sent",
}
"""Why somebody is left out, in words."""


@dataclass(frozen=True)
class Audience:
    """Who gets it. value: the tag, the domains, or the id of the import."""

    kind: AudienceKind = "all"
    value: str = ""


@dataclass(frozen=True)
class Announcement:
    """One announcement."""

    id: int
    subject: str
    body_html: str
    state: State
    audience: Audience
    per_minute: int
    """Mails a minute; 0 as the module is set."""
    is_tracked: bool
    send_at: datetime | None
    listed_to: int
    """The last contact, or line of the import, that was made a recipient."""
    listed_at: datetime | None
    """When all recipients were known."""
    paced_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    """When the last mail was handed to the outbox, or it was stopped."""
    created_by: int | None
    author: str
    """The name of who made it; '' where that account is gone."""
    sender_name: str
    """Of who sent it, or made it; fills {{agent.name}}."""
    sender_email: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Announcement:
        """From a row with the columns of `repository.COLUMNS`."""
        values = dict(row)
        audience = Audience(values.pop("audience"), values.pop("audience_value"))
        return cls(**{**values, "audience": audience, "is_tracked": bool(row["is_tracked"])})

    @property
    def mailing(self) -> str:
        """What its mails have in common."""
        return mailing_of(self.id)

    @property
    def version(self) -> str:
        """Changes with each change; a form that carries it back can tell."""
        return self.updated_at.strftime("%Y%m%d%H%M%S%f")

    @property
    def is_open(self) -> bool:
        """Whether it can still be changed."""
        return self.state == "draft"


def mailing_of(announcement_id: int) -> str:
    """The name of an announcement's mails in the outbox."""
    return f"announcement:{announcement_id}"


@dataclass(frozen=True)
class Person:
    """Somebody who may get it."""

    contact_id: int
    """0 for somebody who is no contact yet."""
    name: str
    email: str
    reason: str = ""
    """Why not, one of REASONS; '' where nothing keeps them."""


@dataclass(frozen=True)
class Reach:
    """How many an audience has, and who is left out."""

    recipients: int = 0
    left_out: Mapping[str, int] | None = None
    """By reason."""
    new_contacts: int = 0
    """Recipients of an import for whom a contact is made."""


@dataclass(frozen=True)
class Progress:
    """How far an announcement has come."""

    state: str
    total: int = 0
    """Recipients, without those left out; grows while they are looked up."""
    waiting: int = 0
    """Not handed to the outbox yet."""
    in_outbox: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    withdrawn: int = 0
    left_out: int = 0
    is_listed: bool = True

    @property
    def is_moving(self) -> bool:
        """Whether it changes by itself."""
        return self.state == "sending" or self.in_outbox > 0
