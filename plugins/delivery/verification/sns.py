"""Amazon SNS: RSA over chosen fields of the envelope, with a certificate that Amazon serves."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from plugins.delivery.errors import Refused
from plugins.delivery.fields import moment
from plugins.delivery.parsing import loads, parse
from plugins.delivery.verification.certificates import Certificates
from plugins.delivery.verification.incoming import Incoming, Proven, Subscription, check_moment

CERTIFICATE = re.compile(
    r"https://sns\.[a-z0-9-]{2,30}\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9a-fA-F]{8,64}\.pem", re.ASCII
)
"""The whole address: without port, user, query or fragment, and of SNS itself. Anybody can serve something below
amazonaws.com, from a bucket for example."""
CONFIRMATION = re.compile(r"sns\.[a-z0-9-]{2,30}\.amazonaws\.com(?:\.cn)?", re.ASCII)
LONGEST = timedelta(hours=7)
"""SNS tries for six hours at most."""
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HASHES = {"1": SHA1, "2": SHA256}
GREETING = "Successfully validated SNS topic"
"""What SES publishes, as plain text, when an event destination is made."""


async def prove(incoming: Incoming, topics: frozenset[str], certificates: Certificates) -> Proven:
    """Raises Refused; Unavailable where the certificate cannot be had now."""
    envelope = parse(incoming)
    if not isinstance(envelope, Mapping):
        raise Refused(400, "The body must be the JSON envelope of SNS.")
    kind, topic = _text(envelope, "Type"), _text(envelope, "TopicArn")
    if kind not in SIGNED:
        raise Refused(
            401, "The message has no Type of SNS. Turn raw message delivery off: raw messages are not signed."
        )
    # Before anything is fetched: a topic of somebody else must not make us call anybody.
    if topic not in topics:
        raise Refused(403, "The topic is not among those in the settings of the module; add its ARN there.")
    await _check_signature(envelope, kind, certificates)
    signed_at = moment(envelope.get("Timestamp"), now=incoming.now)
    if signed_at is None:
        raise Refused(401, "The Timestamp is no time.")
    check_moment(signed_at, incoming.now, LONGEST)
    if kind == "Notification":
        return Proven(request_id=_text(envelope, "MessageId")[:200], body=_inner(_text(envelope, "Message")))
    # The address in the end of a subscription would begin it again.
    confirm = _confirmation(_text(envelope, "SubscribeURL"), topic) if kind == "SubscriptionConfirmation" else None
    return Proven(body=[], subscription=Subscription(topic, confirm))


async def _check_signature(envelope: Mapping[str, Any], kind: str, certificates: Certificates) -> None:
    address = _text(envelope, "SigningCertURL") or _text(envelope, "SigningCertUrl")
    if not CERTIFICATE.fullmatch(address):
        raise Refused(401, "The certificate must be Amazon's: https://sns.REGION.amazonaws.com/Simple….pem")
    version = HASHES.get(_text(envelope, "SignatureVersion"))
    if version is None:
        raise Refused(401, "SignatureVersion must be 1 or 2.")
    public = await certificates.key(address)
    try:
        signature = base64.b64decode(_text(envelope, "Signature"), validate=True)
        public.verify(signature, canonical(envelope, kind), PKCS1v15(), version())
    except (binascii.Error, ValueError, InvalidSignature):
        raise Refused(401, "The signature does not fit the message.") from None


def canonical(envelope: Mapping[str, Any], kind: str) -> bytes:
    """What is signed: names and values, a line each, in the order of the names; a missing Subject is left out."""
    lines = (f"{name}\n{_text(envelope, name)}\n" for name in SIGNED[kind] if envelope.get(name) is not None)
    return "".join(lines).encode("utf-8", "surrogatepass")


def _confirmation(address: str, topic: str) -> str:
    try:
        parts = urlsplit(address)
        asks = parse_qs(parts.query, max_num_fields=20)
        is_plain = parts.port is None and parts.username is None and parts.password is None and not parts.fragment
        host = parts.hostname or ""
    except ValueError:
        is_plain, host, asks = False, "", {}
    if (
        not is_plain
        or parts.scheme != "https"
        or not CONFIRMATION.fullmatch(host)
        or parts.path not in {"", "/"}
        or asks.get("Action") != ["ConfirmSubscription"]
        or asks.get("TopicArn") != [topic]
    ):
        raise Refused(401, "SubscribeURL must be Amazon's, and confirm this very topic.")
    return address


def _inner(message: str) -> Any:
    if message.startswith(GREETING):
        return []
    try:
        return loads(message)
    except Refused:
        # Kept as a failure, so that whoever looks finds it; SNS is told that it came.
        return json.dumps(message[:1000])


def _text(envelope: Mapping[str, Any], name: str) -> str:
    found = envelope.get(name)
    return found if isinstance(found, str) else ""
