"""The providers' side of the webhooks, written from their documents and not from our verification: what they send and
how they sign it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from plugins.delivery.verification.certificates import NotThere

ADDRESS = "bob@example.org"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail"
CERTIFICATE_URL = f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{'ab12' * 8}.pem"
SECRET = secrets.token_urlsafe(24)
MAILGUN_KEY = secrets.token_hex(16)
SMTP2GO_KEY = secrets.token_hex(16)
SVIX_KEY = secrets.token_bytes(24)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SETTINGS = {
    "sendgrid_key": base64.b64encode(
        CURVE_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "mailgun_key": MAILGUN_KEY,
    "ses_topics": TOPIC,
    "resend_secret": f"whsec_{base64.b64encode(SVIX_KEY).decode()}",
    "smtp2go_key": SMTP2GO_KEY,
    **{f"{name}_secret": SECRET for name in ("postmark", "brevo", "sparkpost", "mailjet", "smtp2go", "generic")},
}
fetched: list[str] = []
"""Addresses that Amazon was asked for."""


@dataclass(frozen=True)
class Post:
    """One request. `at` and `number` go into what is signed."""

    body: bytes
    at: datetime
    number: str
    content_type: str = "application/json"
    headers: dict[str, str] | None = None


Sign = Callable[[Post, bool], Post]
"""Adds the proof; True: with a key that is not the configured one."""


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def post(body: Any, *, at: datetime | None = None, content_type: str = "application/json") -> Post:
    raw = body if isinstance(body, bytes) else dumps(body)
    return Post(raw, at or datetime.now(UTC), secrets.token_hex(8), content_type)


def _with(given: Post, **headers: str) -> Post:
    return replace(given, headers={name.replace("_", "-"): value for name, value in headers.items()})


def sign_sendgrid(given: Post, wrong: bool) -> Post:
    key = ec.generate_private_key(ec.SECP256R1()) if wrong else CURVE_KEY
    timestamp = str(int(given.at.timestamp()))
    signature = key.sign(timestamp.encode() + given.body, ec.ECDSA(hashes.SHA256()))
    return _with(
        given,
        X_Twilio_Email_Event_Webhook_Signature=base64.b64encode(signature).decode(),
        X_Twilio_Email_Event_Webhook_Timestamp=timestamp,
    )


def sign_mailgun(given: Post, wrong: bool) -> Post:
    """The signature stands in the body, and the body is not covered."""
    timestamp = str(int(given.at.timestamp()))
    key = b"another" if wrong else MAILGUN_KEY.encode()
    signature = hmac.new(key, (timestamp + given.number).encode(), hashlib.sha256).hexdigest()
    proof = {"timestamp": timestamp, "token": given.number, "signature": signature}
    return replace(given, body=dumps({**json.loads(given.body), "signature": proof}), headers={})


def sign_sns(given: Post, wrong: bool, *, version: str = "2", **fields: Any) -> Post:
    """The envelope around the message."""
    envelope = {
        "Type": "Notification",
        "MessageId": given.number,
        "TopicArn": TOPIC,
        "Message": given.body.decode(),
        "Timestamp": given.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
    }
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if wrong else RSA_KEY
    algorithm: hashes.HashAlgorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
    signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    signed = {"SignatureVersion": version, **envelope, "Signature": base64.b64encode(signature).decode()}
    return replace(given, body=dumps(signed), content_type="text/plain; charset=UTF-8", headers={})


def sign_svix(given: Post, wrong: bool) -> Post:
    timestamp = str(int(given.at.timestamp()))
    key = b"another" if wrong else SVIX_KEY
    content = f"{given.number}.{timestamp}.".encode() + given.body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return _with(given, svix_id=given.number, svix_timestamp=timestamp, svix_signature=f"v1,b3RoZXI= v1,{signature}")


def sign_basic(given: Post, wrong: bool) -> Post:
    word = base64.b64encode(f"myportal:{'another' if wrong else SECRET}".encode()).decode()
    return _with(given, Authorization=f"Basic {word}")


def sign_bearer(given: Post, wrong: bool) -> Post:
    return _with(given, Authorization=f"Bearer {'another' if wrong else SECRET}")


def sign_smtp2go(given: Post, wrong: bool) -> Post:
    timestamp = str(int(given.at.timestamp()))
    key = b"another" if wrong else SMTP2GO_KEY.encode()
    signature = hmac.new(key, timestamp.encode() + b"." + given.body, hashlib.sha256).hexdigest()
    signed = _with(given, X_Smtp2go_Signature=f"t={timestamp},v1={signature}")
    return replace(signed, headers={**(signed.headers or {}), **(sign_bearer(given, False).headers or {})})


@dataclass(frozen=True)
class Sender:
    """One provider: its address, how it signs, and a bounce as its documents show it."""

    slug: str
    sign: Sign
    bounce: Callable[[str, str, str], Any]
    """Tracking id, address, an id of the event."""
    is_list: bool = False
    covers_body: bool = True
    covers_time: bool = True
    header: str = "Authorization"
    """One that its proof needs; '' where the proof stands in the body."""


def _now() -> float:
    return float(int(datetime.now(UTC).timestamp()))


def _sendgrid(tracking_id: str, email: str, number: str) -> Any:
    return [
        {"email": email, "timestamp": int(_now()), "event": "bounce", "type": "bounce", "sg_event_id": number,
         "reason": "550 5.1.1 no such user", "status": "5.1.1", "tracking_id": tracking_id}
    ]  # fmt: skip


def _mailgun(tracking_id: str, email: str, number: str) -> Any:
    return {
        "event-data": {
            "event": "failed", "severity": "permanent", "reason": "bounce", "id": number, "timestamp": _now(),
            "recipient": email, "user-variables": {"tracking_id": tracking_id},
            "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
        }
    }  # fmt: skip


def _ses(tracking_id: str, email: str, number: str) -> Any:
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent", "feedbackId": number, "timestamp": "2026-11-20T10:00:00.000Z",
            "bouncedRecipients": [{"emailAddress": email, "status": "5.1.1", "diagnosticCode": "550 no such user"}],
        },
        "mail": {"messageId": f"m-{number}", "destination": [email], "tags": {"tracking_id": [tracking_id]}},
    }  # fmt: skip


def _postmark(tracking_id: str, email: str, number: str) -> Any:
    return {
        "RecordType": "Bounce", "ID": int.from_bytes(number.encode()[:6]), "Type": "HardBounce", "Email": email,
        "MessageID": number, "BouncedAt": "2026-11-20T10:00:00.1234567-05:00", "Details": "550 no such user",
        "Metadata": {"tracking_id": tracking_id},
    }  # fmt: skip


def _brevo(tracking_id: str, email: str, number: str) -> Any:
    return {
        "event": "hard_bounce", "email": email, "id": 26224, "message-id": f"<{number}@relay.example>",
        "ts_epoch": int(_now() * 1000), "reason": "550 no such user", "X-Mailin-custom": f"tracking_id:{tracking_id}",
    }  # fmt: skip


def _sparkpost(tracking_id: str, email: str, number: str) -> Any:
    event = {
        "type": "bounce", "bounce_class": "10", "event_id": number, "rcpt_to": email.lower(),
        "timestamp": str(int(_now())), "raw_reason": "550 no such user", "rcpt_meta": {"tracking_id": tracking_id},
    }  # fmt: skip
    return [{"msys": {"message_event": event}}]


def _resend(tracking_id: str, email: str, number: str) -> Any:
    return {
        "type": "email.bounced", "created_at": datetime.now(UTC).isoformat(),
        "data": {
            "email_id": number, "to": [email], "tags": {"tracking_id": tracking_id},
            "bounce": {"type": "Permanent", "subType": "General", "message": "550 no such user"},
        },
    }  # fmt: skip


def _mailjet(tracking_id: str, email: str, number: str) -> Any:
    return [
        {"event": "bounce", "time": int(_now()), "MessageID": int.from_bytes(number.encode()[:7]), "email": email,
         "hard_bounce": True, "error_related_to": "recipient", "error": "user unknown", "CustomID": tracking_id}
    ]  # fmt: skip


def _smtp2go(tracking_id: str, email: str, number: str) -> Any:
    return {
        "event": "bounce", "bounce": "hard", "email_id": number, "rcpt": email, "time": "2026-11-20T10:00:00Z",
        "message": "550 no such user", "X-MyPortal-Tracking-Id": tracking_id,
    }  # fmt: skip


def _generic(tracking_id: str, email: str, number: str) -> Any:
    return {
        "tracking_id": tracking_id, "event": "bounced", "bounce_type": "hard", "reason": "mailbox does not exist",
        "email": email, "timestamp": "2026-11-20T10:00:00Z", "event_id": number,
    }  # fmt: skip


def _unsigned(slug: str, sign: Sign, bounce: Callable[[str, str, str], Any], *, is_list: bool = False) -> Sender:
    """One that only sends a secret along."""
    return Sender(slug, sign, bounce, is_list=is_list, covers_body=False, covers_time=False)


SENDERS = [
    Sender("sendgrid", sign_sendgrid, _sendgrid, is_list=True, header="X-Twilio-Email-Event-Webhook-Timestamp"),
    Sender("mailgun", sign_mailgun, _mailgun, covers_body=False, header=""),
    Sender("ses", sign_sns, _ses, header=""),
    _unsigned("postmark", sign_basic, _postmark),
    _unsigned("brevo", sign_bearer, _brevo),
    _unsigned("sparkpost", sign_basic, _sparkpost, is_list=True),
    Sender("resend", sign_svix, _resend, header="svix-id"),
    _unsigned("mailjet", sign_basic, _mailjet, is_list=True),
    Sender("smtp2go", sign_smtp2go, _smtp2go, header="X-Smtp2go-Signature"),
    _unsigned("generic", sign_bearer, _generic),
]


def certificate(*, days: int = 30) -> bytes:
    """Amazon's, for RSA_KEY; with negative days one that is over."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(RSA_KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(RSA_KEY, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM)


async def amazon(url: str) -> bytes:
    """What Amazon serves: its certificate, and the confirmation of subscriptions."""
    fetched.append(url)
    if url == CERTIFICATE_URL:
        return certificate()
    if "Action=ConfirmSubscription" in url:
        return b"<ConfirmSubscriptionResponse/>"
    raise NotThere("answered 404")
