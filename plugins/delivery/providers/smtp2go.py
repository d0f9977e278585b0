"""SMTP2GO's webhooks: one event as JSON or as a form; a processed mail lists its recipients."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.fields import Fields
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers.base import HEADER, JSON_TYPES, SLOT, Given, Provider, composite, make, words

KINDS = words(
    sent="processed",
    delivered="delivered",
    deferred="deferred",
    failed="reject rejected",
    complained="spam",
    unsubscribed="unsubscribe",
    opened="open opened",
    clicked="click clicked",
    bounced={"hard": "hard", "soft": "soft", "bounce": "soft", "bounced": "soft"},
)


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One event for each recipient."""
    one = Fields({name.lower(): value for name, value in given.fields.value.items()})
    name, at = one.text("event"), one.first("time", "timestamp")
    # The link of a click may stand in "context", which says more of other events.
    context = one.text("context")
    url = one.first("url", "link") or (context if context.startswith(("https://", "http://")) else "")
    word = one.first("bounce", "bounce_type") if name in {"bounce", "bounced"} else name
    for recipient in _recipients(one) if name == "processed" else [one.first("rcpt", "recipient", "email")]:
        yield make(
            "smtp2go",
            given,
            KINDS.get(word, KINDS.get(name, ("unknown", ""))),
            composite(name, one.text("id"), one.text("email_id"), recipient, at, url),
            recipient=recipient,
            at=one.get("time") if one.get("time") is not None else one.get("timestamp"),
            tracking_id=one.first(HEADER.lower(), SLOT),
            message_id=one.first("message-id", "message_id"),
            reason=one.first("message", "context", "reason", "response"),
            code=one.first("smtp_code", "code"),
            url=url,
            user_agent=one.first("user-agent", "user_agent", "client"),
        )


def _recipients(one: Fields) -> list[str]:
    """All of a mail: a list, or in one text with commas; without them the one that is named."""
    listed = [to.strip() for text in one.items("recipients") if isinstance(text, str) for to in text.split(",")]
    return [to for to in listed if to] or [one.first("rcpt", "recipient", "email")]


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As SMTP2GO's documentation shows it."""
    return {
        "event": "delivered",
        "email_id": f"self-test-{at.timestamp()}",
        "rcpt": recipient,
        "time": at.isoformat(),
        "message": "250 OK",
        HEADER: tracking_id,
    }


PROVIDER = Provider(
    slug="smtp2go",
    label="SMTP2GO",
    proof="smtp2go",
    read=read,
    steps=(
        "Make up a long secret, and save it in the settings of this module.",
        "At SMTP2GO open Settings → Webhooks and press Add webhook.",
        "URL: {url}, with output JSON (a form works too).",
        "Authorization header: Bearer and the secret, or basic with any user name and the secret as the password.",
        f"Events: Processed, Delivered, Bounce, Spam and Reject. Under Email headers add {HEADER}.",
    ),
    slot=f"The header {HEADER}; it comes back under the same name once it is chosen under Email headers.",
    sample=sample,
    types=JSON_TYPES | {"application/x-www-form-urlencoded", "multipart/form-data"},
    most_bytes=1_000_000,
)
