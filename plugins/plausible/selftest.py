"""The module's self-test, step by step, in the order in which to mend what fails."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from app.database import Database, DatabaseUnavailable, utcnow
from app.hookspecs import CheckResult
from app.services.web import ago
from app.settings import LOOPBACK_HOSTS, Settings
from plugins.plausible import repository
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links
from plugins.plausible.recording import statements
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.account import account
from plugins.plausible.sync.outcome import Outcome

FETCH_DEADLINE = 2.5
"""Seconds; the page with all modules waits 3 for everything."""
PROBE = "self-test"
"""Too short for an id of ours: loading its pixel records nothing."""
NO_ADDRESS = (
    "PORTAL_URL is not set, so nothing is tracked: set it to the address under which mail clients reach this portal, "
    "for example https://help.example.com"
)


def _address_of(settings: Settings) -> tuple[str, str] | None:
    """The variable on which pixel and links are built, and its value."""
    if settings.portal_url is None:
        return None
    if settings.tracking_url is not None:
        return "TRACKING_URL", settings.tracking_url
    return "PORTAL_URL", settings.portal_url


def is_loopback(settings: Settings) -> bool:
    """Whether only this machine reaches pixel and links."""
    found = _address_of(settings)
    return found is not None and urlsplit(found[1]).hostname in LOOPBACK_HOSTS


def address_problem(settings: Settings) -> str | None:
    """What is wrong for tracking with PORTAL_URL, or with TRACKING_URL, in words; None where nothing is."""
    found = _address_of(settings)
    if found is None:
        return NO_ADDRESS
    variable, url = found
    if is_loopback(settings):
        return (
            f"{variable} is {url}, which only this machine reaches: good for trying out, but mail "
            "clients of customers cannot load the pixel or follow the links; set it to a public https:// address"
        )
    if urlsplit(url).scheme != "https":
        return (
            f"{variable} is {url}: many mail clients load no images over http:// and warn at such "
            f"links; serve it over https:// and change {variable}"
        )
    return None


async def self_test(
    settings: Settings, module: PlausibleSettings, links: Links | None, database: Database, networks: CheckResult
) -> list[CheckResult]:
    """All steps; the last one says when something was last recorded. networks: what the list of networks says."""
    results = [_address(settings), await _pixel(links), _mail_server(settings), _what(module), networks]
    if module.send_to_plausible:
        results.append(await _sync(database))
    return [*results, await _last_event(database), *await _set_aside(database)]


def _address(settings: Settings) -> CheckResult:
    problem = address_problem(settings)
    words = problem or str(settings.tracking_url or settings.portal_url)
    return CheckResult("Portal address", problem is None or is_loopback(settings), words)


async def _pixel(links: Links | None) -> CheckResult:
    if links is None:
        return CheckResult("Pixel", False, "has no address without PORTAL_URL")
    url = links.pixel(PROBE)
    try:
        async with httpx.AsyncClient(timeout=FETCH_DEADLINE, trust_env=False) as client:
            response = await client.get(url)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        return CheckResult(
            "Pixel",
            False,
            f"{url} cannot be loaded from here: {reason}. Check that its address is right and leads here; where the "
            "server cannot reach its own public address, load it in a browser outside instead",
        )
    if response.status_code != 200 or response.content != GIF:
        return CheckResult(
            "Pixel",
            False,
            f"{url} answers {response.status_code} with something else than our picture: another server, or a login "
            "in front of it; let /api/email-tracking/ through to this portal",
        )
    return CheckResult("Pixel", True, f"{links.tracking_url} delivers it")


def _mail_server(settings: Settings) -> CheckResult:
    if settings.smtp_host is None:
        return CheckResult("Mail server", False, "SMTP_HOST is not set; replies wait in the outbox until it is")
    return CheckResult("Mail server", True, f"{settings.smtp_host}:{settings.smtp_port}")


def _what(module: PlausibleSettings) -> CheckResult:
    found = notice(module)
    if found is None:
        return CheckResult("Tracking", False, "opens and clicks are both off; turn one on, or the module off")
    return CheckResult("Tracking", True, found)


def notice(module: PlausibleSettings) -> str | None:
    """What a tracked reply reports, in words; None for nothing."""
    return (
        " and ".join(words for on, words in ((module.track_opens, "opens"), (module.track_clicks, "links")) if on)
        or None
    )


async def _sync(database: Database) -> CheckResult:
    try:
        async with database.connection() as conn:
            found = await account(conn, now=utcnow())
    except DatabaseUnavailable as error:
        return CheckResult("Send to Plausible", False, str(error))
    total = found.totals
    words = f"{total[Outcome.ACCEPTED]:,} accepted, {total[Outcome.WAITING]:,} waiting"
    others = (Outcome.DROPPED, Outcome.REJECTED, Outcome.AMBIGUOUS, Outcome.TOO_OLD)
    words += "".join(f", {total[one]:,} {one.value.replace('_', ' ')}" for one in others if total[one])
    if found.problem:
        return CheckResult("Send to Plausible", False, f"Plausible {found.problem}. {words[0].upper()}{words[1:]}")
    if total[Outcome.DROPPED] and not total[Outcome.ACCEPTED]:
        words += ". Plausible drops all: is the site domain spelt as there, and is it not in a shield?"
        return CheckResult("Send to Plausible", False, words)
    return CheckResult("Send to Plausible", True, words)


async def _set_aside(database: Database) -> list[CheckResult]:
    try:
        async with database.connection() as conn:
            count = await statements.quarantined(conn)
    except DatabaseUnavailable:
        # The step before says so.
        return []
    if not count:
        return []
    words = (
        f"{count} that the database refused lie in email_tracking_quarantine, each with its error; they count nowhere. "
        "Tell the makers of the portal what the errors are, then delete the rows"
    )
    return [CheckResult("Events set aside", False, words)]


async def _last_event(database: Database) -> CheckResult:
    try:
        async with database.connection() as conn:
            moment = await repository.last_event_at(conn)
    except DatabaseUnavailable as error:
        return CheckResult("Events", False, str(error))
    if moment is None:
        return CheckResult("Events", True, "none yet: send a tracked reply to yourself and open it")
    return CheckResult("Events", True, f"last event {ago(moment)}")
