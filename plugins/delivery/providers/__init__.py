"""One adapter for each provider, all of one shape: a table from its words to ours, and where each field stands."""

from __future__ import annotations

from plugins.delivery.providers import (
    brevo,
    generic,
    mailgun,
    mailjet,
    postmark,
    resend,
    sendgrid,
    ses,
    smtp2go,
    sparkpost,
)
from plugins.delivery.providers.base import Provider

PROVIDERS: dict[str, Provider] = {
    module.PROVIDER.slug: module.PROVIDER
    for module in (sendgrid, mailgun, ses, postmark, brevo, sparkpost, resend, mailjet, smtp2go, generic)
}

__all__ = ["PROVIDERS", "Provider"]
