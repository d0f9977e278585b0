"""Whether mail programs can reach pixel and links: what the settings say, and what an own visit shows."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from app.hookspecs import CheckResult
from app.services import outbound
from app.services.outbound import Visit, stranger
from app.settings import LOOPBACK_HOSTS, Settings
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links

TIMEOUT = 2.0
"""Seconds for each step of a request."""
PROBE = "self-test"
"""Too short for an id of ours: loading its pixel and following its link records nothing."""
NO_ADDRESS = (
    "PORTAL_URL is not set, so nothing is tracked: set it to the address under which mail clients reach this portal, "
    "for example https://help.example.com"
)
NO_PIXEL = CheckResult("Pixel", False, "has no address without PORTAL_URL")
CACHED = frozenset({"HIT", "MISS", "EXPIRED", "STALE", "REVALIDATED", "UPDATING"})
"""Values of CF-Cache-Status by which Cloudflare says that it keeps, or would keep, an answer; what it may not keep is
BYPASS or DYNAMIC (https://developers.cloudflare.com/cache/concepts/cache-responses/)."""
OURS = "let /api/email-tracking/ through to this portal, to everybody and unchanged"


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
    return NO_ADDRESS if found is None else _problem(*found)


def _problem(variable: str, url: str) -> str | None:
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK_HOSTS:
        return (
            f"{variable} is {url}, which only this machine reaches: good for trying out, but mail "
            "clients of customers cannot load the pixel or follow the links; set it to a public https:// address"
        )
    if parts.scheme != "https":
        return (
            f"{variable} is {url}: many mail clients load no images over http:// and warn at such "
            f"links; serve it over https:// and change {variable}"
        )
    return None


def address(settings: Settings) -> CheckResult:
    """What the settings alone say."""
    problem = address_problem(settings)
    words = problem or str(settings.tracking_url or settings.portal_url)
    return CheckResult("Portal address", problem is None or is_loopback(settings), words)


async def visited(settings: Settings, links: Links | None) -> list[CheckResult]:
    """Address, pixel and links, through the network as mail programs come, as far as this host can do that.

    Where there is a tracking host, the pixel at PORTAL_URL too: mails that went out before load it there.
    """
    found = _address_of(settings)
    if found is None or links is None:
        return [address(settings), NO_PIXEL]
    variable, url = found
    pixel, target = links.pixel(PROBE), f"{links.portal_url}/"
    click = links.click(PROBE, target) or pixel
    paths = [one.removeprefix(url) for one in (pixel, pixel, click)]
    visit = await outbound.visit_ourselves(url, paths, timeout=TIMEOUT)
    reach = _reach(settings, variable, url, visit)
    pixel_step = _pixel("Pixel", url, visit)
    if not visit.answers and visit.problem in reach.message:
        pixel_step = CheckResult("Pixel", False, "cannot be loaded, because the address does not answer")
    results = [reach, pixel_step, *_links(url, visit, target)]
    if settings.tracking_url is not None and settings.portal_url != url:
        old = await outbound.visit_ourselves(links.portal_url, [paths[0]] * 2, timeout=TIMEOUT)
        results.append(_older(links.portal_url, old))
    return results


def _reach(settings: Settings, variable: str, url: str, visit: Visit) -> CheckResult:
    known = address(settings)
    if not known.ok or is_loopback(settings):
        return known
    if visit.inside:
        words = (
            f"{url} cannot be reached from outside, as far as can be told: {visit.inside}. Set {variable} to a public "
            "address; where only this network's name server says so, load the pixel from outside to be sure"
        )
        if not visit.answers:
            words += f". Nor does it answer us: {visit.problem}"
        return CheckResult(known.name, False, words)
    if not visit.answers:
        return CheckResult(known.name, False, f"{url} does not answer us: {visit.problem}")
    if visit.ends is not None:
        words = f"the certificate of {url} ends on {visit.ends:%-d %b %Y}: see why it is not renewed"
        return CheckResult(known.name, False, words)
    return CheckResult(known.name, True, f"{url}, a public address with a good certificate")


def _pixel(name: str, url: str, visit: Visit) -> CheckResult:
    if not visit.answers:
        return CheckResult(name, False, f"cannot be loaded from {url}: {visit.problem}")
    for answer in visit.answers[:2]:
        problem = pixel_problem(answer)
        if problem:
            return CheckResult(name, False, f"{url} {problem}")
    return CheckResult(name, True, f"{url} delivers it, and nothing on the way keeps it")


def _older(url: str, visit: Visit) -> CheckResult:
    """The portal's own address, where there is another one for new mails."""
    found = _pixel("PORTAL_URL", url, visit)
    problem = _problem("PORTAL_URL", url) or visit.inside
    if found.ok and problem:
        return CheckResult(found.name, False, f"{url} is not reached from outside, as far as can be told: {problem}")
    return CheckResult(found.name, found.ok, f"for mails from before TRACKING_URL was set: {found.message}")


def _links(url: str, visit: Visit, target: str) -> list[CheckResult]:
    if len(visit.answers) < 3:
        # The steps before say why.
        return []
    answer = visit.answers[2]
    if answer.status_code == 302 and answer.headers.get("location") == target:
        return [CheckResult("Links", True, "a tracked link leads on to where it should")]
    if answer.status_code == 400:
        words = (
            "does not know a link that this process signed: another portal answers there, with another SECRET_KEY, or "
            "something on the way changes the address; pass the query on as it comes"
        )
    else:
        words = f"does not lead a tracked link on. It {stranger(answer)}; {OURS}"
    return [CheckResult("Links", False, f"{url} {words}")]


def pixel_problem(answer: httpx.Response) -> str:
    """What is wrong with an answer that should be our pixel: words that go after its address; '' where nothing is."""
    if answer.status_code != 200 or answer.content != GIF:
        if answer.status_code == 200 and answer.headers.get("content-type", "").startswith("image/"):
            return f"delivers another picture: something on the way improves pictures; {OURS}"
        return f"{stranger(answer)}; {OURS}"
    cache = _cache(answer.headers)
    if cache:
        return (
            f"delivers the pixel out of a cache ({cache}), so later opens never come here; except "
            "/api/email-tracking/ from caching"
        )
    if "no-store" not in answer.headers.get("cache-control", "").lower():
        return (
            "delivers the pixel without Cache-Control: no-store, which the portal sends: something on the way takes it "
            f"off, so that mail programs keep the picture and later opens are missed; {OURS}"
        )
    if "set-cookie" in answer.headers:
        return (
            "delivers the pixel with a cookie, which the portal never sets: something on the way marks your readers; "
            f"{OURS}"
        )
    return ""


def _cache(headers: httpx.Headers) -> str:
    """The header by which a cache tells that it keeps the pixel; '' where none does."""
    cloudflare = headers.get("cf-cache-status", "").strip().upper()
    if cloudflare in CACHED:
        return f"CF-Cache-Status: {cloudflare}"
    age = headers.get("age", "").strip()
    if age.isascii() and age.isdecimal() and int(age[:9]) > 0:
        return f"Age: {age[:9]}"
    other = headers.get("x-cache", "")
    return f"X-Cache: {other[:40]}" if "hit" in other.lower() else ""
