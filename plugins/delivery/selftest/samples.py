"""Signs samples as a provider does: with its own secret, or with a key made for this where only the provider has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from plugins.delivery.providers import Provider
from plugins.delivery.settings import DeliverySettings
from plugins.delivery.verification import ecdsa, smtp2go, sns, svix
from plugins.delivery.verification.certificates import Certificates, get
from plugins.delivery.verification.incoming import Incoming

TOPIC = "arn:aws:sns:eu-central-1:000000000000:self-test"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-00000000.pem"


@dataclass
class Sample:
    """A signed request, and the settings under which it is genuine."""

    headers: dict[str, str]
    body: bytes
    settings: DeliverySettings
    certificates: Certificates = field(default_factory=lambda: Certificates(get))

    def incoming(self, now: datetime, *, tampered: bool = False) -> Incoming:
        """The request; tampered: with a proof of somebody else."""
        headers, body = dict(self.headers), self.body
        if tampered and "authorization" in headers:
            headers["authorization"] = "Bearer somebody-else"
        elif tampered:
            # One character more in what is signed, or beside it.
            body = body.replace(b'"token": "', b'"token": "x').replace(b'"MessageId": "', b'"MessageId": "x') + b" "
        return Incoming(headers, body, now)


def signed(provider: Provider, body: Any, settings: DeliverySettings, now: datetime) -> Sample:
    """A sample as the provider would send it."""
    return SIGNERS[provider.proof](provider, json.dumps(body).encode(), settings, now)


def _plain(body: bytes, settings: DeliverySettings, **headers: str) -> Sample:
    return Sample({"content-type": "application/json", **headers}, body, settings)


def _sendgrid(_: Provider, body: bytes, settings: DeliverySettings, now: datetime) -> Sample:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    timestamp = str(int(now.timestamp()))
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    given = settings.model_copy(update={"sendgrid_key": base64.b64encode(public).decode()})
    headers = {ecdsa.SIGNATURE.lower(): signature, ecdsa.TIMESTAMP.lower(): timestamp}
    return _plain(body, given, **headers)


def _mailgun(_: Provider, body: bytes, settings: DeliverySettings, now: datetime) -> Sample:
    timestamp, token = str(int(now.timestamp())), secrets.token_hex(25)
    key = settings.secret("mailgun_key").encode()
    signature = hmac.new(key, f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    proof = {"timestamp": timestamp, "token": token, "signature": signature}
    return _plain(json.dumps({"signature": proof, **json.loads(body)}).encode(), settings)


def _sns(_: Provider, body: bytes, settings: DeliverySettings, now: datetime) -> Sample:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    envelope = {
        "Type": "Notification",
        "MessageId": secrets.token_hex(16),
        "TopicArn": TOPIC,
        "Message": body.decode(),
        "Timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    }
    signature = key.sign(sns.canonical(envelope, "Notification"), PKCS1v15(), SHA256())
    text = json.dumps({**envelope, "Signature": base64.b64encode(signature).decode()})
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, SHA256())
    )

    async def ours(_url: str) -> bytes:
        return certificate.public_bytes(Encoding.PEM)

    given = settings.model_copy(update={"ses_topics": TOPIC})
    return Sample({"content-type": "text/plain"}, text.encode(), given, Certificates(ours))


def _svix(provider: Provider, body: bytes, settings: DeliverySettings, now: datetime) -> Sample:
    number, timestamp = f"msg_{secrets.token_hex(8)}", str(int(now.timestamp()))
    key = svix.key_of(settings.secret(f"{provider.slug}_secret")) or b""
    signature = hmac.new(key, f"{number}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "svix-id": number,
        "svix-timestamp": timestamp,
        "svix-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    return _plain(body, settings, **headers)


def _credential(provider: Provider, body: bytes, settings: DeliverySettings, _: datetime) -> Sample:
    word = base64.b64encode(f"myportal:{settings.secret(f'{provider.slug}_secret')}".encode()).decode()
    return _plain(body, settings, authorization=f"Basic {word}")


def _smtp2go(provider: Provider, body: bytes, settings: DeliverySettings, now: datetime) -> Sample:
    found = _credential(provider, body, settings, now)
    if key := settings.secret("smtp2go_key"):
        timestamp = str(int(now.timestamp()))
        signature = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        found.headers[smtp2go.SIGNATURE.lower()] = f"t={timestamp},v1={signature}"
    return found


SIGNERS: dict[str, Callable[[Provider, bytes, DeliverySettings, datetime], Sample]] = {
    "sendgrid": _sendgrid,
    "mailgun": _mailgun,
    "sns": _sns,
    "svix": _svix,
    "credential": _credential,
    "smtp2go": _smtp2go,
}
