"""A mail on its way: as it is given, as it is stored, as one recipient's copy that is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.email.addresses import Address
from app.email.message import Attachment
from app.hookspecs import Recipient

AutoSubmitted = Literal["auto-generated", "auto-replied"]


@dataclass(frozen=True)
class NewMail:
    """What `outbox.enqueue` stores. Empty strings and None mean "not given".

    html_body: what agents see later; stored untouched, never with tracking in it.
    text_body: made from html_body where it is None.
    references: message ids with angle brackets, oldest first.
    tracking_said: whether `enable_tracking` is what who sends it said; False: it only follows from settings.
    sensitive: carries a login, reset or magic link; no module may rewrite anything in it.
    mailing: what mails to many people with one text have in common, as `outbox.NAME` allows.
    wait: seconds before the first try.
    """

    subject: str
    to: tuple[Address, ...]
    html_body: str
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    text_body: str | None = None
    reply_id: int | None = None
    sender: str | None = None
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    auto_submitted: AutoSubmitted | None = None
    enable_tracking: bool = False
    tracking_said: bool = True
    sensitive: bool = False
    attachment_ids: tuple[int, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    mailing: str | None = None
    wait: int = 0


@dataclass(frozen=True)
class StoredMail:
    """One mail of the outbox with all that its copies have in common."""

    id: int
    reply_id: int | None
    message_id: str
    subject: str
    sender: Address
    reply_to: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    html_body: str
    text_body: str
    in_reply_to: str | None
    references: tuple[str, ...]
    headers: Mapping[str, str]
    auto_submitted: AutoSubmitted | None
    enable_tracking: bool
    tracking_said: bool
    """Whether that is what who sent it said."""
    sensitive: bool
    created_at: datetime
    attachments: tuple[Attachment, ...]
    mailing: str | None = None
    """What it has in common with mails to others."""


@dataclass(frozen=True)
class DueCopy:
    """One recipient's copy that this process has claimed."""

    id: int
    mail_id: int
    reply_id: int | None
    role: str
    email: str
    tracking_id: str
    attempts: int
    """Tries so far, this one included."""
    created_at: datetime
    is_agent: bool
    mailing: str | None = None

    @property
    def recipient(self) -> Recipient:
        """Its recipient, as modules are told."""
        return Recipient(self.id, self.role, self.email, self.tracking_id, self.is_agent)


@dataclass(frozen=True)
class CopyState:
    """How one copy stands, for the caller of `send_email`."""

    id: int
    role: str
    email: str
    tracking_id: str
    state: str
    detail: str
    reports: frozenset[str]
    is_agent: bool

    @property
    def recipient(self) -> Recipient:
        """Its recipient, as modules are told."""
        return Recipient(self.id, self.role, self.email, self.tracking_id, self.is_agent)
