"""What Plausible says of a test event and of the API key, and what its answers say of the clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from app.database import utcnow
from app.hookspecs import CheckResult
from app.services import outbound
from plugins.plausible.readback.caller import Caller
from plugins.plausible.readback.stats import visitors_today
from plugins.plausible.readback.troubles import Trouble
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.clock import Clock
from plugins.plausible.sync.outcome import Outcome, Result, of_answer, of_error
from plugins.plausible.sync.payload import USER_AGENT, visitor_address

EVENT = "myportal_test"
"""Its name; no goal of ours counts it."""
TIMEOUT = 2.0
"""Seconds for each step of a request; the whole takes three times as long at most."""
MAX_ANSWER = 64_000
CLOUD = "plausible.io"
VERBS = ("could ", "cannot ", "sent ", "did ")
"""How words of the sync begin that go after "Plausible"."""


@dataclass(frozen=True)
class Heard:
    """What the instance told. clock: '' where it is right, None where no answer had a time in it."""

    steps: list[CheckResult]
    clock: str | None = None
    asked: bool = True
    """Whether there was anything to ask it."""


async def ask(module: PlausibleSettings, key: bytes, *, now: Callable[[], datetime] = utcnow) -> Heard:
    """Send a test event, where sending is on; read a figure with the API key, where there is one.

    key: of visitors. Bounded: about 6 s.
    """
    secret = module.api_key.get_secret_value() if module.api_key else ""
    sends, reads = module.send_to_plausible and bool(module.site_domain), bool(secret and module.site_domain)
    if not (sends or reads):
        return Heard(_nothing_asked(module, has_key=bool(secret)), asked=False)
    listener = _Listener(Clock(now))
    async with outbound.client(timeout=TIMEOUT, max_bytes=MAX_ANSWER) as http:
        http.event_hooks = {"response": [listener.hear]}
        caller = Caller(http, module.base_url, module.site_domain, now(), secrets=(secret,))
        event, problem = await asyncio.gather(
            _send(http, module, key, now) if sends else _nothing(),
            _read(caller, secret) if reads else _nothing(),
        )
    steps = []
    if event is not None:
        steps.append(_event_step(module, event, site_is_known=problem == ""))
    if problem is not None:
        words = problem or f"reads the figures of {module.site_domain}"
        steps.append(CheckResult("API key", not problem, words))
    return Heard(steps, listener.clock.problem if listener.heard else None)


@dataclass
class _Listener:
    """Takes the time from answers that have one."""

    clock: Clock
    heard: bool = False

    async def hear(self, answer: httpx.Response) -> None:
        if "date" in answer.headers:
            self.heard = True
            self.clock.hear(answer.headers)


async def _nothing() -> None:
    return None


def _nothing_asked(module: PlausibleSettings, *, has_key: bool) -> list[CheckResult]:
    if has_key:
        return [CheckResult("API key", False, "cannot be tried without the site domain: fill it in")]
    if module.site_domain:
        words = "none was sent, because Send to Plausible is off: turn it on, save, and test again"
        return [CheckResult("Test event", True, words)]
    return []


async def _send(http: httpx.AsyncClient, module: PlausibleSettings, key: bytes, now: Callable[[], datetime]) -> Result:
    """A test event, with the headers that real ones have."""
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    if module.visitor_mode != "none":
        today = now().astimezone(ZoneInfo(module.site_timezone)).date()
        headers["X-Forwarded-For"] = headers["X-Plausible-IP"] = visitor_address(key, EVENT, today)
    host = module.site_domain.partition("/")[0]
    body = {"name": EVENT, "domain": module.site_domain, "url": f"https://{host}/email/test"}
    try:
        answer = await http.post(f"{module.base_url}/api/event", content=json.dumps(body).encode(), headers=headers)
    except (httpx.HTTPError, ValueError) as error:
        return _no_answer(error)
    return of_answer(answer.status_code, answer.headers, answer.content, now=now())


def _event_step(module: PlausibleSettings, result: Result, *, site_is_known: bool) -> CheckResult:
    name = "Test event"
    if result.outcome is Outcome.ACCEPTED:
        return CheckResult(name, True, f"Plausible took it, as {EVENT}, which no goal counts")
    if result.outcome is Outcome.DROPPED:
        return CheckResult(name, False, f"Plausible {result.words}. {why_dropped(module, site_is_known=site_is_known)}")
    return CheckResult(name, False, f"Plausible {result.words}")


def why_dropped(module: PlausibleSettings, *, site_is_known: bool) -> str:
    """The likely causes, the likeliest first; Plausible itself tells none. Source: its ingestion code, in its order."""
    site, host = module.site_domain, module.site_domain.partition("/")[0]
    is_cloud = urlsplit(module.base_url).hostname == CLOUD
    causes = []
    if not site_is_known:
        causes.append(f"it has no site called exactly {site} (one made within the last minute is not known yet)")
    if is_cloud:
        causes.append("the subscription has ended")
        if module.visitor_mode != "real":
            causes.append("it takes the request for one of a data centre, which Visitors: Real avoids for real events")
    causes.append(f"a shield of the site: its list of host names lacks {host}, or an address or a country is blocked")
    causes.append("the site takes no more events, by a limit that its operator set")
    known = f"The site {site} exists, as the API key shows. " if site_is_known else ""
    return f"{known}Likely: {'; or '.join(causes)}"


async def _read(caller: Caller, secret: str) -> str:
    """Today's visitors, by the key; '' where they came, or what keeps them from coming."""
    try:
        await visitors_today(caller, secret)
    except Trouble as trouble:
        return trouble.words
    return ""


def _no_answer(error: Exception) -> Result:
    certificate = outbound.certificate_fault(error)
    if certificate:
        words = f"cannot be trusted: {certificate}. Mend it there, or name your own authority's file in SSL_CERT_FILE"
        return Result(Outcome.WAITING, words)
    found = of_error(error)
    words = found.words if found.words.startswith(VERBS) else f"gives no answer: {found.words}"
    if not isinstance(error, outbound.Refused | outbound.NotResolved | ValueError):
        words += ". Is the Base URL right, and Plausible running there?"
    return Result(found.outcome, words)
