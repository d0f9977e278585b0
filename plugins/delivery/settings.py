"""What an admin sets of the module; the form under Admin → Integration Modules is made from it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.verification import ecdsa, svix

SENDING = "Sending"
SECRETS = "Secrets of the providers"
PRIVACY = "Privacy"
SHORTEST = 16
"""Characters of a secret that we compare: nobody guesses it."""
TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]{2,30}:\d{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)
SendingProvider = Literal[
    "none",
    "sendgrid",
    "mailgun",
    "ses",
    "postmark",
    "brevo",
    "sparkpost",
    "resend",
    "mailjet",
    "smtp2go",
    "generic",
]
MADE_UP = "Make it up, at least 16 characters. Stored encrypted and never shown again."


class DeliverySettings(FollowSettings):
    """Without its secret a provider's address is closed."""

    sending_provider: SendingProvider = Field(
        "none",
        title="Mails go out through",
        description="Decides in which header each mail carries its tracking id, so that the provider's events name the "
        "mail. Generic: a header of our own, X-MyPortal-Tracking-Id. None: no header; events are then matched by "
        "Message-ID and recipient, where the provider tells both.",
        json_schema_extra={"env": "DELIVERY_SENDING_PROVIDER", "group": SENDING},
    )
    sendgrid_key: str = Field(
        "",
        title="SendGrid: verification key",
        description="The public key of the signed event webhook, as SendGrid shows it. It is no secret.",
        json_schema_extra={"group": SECRETS},
    )
    mailgun_key: SecretStr | None = Field(
        None,
        title="Mailgun: HTTP webhook signing key",
        description="Not the API key. Stored encrypted and never shown again.",
        json_schema_extra={"group": SECRETS},
    )
    ses_topics: str = Field(
        "",
        title="Amazon SES: SNS topics",
        description="ARNs such as arn:aws:sns:eu-central-1:123456789012:mail, separated by spaces. Messages of other "
        "topics are refused: anybody can own one, and Amazon signs for all.",
        json_schema_extra={"group": SECRETS},
    )
    postmark_secret: SecretStr | None = Field(
        None, title="Postmark: secret", description=MADE_UP, json_schema_extra={"group": SECRETS}
    )
    brevo_secret: SecretStr | None = Field(
        None, title="Brevo: secret", description=MADE_UP, json_schema_extra={"group": SECRETS}
    )
    sparkpost_secret: SecretStr | None = Field(
        None, title="SparkPost: secret", description=MADE_UP, json_schema_extra={"group": SECRETS}
    )
    resend_secret: SecretStr | None = Field(
        None,
        title="Resend: signing secret",
        description="Begins with whsec_. Stored encrypted and never shown again.",
        json_schema_extra={"group": SECRETS},
    )
    mailjet_secret: SecretStr | None = Field(
        None, title="Mailjet: secret", description=MADE_UP, json_schema_extra={"group": SECRETS}
    )
    smtp2go_secret: SecretStr | None = Field(
        None, title="SMTP2GO: secret", description=MADE_UP, json_schema_extra={"group": SECRETS}
    )
    smtp2go_key: SecretStr | None = Field(
        None,
        title="SMTP2GO: signing key",
        description="Only if SMTP2GO gave you one: each request must then carry X-Smtp2go-Signature too.",
        json_schema_extra={"group": SECRETS},
    )
    generic_secret: SecretStr | None = Field(
        None,
        title="Generic JSON: secret",
        description=f"For /api/delivery/generic, /track/delivery/ and /track/bounce/. {MADE_UP}",
        json_schema_extra={"group": SECRETS},
    )
    keep_raw_days: int = Field(
        30,
        ge=0,
        le=3650,
        title="Keep events as they came, days",
        description="Later only what was read of them stays: word, time, reason. 0 keeps them as long as the event.",
        json_schema_extra={"group": PRIVACY},
    )
    keep_days: int = Field(
        730,
        ge=0,
        le=7300,
        title="Keep events, days",
        description="Older ones are deleted each night. Badges stay. 0 keeps all.",
        json_schema_extra={"group": PRIVACY},
    )

    @property
    def topics(self) -> frozenset[str]:
        """The SNS topics that are ours."""
        return frozenset(self.ses_topics.split())

    def secret(self, name: str) -> str:
        """A secret by the name of its field; '' where none is set."""
        found = getattr(self, name, None)
        return found.get_secret_value() if isinstance(found, SecretStr) else str(found or "")

    def is_open(self, provider: str) -> bool:
        """Whether a provider can prove who it is."""
        names = {
            "sendgrid": ("sendgrid_key",),
            "mailgun": ("mailgun_key",),
            "ses": ("ses_topics",),
            "smtp2go": ("smtp2go_secret", "smtp2go_key"),
        }.get(provider, (f"{provider}_secret",))
        return any(self.secret(name) for name in names)

    @field_validator("sendgrid_key")
    @classmethod
    def _check_key(cls, value: str) -> str:
        value = "".join(value.split())
        if value and ecdsa.load(value) is None:
            raise ValueError("must be the verification key as SendGrid shows it: one line that begins with MFkw")
        return value

    @field_validator("ses_topics")
    @classmethod
    def _check_topics(cls, value: str) -> str:
        found = value.replace(",", " ").split()
        for one in found:
            if not TOPIC.fullmatch(one):
                raise ValueError(
                    f"must be ARNs of SNS topics like arn:aws:sns:eu-central-1:123456789012:mail, got {one[:100]!r}"
                )
        return " ".join(found)

    @field_validator("resend_secret")
    @classmethod
    def _check_svix(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() and svix.key_of(value.get_secret_value()) is None:
            raise ValueError("must be the signing secret as Resend shows it, beginning with whsec_")
        return value

    @field_validator(
        "postmark_secret", "brevo_secret", "sparkpost_secret", "mailjet_secret", "smtp2go_secret", "generic_secret"
    )
    @classmethod
    def _check_length(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and 0 < len(value.get_secret_value()) < SHORTEST:
            raise ValueError(f"must have at least {SHORTEST} characters, because whoever guesses it can forge bounces")
        return value
