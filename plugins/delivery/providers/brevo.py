"""Brevo's transactional webhooks: one event in an object, or a list of them where batches are on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import SLOT, Given, Provider, composite, make, slot_of, words

KINDS = words(
    sent="request sent",
    delivered="delivered",
    deferred="deferred",
    failed="blocked error",
    complained="spam complaint",
    unsubscribed="unsubscribe unsubscribed",
    opened="opened unique_opened proxy_open unique_proxy_open",
    clicked="click",
    bounced={"hard_bounce": "hard", "invalid_email": "hard", "invalid": "hard", "soft_bounce": "soft"},
)
PROXIES = {"proxy_open", "unique_proxy_open"}
SECONDS = 100_000_000_000
"""`ts_epoch` is documented in milliseconds and shown in seconds; what is below this is seconds until the year 5138."""


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One member is one event."""
    one = given.fields
    name, email = one.text("event"), one.text("email")
    mail = one.first("message-id", "messageId")
    epoch = one.get("ts_epoch")
    at = epoch if epoch is not None else one.get("ts_event")
    in_ms = isinstance(at, int | float) and not isinstance(at, bool) and at > SECONDS
    yield make(
        "brevo",
        given,
        KINDS.get(name, ("unknown", "")),
        # Their `id` is the webhook's and not the event's.
        composite(name, mail, email, one.first("ts_epoch", "ts_event", "ts"), one.text("link")),
        recipient=email,
        at=at,
        unit="ms" if in_ms else "s",
        tracking_id=slot_of(one.text("X-Mailin-custom")),
        message_id=mail,
        reason=one.text("reason"),
        url=one.text("link"),
        user_agent=one.text("user_agent"),
        machine=True if name in PROXIES else None,
    )


def members(body: Any) -> Sequence[Any]:
    """The events of a batch, however it is wrapped."""
    if isinstance(body, dict) and isinstance(body.get("events"), list):
        return list(body["events"])
    return body if isinstance(body, list) else [body]


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As Brevo's documentation shows it."""
    return {
        "event": "delivered",
        "email": recipient,
        "id": 26224,
        "message-id": "<self-test@example.com>",
        "ts_epoch": int(at.timestamp() * 1000),
        "X-Mailin-custom": f"{SLOT}:{tracking_id}",
    }


PROVIDER = Provider(
    slug="brevo",
    label="Brevo",
    proof="credential",
    read=read,
    members=members,
    steps=(
        "Make up a long secret, and save it in the settings of this module.",
        "At Brevo open Transactional → Settings → Webhook and press Add a new webhook.",
        "URL to call: {url}",
        "Authentication method: Token, with the secret as the token.",
        "Choose Sent, Delivered, Deferred, Soft bounced, Hard bounced, Invalid email, Blocked, Error and Complaint. "
        "Opens, Clicked and Unsubscribed are optional. Batches may be on.",
    ),
    slot="The header X-Mailin-custom; it comes back under the same name.",
    sample=sample,
    busy=429,  # Brevo throws an event away for any other refusal.
    tells_machines=True,
)
