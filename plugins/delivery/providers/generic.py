"""The JSON of our own, for scripts and for providers without an adapter. Strict: who writes it can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugins.delivery.errors import BadMember
from plugins.delivery.fields import address_of, moment
from plugins.delivery.model import KINDS, DeliveryEvent
from plugins.delivery.providers.base import SLOT, TRACKING_ID, Given, Provider, Word, composite, make

BOUNCES = {"hard", "soft"}


def read(given: Given) -> Iterable[DeliveryEvent]:
    """One member is one event. Raises BadMember, naming value, rule and way out."""
    one = given.fields
    tracking_id, email, message_id = one.text(SLOT), one.text("email"), one.text("message_id")
    stamp = one.get("timestamp")
    if tracking_id and not TRACKING_ID.fullmatch(tracking_id):
        raise BadMember(f"tracking_id must be the id of a copy, got {tracking_id[:80]!r}")
    if email and address_of(email) is None:
        raise BadMember(f"email must be an address like bob@example.org, got {email[:80]!r}")
    if not tracking_id and not (email and message_id):
        raise BadMember("needs tracking_id, or email and message_id together; an address alone does not name a mail")
    if stamp is not None and moment(stamp, now=given.now) is None:
        raise BadMember(
            f"timestamp must be ISO 8601 or seconds since 1970, after 1999, not in the future, got {str(stamp)[:40]!r}"
        )
    word = _word(given)
    own = one.text("event_id")
    yield make(
        "generic",
        given,
        word,
        own or composite("".join(word), tracking_id, message_id, email.lower(), one.text("timestamp"), one.text("url")),
        recipient=email,
        at=stamp,
        tracking_id=tracking_id,
        message_id=message_id,
        reason=one.text("reason"),
        code=one.text("code"),
        url=one.text("url"),
        user_agent=one.text("user_agent"),
        machine=one.flag("machine"),
    )


def _word(given: Given) -> Word:
    name, bounce = given.fields.text("event"), given.fields.text("bounce_type").lower()
    if name not in KINDS:
        raise BadMember(f"event must be one of {', '.join(sorted(KINDS))}, got {name[:80]!r}")
    if bounce and bounce not in BOUNCES:
        raise BadMember(f"bounce_type must be hard or soft, got {bounce[:80]!r}")
    if name != "bounced":
        return (name, "")  # type: ignore[return-value]
    # What does not say that it is for good must not look so.
    return ("bounced", "hard" if bounce == "hard" else "soft")


def sample(tracking_id: str, recipient: str, at: datetime) -> Any:
    """As docs/delivery.md shows it."""
    return {SLOT: tracking_id, "event": "delivered", "email": recipient, "timestamp": at.isoformat()}


PROVIDER = Provider(
    slug="generic",
    label="Generic JSON",
    proof="credential",
    read=read,
    steps=(
        "Make up a long secret, and save it in the settings of this module.",
        "Let your mail server or script POST JSON to {url}: one object or a list, with tracking_id, event, "
        "bounce_type, reason, email and timestamp.",
        "Send the secret with each request: Authorization: Bearer SECRET, or as the password of basic authentication.",
        "/track/delivery/ and /track/bounce/ take the same; event may be left out there.",
    ),
    slot="The header X-MyPortal-Tracking-Id; send its value back as tracking_id.",
    sample=sample,
)
