"""Mailjet's Event API: a list of events, or one where events are not grouped. What it calls sent is delivered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import SLOT, Given, Provider, composite, make, slot_of, words

KINDS = words(
    delivered="sent",
    deferred="greylisted",
    failed="blocked",
    complained="spam",
    unsubscribed="unsub",
    opened="open",
    clicked="click",
    bounced={"hard": "hard", "bounce": "soft"},
)


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One member is one event."""
    one = given.fields
    name, email, at = one.text("event"), one.text("email"), one.text("time")
    word = name
    if name == "bounce" and "greylisted" in one.text("error"):
        word = "greylisted"
    elif name == "bounce" and one.flag("hard_bounce"):
        word = "hard"
    error = ": ".join(filter(None, (one.text("error_related_to"), one.text("error"))))
    yield make(
        "mailjet",
        given,
        KINDS.get(word, ("unknown", "")),
        composite(name, one.text("MessageID"), email, at, one.text("url")),
        recipient=email,
        at=one.get("time"),
        tracking_id=slot_of(one.text("CustomID")) or slot_of(one.text("Payload")),
        reason=one.first("comment", "smtp_reply") or error,
        url=one.text("url"),
        user_agent=one.text("agent"),
    )


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As Mailjet's documentation shows it."""
    return [
        {
            "event": "sent",
            "time": int(at.timestamp()),
            "MessageID": 19421777835146490,
            "email": recipient,
            "CustomID": tracking_id,
            "smtp_reply": "sent (250 2.0.0 OK)",
        }
    ]


PROVIDER = Provider(
    slug="mailjet",
    label="Mailjet",
    proof="credential",
    read=read,
    steps=(
        "Make up a long secret of letters and digits, and save it in the settings of this module.",
        "At Mailjet open Account settings → Event notifications (webhooks).",
        "Endpoint URL: {url}, with any user name and the secret before the host, as in https://myportal:SECRET@…",
        "Choose Sent, Bounce, Spam and Blocked, each with Group events on. Open, Click and Unsub are optional.",
    ),
    slot=f"The header X-MJ-CustomID; it comes back as CustomID. A payload with {SLOT} works too.",
    sample=sample,
)
