"""Amazon SES through SNS: event publishing (`eventType`) and the older notifications (`notificationType`).

Both may be on at once and then tell the same under different SNS ids, so that an event is known by its mail, its word,
its recipient and SES's own feedback id or time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.errors import BadMember
from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import HEADER, SLOT, Given, Provider, composite, make, words

KINDS = words(
    sent="Send",
    delivered="Delivery",
    deferred="DeliveryDelay",
    failed="Reject RenderingFailure",
    complained="Complaint",
    unsubscribed="Subscription",
    opened="Open",
    clicked="Click",
    bounced={"Permanent": "hard", "Transient": "soft", "Undetermined": "soft", "Bounce": "soft"},
)
DETAILS = {
    "Send": ("send", ""),
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Reject": ("reject", ""),
    "RenderingFailure": ("failure", ""),
    "Complaint": ("complaint", "complainedRecipients"),
    "Subscription": ("subscription", ""),
    "Open": ("open", ""),
    "Click": ("click", ""),
    "Bounce": ("bounce", "bouncedRecipients"),
}
"""By word: the object with the details, and its list of recipients; '' where the mail's own are meant."""
HELD_BACK = {"Suppressed", "OnAccountSuppressionList"}
"""Sub-types of bounces and complaints that are none: SES has the address on a list and did not send."""
NO_COMPLAINTS = {"not-spam", "auth-failure"}
"""Feedback that takes a complaint back, or tells of a failed DKIM or SPF check: RFC 5965, RFC 6591."""
ONE_LOOK = {"Open", "Click", "Subscription"}
"""Told for the whole mail: with several recipients nobody knows whose it was."""


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One event for each recipient."""
    one = given.fields
    name = one.first("eventType", "notificationType").replace(" ", "")
    if not name:
        raise BadMember("has neither eventType nor notificationType")
    place, listed = DETAILS.get(name, ("", ""))
    details, mail = one.fields(place), one.fields("mail")
    word = _word(name, details)
    at = details.first("timestamp", "arrivalDate") or mail.text("timestamp")
    # Sent and delivered are told once for each recipient, whatever the time on it.
    mark = "" if name in {"Send", "Delivery"} else details.text("feedbackId") or at
    for recipient in _recipients(
        details.items(listed) if listed else mail.items("destination"), one_look=name in ONE_LOOK
    ):
        address = recipient.text("emailAddress")
        yield make(
            "ses",
            given,
            KINDS.get(word, ("unknown", "")),
            composite(name, mail.text("messageId"), mark, details.text("link")) or composite(name, given.request_id),
            recipient=address,
            at=at,
            tracking_id=_tag(mail) or _header(mail, HEADER),
            message_id=mail.text("commonHeaders", "messageId") or _header(mail, "Message-ID"),
            reason=recipient.text("diagnosticCode")
            or details.first(
                "reason", "errorMessage", "smtpResponse", "complaintSubType", "complaintFeedbackType", "delayType"
            ),
            code=recipient.text("status"),
            url=details.text("link"),
            user_agent=details.text("userAgent") if name in ONE_LOOK else "",
        )


def _word(name: str, details: Fields) -> str:
    if details.first("bounceSubType", "complaintSubType") in HELD_BACK:
        return "Reject"
    if name == "Complaint" and details.text("complaintFeedbackType") in NO_COMPLAINTS:
        return ""
    return details.text("bounceType") if name == "Bounce" else name


def _recipients(found: list[Any], *, one_look: bool) -> list[Fields]:
    listed = [Fields(one if isinstance(one, dict) else {"emailAddress": one}) for one in found]
    return listed if listed and not (one_look and len(listed) > 1) else [Fields({})]


def _tag(mail: Fields) -> str:
    found = mail.items("tags", SLOT)
    return found[0] if found and isinstance(found[0], str) else ""


def _header(mail: Fields, name: str) -> str:
    for header in mail.items("headers"):
        if isinstance(header, dict) and str(header.get("name", "")).lower() == name.lower():
            return Fields(header).text("value")
    return ""


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """The inner message as SES's documentation shows it."""
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "eventType": "Delivery",
        "mail": {
            "timestamp": moment,
            "messageId": f"self-test-{at.timestamp()}",
            "destination": [recipient],
            "tags": {SLOT: [tracking_id]},
        },
        "delivery": {"timestamp": moment, "recipients": [recipient], "smtpResponse": "250 OK"},
    }


PROVIDER = Provider(
    slug="ses",
    label="Amazon SES",
    proof="sns",
    read=read,
    steps=(
        "At Amazon SNS make a standard topic, best with signature version 2, and write its ARN into the settings of "
        "this module. Save before the next step: only topics named there are confirmed.",
        "Make a subscription of the topic with protocol HTTPS and the endpoint {url}; leave raw message delivery off, "
        "because raw messages are not signed. It is confirmed by itself within seconds.",
        "At Amazon SES make a configuration set with an event destination to that topic: Sends, Deliveries, Delivery "
        "delays, Hard bounces, Complaints, Rejects and Rendering failures. Opens and Clicks are optional.",
        "Make the configuration set the default of your identity, and turn its email feedback forwarding off.",
    ),
    slot="The header X-SES-MESSAGE-TAGS, as the tag tracking_id; it comes back under mail.tags. A header of our own "
    "goes with it for notifications that carry the mail's headers.",
    sample=sample,
    types=frozenset({"text/plain", "application/json"}),
    most_bytes=1_000_000,
)
