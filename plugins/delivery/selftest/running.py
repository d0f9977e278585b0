"""Runs the self-tests, and tells how the module does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.database import DatabaseUnavailable, utcnow
from app.hookspecs import CheckResult
from app.services.email import CopyIds
from app.services.web import ago
from plugins.delivery import overview
from plugins.delivery.errors import Refused, Unavailable
from plugins.delivery.handles import Handles
from plugins.delivery.providers import PROVIDERS, Provider
from plugins.delivery.receiving import Receiver
from plugins.delivery.selftest.samples import signed

NOBODY = "self-test@example.com"
OWN_KEYS = {
    "sendgrid": "The proof was checked with a key made for this test: only SendGrid has the one that fits yours.",
    "sns": "The proof was checked with a certificate made for this test: only Amazon has the one that signs.",
}


async def check(handles: Handles) -> list[CheckResult]:
    """The steps that cost little; the last says when something was last told."""
    settings = handles.settings
    opened = [one.label for one in PROVIDERS.values() if settings.is_open(one.slug)]
    words = (
        f"open for {', '.join(opened)}"
        if opened
        else "none is set up, so only bounce mails tell; for more, set your provider's secret in the settings"
    )
    # No fault: a mail server of one's own has no webhooks.
    steps = [CheckResult("Providers", True, words)]
    if not handles.context.settings.portal_url:
        steps.append(CheckResult("Address", False, "PORTAL_URL is not set, so providers have no address to post to"))
    sending = PROVIDERS.get(settings.sending_provider)
    if sending is not None:
        is_open = settings.is_open(sending.slug)
        words = "and its events are taken" if is_open else "and its events are refused: set its secret"
        steps.append(CheckResult("Tracking id", is_open, f"travels in the slot of {sending.label}, {words}"))
    else:
        steps.append(
            CheckResult("Tracking id", True, "does not travel; events find their mail by Message-ID and recipient")
        )
    last = await overview.last_event(handles.context.database)
    told = f"last event {ago(last.at)} from {last.label}" if last else "no event so far"
    return [*steps, CheckResult("Events", True, told)]


async def test(handles: Handles) -> list[CheckResult]:
    """All steps, and a sample of each provider that is open."""
    found = await check(handles)
    for provider in PROVIDERS.values():
        if handles.settings.is_open(provider.slug):
            steps = await try_provider(handles, provider)
            wrong = next((one for one in steps if not one.ok), None)
            words = wrong.message if wrong else "a signed sample was read and stored, and taken back"
            found.insert(-1, CheckResult(f"{provider.label} sample", wrong is None, words))
    return found


async def try_provider(handles: Handles, provider: Provider) -> Sequence[CheckResult]:
    """Step by step: a sample is genuine, is read, and is stored; then that is taken back. A forged one is refused."""
    now, settings = utcnow(), handles.settings
    if not settings.is_open(provider.slug):
        return [CheckResult("Secret", False, f"No secret of {provider.label} is set, so its address is closed.")]
    steps = [CheckResult("Secret", True, OWN_KEYS.get(provider.proof, "The saved one was used."))]
    tracking_id = CopyIds(handles.context.settings.keys).new()
    body = provider.sample(tracking_id, NOBODY, now)
    # In a thread: making a key takes a while.
    sample = await asyncio.to_thread(signed, provider, body, settings, now)
    receiver = Receiver(lambda: sample.settings, sample.certificates)
    try:
        heard = await receiver.hear(provider, sample.incoming(now))
    except (Refused, Unavailable) as error:
        return [*steps, CheckResult("Proof", False, str(error))]
    steps.append(CheckResult("Proof", True, "A genuine sample was recognised."))
    try:
        await receiver.hear(provider, sample.incoming(now, tampered=True))
        steps.append(CheckResult("Forgery", False, "A forged sample was taken. Do not use this provider; report it."))
    except Refused as error:
        steps.append(CheckResult("Forgery", True, f"A forged one was refused: {error}"))
    read = len(heard.events) == 1 and heard.events[0].kind == "delivered" and heard.events[0].tracking_id == tracking_id
    words = "Word, time, recipient and tracking id were found." if read else "It was misread."
    steps.append(CheckResult("Reading", read, words))
    try:
        taken = await handles.intake.try_out(heard.events)
    except DatabaseUnavailable as error:
        return [*steps, CheckResult("Storing", False, f"The database does not answer: {error}")]
    ok = taken.stored == 1
    return [*steps, CheckResult("Storing", ok, "Stored, and taken back." if ok else "The database did not take it.")]
