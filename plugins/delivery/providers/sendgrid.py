"""SendGrid's Event Webhook: a list of events, each with our unique arguments at its top level."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import SLOT, Given, Provider, composite, make, words

KINDS = words(
    sent="processed",
    delivered="delivered",
    deferred="deferred",
    failed="dropped",
    complained="spamreport",
    unsubscribed="unsubscribe group_unsubscribe",
    opened="open",
    clicked="click",
    bounced={"bounce": "hard", "blocked": "soft"},
)


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One member is one event."""
    one = given.fields
    name = one.text("event")
    # "bounce" of type "blocked": the server refused the mail and not the address.
    word = "blocked" if name == "bounce" and one.text("type") == "blocked" else name
    email, at, mail = one.text("email"), one.text("timestamp"), one.first("sg_message_id", "smtp-id")
    yield make(
        "sendgrid",
        given,
        KINDS.get(word, ("unknown", "")),
        one.text("sg_event_id") or composite(name, mail, email, at),
        recipient=email,
        at=one.get("timestamp"),
        tracking_id=one.text(SLOT),
        message_id=one.text("smtp-id"),
        reason=one.first("reason", "response"),
        code=one.text("status"),
        url=one.text("url"),
        user_agent=one.text("useragent"),
        machine=one.flag("sg_machine_open"),
    )


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As SendGrid's documentation shows it."""
    return [
        {
            "email": recipient,
            "timestamp": int(at.timestamp()),
            "event": "delivered",
            "sg_event_id": f"self-test-{at.timestamp()}",
            "sg_message_id": "self-test.filterdrecv-1",
            "smtp-id": "<self-test@example.com>",
            "response": "250 OK",
            SLOT: tracking_id,
        }
    ]


PROVIDER = Provider(
    slug="sendgrid",
    label="SendGrid",
    proof="sendgrid",
    read=read,
    steps=(
        "At SendGrid open Settings → Mail Settings → Event Webhooks and press Create new webhook.",
        "Post URL: {url}",
        "Choose at least Delivered, Deferred, Bounced, Dropped, Spam Reports and Processed. Opened and Clicked are "
        "optional.",
        "Under Security features turn Signed Event Webhook on, save, and copy the Verification Key into the settings "
        "of this module.",
    ),
    slot="The header X-SMTPAPI, as the unique argument tracking_id; it comes back at the top level of each event.",
    sample=sample,
    tells_machines=True,
)
