"""Which pages carry Plausible's script, how it is told what to send, and what of an event is passed on. Pure.

What the script does is read from its source (github.com/plausible/analytics, tracker/src) and its documentation
(https://plausible.io/docs/custom-locations, https://plausible.io/docs/proxy/introduction).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from app.hookspecs import PageScript, PageScripts, PageView
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.settings_pages import SITE_SCRIPT
from plugins.plausible.sync.payload import USER_AGENT, visitor_address

SETUP = "/pages/setup.js"
"""Our own small script; its name is in no blocker's list."""
SCRIPT = "/js/pages.js"
EVENT = "/api/event"
LONGEST_BODY = 8_192
"""Bytes; a page view has some 300."""
NAMES = frozenset({"pageview", "engagement"})
NUMBERS = {"v": 1_000_000, "sd": 100, "e": 86_400_000}
"""Version of the script, depth of scrolling in percent, milliseconds of attention; each with the most it may be."""


class BadEvent(ValueError):
    """An event that is not passed on; the message says why."""


def carries(page: PageView, settings: PlausibleSettings) -> bool:
    """Whether a page has the script.

    Where a password is typed, or an address is a key, it is there only by way of the portal: the page may then talk to
    nobody else, whatever the script does, and the portal passes on no more than `read_event` lets through.
    """
    if settings.page_analytics == "off" or not settings.site_domain:
        return False
    if page.sensitive and not settings.page_proxy:
        return False
    return page.kind == "public" or settings.page_analytics == "all"


def page_address(origin: str, path: str) -> str:
    """The address by which Plausible knows a page."""
    return f"{origin}{path}"


def origin_of(portal_url: str | None, settings: PlausibleSettings) -> str:
    """Where pages are said to be: at PORTAL_URL; at the site where that is not set."""
    if portal_url is None:
        return f"https://{settings.site_domain.partition('/')[0]}"
    parts = urlsplit(portal_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_mixed(settings: PlausibleSettings, origin: str) -> bool:
    """Whether browsers would refuse the script: into a page that came by https:// they load nothing over http://."""
    return not settings.page_proxy and origin.startswith("https://") and settings.base_url.startswith("http://")


def scripts(page: PageView, settings: PlausibleSettings, *, origin: str, version: str) -> PageScripts | None:
    """What a page carries; None for nothing. version: of our own script, so that browsers may keep it."""
    if not carries(page, settings) or is_mixed(settings, origin):
        return None
    event = EVENT if settings.page_proxy else f"{settings.base_url}{EVENT}"
    address = page_address(origin, page.path)
    own = PageScript(f"{SETUP}?v={version}", {"async": "", "data-url": address, "data-api": event})
    source = SCRIPT if settings.page_proxy else f"{settings.base_url}/js/{settings.page_script}"
    # `async`: a script that does not come must hold up nothing of the page.
    attributes = {"async": ""}
    if not SITE_SCRIPT.fullmatch(settings.page_script):
        attributes |= {"data-domain": settings.site_domain, "data-api": event}
    if not settings.page_proxy:
        # Neither cookies nor the page's address go along; Plausible allows it (access-control-allow-origin: *).
        attributes |= {"crossorigin": "anonymous", "referrerpolicy": "no-referrer"}
    connect = () if settings.page_proxy else (settings.base_url,)
    return PageScripts((own, PageScript(source, attributes)), connect)


def read_event(body: bytes, *, site: str, origin: str, paths: Collection[str]) -> bytes:
    """What of an event is passed on, as JSON. Raises BadEvent.

    site, origin: only events of this site and of pages there are taken. paths: of pages that count. Whatever else
    stands in it, properties above all, stays here.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise BadEvent("must be JSON in UTF-8") from None
    if not isinstance(given, dict):
        raise BadEvent("must be one object")
    name, domain, address = given.get("n"), given.get("d"), given.get("u")
    if not isinstance(name, str) or name not in NAMES:
        raise BadEvent("n must be pageview or engagement")
    if not isinstance(domain, str) or domain.strip().lower() != site:
        raise BadEvent("d must be the site of this portal")
    if not isinstance(address, str) or not address.startswith(origin) or address[len(origin) :] not in paths:
        raise BadEvent("u must be the address of a kind of page of this portal, such as /tickets/:id")
    told: dict[str, Any] = {"n": name, "d": site, "u": address}
    referrer = _site_of(given.get("r"), origin)
    if referrer and name == "pageview":
        told["r"] = referrer
    told |= {key: number for key, most in NUMBERS.items() if (number := _number(given.get(key), most)) is not None}
    return json.dumps(told, separators=(",", ":")).encode()


def _site_of(referrer: object, origin: str) -> str:
    """Of the page that led here its site alone; nothing of one of ours, or of what is no web page."""
    if not isinstance(referrer, str) or len(referrer) > 2000:
        return ""
    try:
        parts = urlsplit(referrer)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or f"{parts.scheme}://{parts.netloc}".lower() == origin:
        return ""
    return f"{parts.scheme}://{host}/"


def _number(given: object, most: int) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return None
    return int(given) if 0 <= given <= most else None


@dataclass(frozen=True)
class Visitor:
    """Who sent an event, as the request says."""

    address: str
    user_agent: str


def visitor_headers(visitor: Visitor, settings: PlausibleSettings, *, key: bytes, today: date) -> dict[str, str]:
    """What Plausible is told of a visitor; it counts visitors by address and browser.

    As for mails: the address itself only with visitors "real" and whole addresses allowed, otherwise one made of a
    keyed hash that changes each day, and none with "none". key: of visitors of pages. today: in the site's time zone.
    """
    if settings.visitor_mode == "none":
        return {"User-Agent": USER_AGENT}
    agent = " ".join(visitor.user_agent.encode("ascii", "replace").decode("ascii").split())[:500]
    headers = {"User-Agent": agent or USER_AGENT}
    if not visitor.address:
        return headers
    is_whole = settings.visitor_mode == "real" and settings.ip_mode == "full"
    address = visitor.address if is_whole else visitor_address(key, visitor.address, today)
    return headers | {"X-Forwarded-For": address, "X-Plausible-IP": address}
