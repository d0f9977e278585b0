"""Resend's webhooks: one event in an object; its id is that of the signed request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import HEADER, SLOT, Given, Provider, composite, make, words

KINDS = words(
    sent="email.sent",
    delivered="email.delivered",
    deferred="email.delivery_delayed",
    failed="email.failed email.suppressed",
    complained="email.complained",
    opened="email.opened",
    clicked="email.clicked",
    bounced={"Permanent": "hard", "Transient": "soft", "Undetermined": "soft", "email.bounced": "soft"},
)
HELD_BACK = {"Suppressed", "OnAccountSuppressionList"}
"""Of `bounce.subType`: Resend has the address on a list and did not send."""


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One request is one event; those about contacts and domains tell nothing of a mail."""
    one = given.fields
    name = one.text("type")
    if name and not name.startswith("email."):
        return
    data = one.fields("data")
    kind = data.text("bounce", "type") if name == "email.bounced" else name
    if name == "email.bounced" and data.text("bounce", "subType") in HELD_BACK:
        kind = "email.suppressed"
    listed = [to for to in data.items("to") if isinstance(to, str)]
    # It does not say whose copy it was: of several recipients none is named.
    recipient = listed[0] if len(listed) == 1 else ""
    at = data.first(("click", "timestamp")) or one.text("created_at")
    yield make(
        "resend",
        given,
        KINDS.get(kind, KINDS.get(name, ("unknown", ""))),
        given.request_id or composite(name, data.text("email_id"), at),
        recipient=recipient,
        at=at,
        tracking_id=_named(data, "tags", SLOT) or _named(data, "headers", HEADER),
        message_id=data.text("message_id") or _named(data, "headers", "Message-ID"),
        reason=data.first(("bounce", "message"), ("failed", "reason"), ("suppressed", "message")),
        url=data.text("click", "link"),
        user_agent=data.text("click", "userAgent"),
    )


def _named(data: Fields, place: str, name: str) -> str:
    """A tag or header, in an object or in a list of names and values."""
    for one in data.items(place):
        if not isinstance(one, dict):
            continue
        if str(one.get("name", "")).lower() == name.lower() and "value" in one:
            return Fields(one).text("value")
        for key, value in one.items():
            if key.lower() == name.lower() and isinstance(value, str):
                return value
    return ""


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As Resend's documentation shows it."""
    return {
        "type": "email.delivered",
        "created_at": at.isoformat(),
        "data": {
            "email_id": f"self-test-{at.timestamp()}",
            "to": [recipient],
            "headers": [{"name": HEADER, "value": tracking_id}],
        },
    }


PROVIDER = Provider(
    slug="resend",
    label="Resend",
    proof="svix",
    read=read,
    steps=(
        "At Resend open Webhooks and press Add webhook.",
        "Endpoint: {url}",
        "Choose email.sent, email.delivered, email.delivery_delayed, email.bounced, email.complained, email.failed and "
        "email.suppressed. email.opened and email.clicked are optional.",
        "Copy the Signing secret, which begins with whsec_, into the settings of this module.",
    ),
    slot="The header X-MyPortal-Tracking-Id; it comes back under data.headers. A tag named tracking_id works too.",
    sample=sample,
)
