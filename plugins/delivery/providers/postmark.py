"""Postmark's webhooks: one event in an object, our metadata beside it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import SLOT, Given, Provider, composite, make, words

KINDS = words(
    delivered="Delivery",
    deferred="Transient DnsError",
    failed="Blocked BadEmailAddress SMTPApiError DMARCPolicy VirusNotification ManuallyDeactivated "
    "TemplateRenderingFailed",
    complained="SpamComplaint SpamNotification",
    unsubscribed="Unsubscribe ManualSuppression",
    opened="Open",
    clicked="Click",
    bounced={"HardBounce": "hard", "SoftBounce": "soft"},
)
"""By RecordType, of a bounce by its Type, of a change of subscription by its reason."""
TIMES = ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt")


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One request is one event."""
    one = given.fields
    record = one.text("RecordType")
    word = record
    if record == "Bounce":
        word = one.text("Type")
    elif record == "SubscriptionChange":
        word = one.text("SuppressionReason") if one.flag("SuppressSending") is not False else ""
    # An address may be taken off and put back in the second in which it was put on.
    changed = [word] if record == "SubscriptionChange" else []
    recipient, at = one.first("Email", "Recipient"), one.first(*TIMES)
    number = one.text("ID")
    yield make(
        "postmark",
        given,
        KINDS.get(word, ("unknown", "")),
        composite(record, number)
        or composite(record, one.text("MessageID"), recipient, at, one.text("OriginalLink"), *changed),
        recipient=recipient,
        at=at,
        tracking_id=one.first(("Metadata", SLOT), ("Metadata", "tracking-id")),
        message_id=one.first("SMTPMessageID", "MessageIDHeader"),
        reason=one.first("Details", "Description", "SuppressionReason"),
        url=one.text("OriginalLink"),
        user_agent=one.text("UserAgent"),
    )


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As Postmark's documentation shows it."""
    return {
        "RecordType": "Delivery",
        "MessageID": f"self-test-{at.timestamp()}",
        "Recipient": recipient,
        "DeliveredAt": at.isoformat(),
        "Details": "250 OK",
        "Metadata": {SLOT: tracking_id},
    }


PROVIDER = Provider(
    slug="postmark",
    label="Postmark",
    proof="credential",
    read=read,
    steps=(
        "Make up a long secret, and save it in the settings of this module.",
        "At Postmark open your server → your message stream → Webhooks and press Add webhook.",
        "Webhook URL: {url}",
        "Under Basic auth credentials enter any user name and the secret as the password.",
        "Choose Delivery, Bounce and Spam complaint. Open, Link click and Subscription change are optional.",
    ),
    slot="The header X-PM-Metadata-tracking_id; it comes back under Metadata.",
    sample=sample,
)
