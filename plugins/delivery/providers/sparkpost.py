"""SparkPost's event webhooks: a list of `{"msys": {class: event}}`; an empty `msys` is only a ping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from plugins.delivery.errors import BadMember
from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import SLOT, Given, Provider, Word, composite, make, words

KINDS = words(
    sent="injection",
    delivered="delivery",
    deferred="delay",
    failed="policy_rejection generation_failure generation_rejection",
    complained="spam_complaint",
    unsubscribed="list_unsubscribe link_unsubscribe",
    opened="open initial_open amp_open amp_initial_open",
    clicked="click amp_click",
)
BOUNCES = {"bounce", "out_of_band"}
HARD = {"10", "30"}
NO_BOUNCES: dict[str, Word] = {
    "25": ("failed", ""),
    "26": ("failed", ""),
    "60": ("unknown", ""),
    "80": ("unknown", ""),
    "90": ("unsubscribed", ""),
    "100": ("unknown", ""),
}
"""Of `bounce_class`: refused by the admin or held back, automatic answers, wishes to be added or taken off. All others
are soft."""


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One member is one event, or a ping."""
    wrapped = given.fields.get("msys")
    if not isinstance(wrapped, dict):
        raise BadMember("has no object msys")
    for inner in wrapped.values():
        one = Fields(inner)
        name, recipient, at = one.text("type"), one.first("raw_rcpt_to", "rcpt_to"), one.text("timestamp")
        word = KINDS.get(name, ("unknown", ""))
        if name in BOUNCES:
            number = one.text("bounce_class")
            word = NO_BOUNCES.get(number, ("bounced", "hard" if number in HARD else "soft"))
        yield make(
            "sparkpost",
            replace(given, fields=one),
            word,
            one.text("event_id") or composite(name, one.text("message_id"), recipient, at),
            recipient=recipient,
            at=one.get("timestamp"),
            tracking_id=one.first(("rcpt_meta", SLOT), ("metadata", SLOT)),
            reason=one.first("raw_reason", "reason"),
            code=one.text("error_code"),
            url=one.text("target_link_url"),
            user_agent=one.text("user_agent"),
            # What was not loaded ahead may be a person's, or a mail scanner's: that claims nothing.
            machine=(one.flag("user_agent_parsed", "is_prefetched") or None) if word[0] == "opened" else None,
        )


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As SparkPost's documentation shows it."""
    event = {
        "type": "delivery",
        "event_id": f"self-test-{at.timestamp()}",
        "message_id": "self-test",
        "rcpt_to": recipient.lower(),
        "timestamp": str(int(at.timestamp())),
        "rcpt_meta": {SLOT: tracking_id},
    }
    return [{"msys": {"message_event": event}}]


PROVIDER = Provider(
    slug="sparkpost",
    label="SparkPost",
    proof="credential",
    read=read,
    steps=(
        "Make up a long secret, and save it in the settings of this module.",
        "At SparkPost open Webhooks and press Create webhook.",
        "Target URL: {url}",
        "Authentication: Basic auth, with any user name and the secret as the password.",
        "Choose Injection, Delivery, Delay, Bounce, Out of band, Spam complaint, Policy rejection and both Generation "
        "events. Opens, Clicks and unsubscribes are optional.",
    ),
    slot="The header X-MSYS-API, as the metadata tracking_id; it comes back under rcpt_meta.",
    sample=sample,
    tells_machines=True,
)
