"""Mailgun's webhooks: one event in an object with its signature, or the old form with all fields side by side."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import JSON_TYPES, SLOT, Given, Provider, Word, composite, make, slot_of, words

KINDS = words(
    sent="accepted",
    delivered="delivered",
    deferred="temporary",
    failed="rejected dropped suppress-bounce suppress-complaint suppress-unsubscribe",
    complained="complained",
    unsubscribed="unsubscribed",
    opened="opened",
    clicked="clicked",
    # "old" and "espblock" say that Mailgun gave up, not that the address is bad.
    bounced={"permanent": "hard", "soft": "soft", "old": "soft", "espblock": "soft"},
)
UNKNOWN: Word = ("unknown", "")


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One request is one event."""
    if given.fields.get("event-data") is None:
        yield _old(given)
        return
    one = given.fields.fields("event-data")
    name, at = one.text("event"), one.text("timestamp")
    word = _failed(one) if name == "failed" else name
    recipient = one.text("recipient") or one.text("message", "headers", "to")
    mail = one.text("message", "headers", "message-id")
    bot, status = one.get("client-info", "bot"), one.fields("delivery-status")
    # Their ids are unique within a day.
    event_id = one.text("id")
    yield make(
        "mailgun",
        given,
        KINDS.get(word, UNKNOWN),
        composite("id", event_id, at.partition(".")[0]) if event_id else composite(name, mail, recipient, at),
        recipient=recipient,
        at=one.get("timestamp"),
        tracking_id=slot_of(one.text("user-variables", SLOT)),
        message_id=mail,
        reason=status.first("message", "description") or one.first(("reject", "reason"), "reason"),
        code=" ".join(filter(None, (status.text("code"), status.text("enhanced-code")))),
        url=one.text("url"),
        user_agent=one.text("client-info", "user-agent"),
        machine=bool(bot) if isinstance(bot, str) else None,
    )


def _failed(one: Fields) -> str:
    reason = one.text("reason")
    # The last of many tries is called temporary too, and only its reason says that there is no further one.
    if one.text("severity") == "temporary" and reason != "old":
        return "temporary"
    if reason in KINDS:
        return reason
    # It gives up at once also for what says nothing against the address, such as a full mailbox.
    return "soft" if one.text("delivery-status", "bounce-type") == "soft" else "permanent"


def _old(given: Given) -> DeliveryEvent:
    one = given.fields
    name, code, at = one.text("event"), one.text("code"), one.text("timestamp")
    word = KINDS.get(name, UNKNOWN)
    if name == "bounced":
        word = ("bounced", "soft" if code.startswith("4") else "hard")
    mail = one.first("Message-Id", "message-id")
    return make(
        "mailgun",
        given,
        word,
        composite(name, mail, one.text("recipient"), at, one.text("url")),
        recipient=one.text("recipient"),
        at=one.get("timestamp"),
        tracking_id=one.text(SLOT),
        message_id=mail,
        reason=one.first("error", "description", "notification"),
        code=code,
        url=one.text("url"),
        user_agent=one.text("user-agent"),
    )


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As Mailgun's documentation shows it, without the signature."""
    return {
        "event-data": {
            "event": "delivered",
            "id": f"self-test-{at.timestamp()}",
            "timestamp": at.timestamp(),
            "recipient": recipient,
            "delivery-status": {"code": 250, "message": "OK"},
            "message": {"headers": {"message-id": "self-test@example.com", "to": recipient}},
            "user-variables": {SLOT: tracking_id},
        }
    }


PROVIDER = Provider(
    slug="mailgun",
    label="Mailgun",
    proof="mailgun",
    read=read,
    steps=(
        "At Mailgun open Sending → Webhooks, choose your domain and press Add webhook.",
        "Add one webhook for each of Accepted, Delivered, Permanent failure, Temporary failure and Complained, all "
        "with the URL {url}",
        "Opened, Clicked and Unsubscribed are optional. Add them for the domain or for the account, not for both.",
        "Copy the HTTP webhook signing key (it is not the API key) into the settings of this module.",
    ),
    slot="The header X-Mailgun-Variables, as the variable tracking_id; it comes back under user-variables.",
    sample=sample,
    types=JSON_TYPES | {"application/x-www-form-urlencoded", "multipart/form-data"},
    most_bytes=1_000_000,
    tells_machines=True,
)
