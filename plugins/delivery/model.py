"""What providers, bounce mails and scripts tell of one copy, in one shape. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Kind = Literal[
    "sent",
    "delivered",
    "deferred",
    "bounced",
    "failed",
    "complained",
    "unsubscribed",
    "opened",
    "clicked",
    "unknown",
]
Bounce = Literal["hard", "soft", ""]
KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True)
class DeliveryEvent:
    """One thing that happened to one recipient's copy, as somebody outside tells it."""

    provider: str
    """Who tells: a provider's name as in its address, 'generic', or 'bounce_mail'."""
    key: bytes
    """16 bytes by which the event is known again; see `event_key`."""
    kind: Kind
    happened_at: datetime
    """Aware."""
    bounce: Bounce = ""
    """Of 'bounced': whether the address is bad for good."""
    tracking_id: str | None = None
    message_id: str | None = None
    """Without angle brackets."""
    recipient: str | None = None
    """The address; None where the provider does not say whose copy it was."""
    reason: str = ""
    """The provider's words."""
    code: str = ""
    """SMTP or enhanced status, such as '550 5.1.1'."""
    url: str = ""
    """Of 'clicked'."""
    user_agent: str = ""
    machine: bool | None = None
    """Of 'opened' and 'clicked': whether the provider says that a machine did it; None where it does not say."""
    raw: str = ""
    """The event as it came, JSON; personal data of its own."""


@dataclass(frozen=True)
class Matched:
    """An event whose copy is known."""

    event: DeliveryEvent
    recipient_id: int
    email_id: int
    address: str
    """Of the copy; not what the event says."""
    reply_id: int | None = None
    """None for mails that are no replies."""
    ticket_id: int | None = None


def event_key(provider: str, event_id: str, recipient: str | None) -> bytes:
    """16 bytes for a provider's event; the same for each time that it is told.

    event_id: the provider's own, or what else tells its events apart, joined.
    """
    text = "\x1f".join((provider, event_id, (recipient or "").lower()))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
