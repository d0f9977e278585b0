"""Where a mail carries its tracking id outward, so that the provider's events bring it back. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from plugins.delivery.providers.base import HEADER, SLOT


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


SLOTS: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "sendgrid": lambda one: {"X-SMTPAPI": _json({"unique_args": {SLOT: one}})},
    "mailgun": lambda one: {"X-Mailgun-Variables": _json({SLOT: one})},
    # Event publishing gives tags back, notifications only headers.
    "ses": lambda one: {"X-SES-MESSAGE-TAGS": f"{SLOT}={one}", HEADER: one},
    "postmark": lambda one: {f"X-PM-Metadata-{SLOT}": one},
    "brevo": lambda one: {"X-Mailin-custom": f"{SLOT}:{one}"},
    "sparkpost": lambda one: {"X-MSYS-API": _json({"metadata": {SLOT: one}})},
    "resend": lambda one: {HEADER: one},
    "mailjet": lambda one: {"X-MJ-CustomID": one},
    "smtp2go": lambda one: {HEADER: one},
    "generic": lambda one: {HEADER: one},
}


def headers_for(provider: str, tracking_id: str) -> dict[str, str]:
    """The headers for a copy that goes out through a provider; none for 'none'."""
    slot = SLOTS.get(provider)
    return dict(slot(tracking_id)) if slot else {}
