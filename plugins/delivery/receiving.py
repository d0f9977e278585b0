"""From a request to an answer: who speaks, what is in it, and that it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.delivery.codec import Failure
from plugins.delivery.errors import BadMember, Refused
from plugins.delivery.fields import Fields, check_depth
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.parsing import MOST_MEMBERS, parse
from plugins.delivery.providers.base import Given, Provider, raw_of
from plugins.delivery.settings import DeliverySettings
from plugins.delivery.verification import credential, ecdsa, mailgun, smtp2go, sns, svix
from plugins.delivery.verification.certificates import Certificates
from plugins.delivery.verification.incoming import Incoming, Proven, Subscription

SLICE = 50
"""Members that are read before others have a turn."""


@dataclass(frozen=True)
class Heard:
    """What a genuine request says."""

    events: Sequence[DeliveryEvent] = ()
    failures: Sequence[Failure] = ()
    token: str = ""
    subscription: Subscription | None = None


@dataclass
class Receiver:
    """One per process."""

    settings: Callable[[], DeliverySettings]
    certificates: Certificates = field(default_factory=Certificates)

    async def hear(self, provider: Provider, incoming: Incoming, *, event: str = "") -> Heard:
        """Check who speaks, and read what they say. Raises Refused, Unavailable.

        event: what a member without one tells; only of the generic JSON.
        """
        settings = self.settings()
        if not settings.is_open(provider.slug):
            raise Refused(
                403,
                f"Closed: no secret of {provider.label} is set. An admin sets it under Integration Modules → Delivery "
                "events.",
            )
        if incoming.content_type not in provider.types:
            raise Refused(415, f"The Content-Type must be {' or '.join(sorted(provider.types))}.")
        proven = await self._prove(provider, incoming, settings)
        body = parse(incoming) if proven.body is None else proven.body
        members = provider.members(body)
        if len(members) > MOST_MEMBERS:
            raise Refused(413, f"At most {MOST_MEMBERS:,} events in one request; send fewer.")
        events, failures = await _read(provider, members, incoming, proven.request_id, event)
        return Heard(events, failures, proven.token, proven.subscription)

    async def _prove(self, provider: Provider, incoming: Incoming, settings: DeliverySettings) -> Proven:
        match provider.proof:
            case "sendgrid":
                return ecdsa.prove(incoming, settings.sendgrid_key)
            case "mailgun":
                return mailgun.prove(incoming, settings.secret("mailgun_key"))
            case "sns":
                return await sns.prove(incoming, settings.topics, self.certificates)
            case "svix":
                return svix.prove(incoming, settings.secret(f"{provider.slug}_secret"))
            case "smtp2go":
                return smtp2go.prove(incoming, settings.secret("smtp2go_secret"), settings.secret("smtp2go_key"))
            case "credential":
                return credential.prove(incoming, settings.secret(f"{provider.slug}_secret"))


async def _read(
    provider: Provider, members: Sequence[Any], incoming: Incoming, request_id: str, event: str
) -> tuple[list[DeliveryEvent], list[Failure]]:
    """The events of all members; one that cannot be read does not concern the others."""
    events: list[DeliveryEvent] = []
    failures: list[Failure] = []
    for number, member in enumerate(members):
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        try:
            check_depth(member)
            if event and isinstance(member, dict) and "event" not in member:
                member = {**member, "event": event}
            events += provider.read(Given(Fields(member), incoming.now, request_id))
        except BadMember as error:
            failures.append(Failure(provider.slug, f"Event {number + 1}: {error}.", incoming.now, raw_of(member)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            words = f"Event {number + 1} cannot be read: {type(error).__name__}."
            failures.append(Failure(provider.slug, words, incoming.now, raw_of(member)))
    return events, failures
