"""What one request looks like, whenever it came: worked out once for all requests that look alike. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from plugins.plausible.classify.model import Context, Request
from plugins.plausible.client_names import Kind
from plugins.plausible.clients import Client, client_of

# Engine: a version, the day it came out, days between versions since. From the release calendars of Chrome and Firefox.
_RELEASES = {
    "chromium": (140, date(2025, 9, 2), 30),
    "gecko": (140, date(2025, 6, 24), 29),
}
_EPOCH = date(1970, 1, 1)
OUTDATED, ANCIENT = 20, 40
"""Versions behind: about 20 months and more than three years."""
_NAMES_ITS_TYPES = {"chromium": 80, "gecko": 92, "webkit": 17}
"""From these versions on, an engine that asks for any type, image or page, is not that engine: each names its types
(developer.mozilla.org, "List of default Accept values")."""
_PURPOSES = ("purpose", "x-purpose", "sec-purpose", "x-moz")
_MACHINE_NETWORKS = frozenset({"cloud", "microsoft", "gateway"})
_ASIDE = frozenset({Kind.PREVIEW, Kind.GMAIL_AHEAD, Kind.DISPLAY_PROXY, Kind.MINOR_PROXY, Kind.APPLE_AHEAD})


@dataclass(frozen=True, slots=True)
class Sight:
    """The looks of a request, in the words that the rules use."""

    is_open: bool
    client: Client
    odd_method: bool
    """HEAD, OPTIONS, POST: no reader's program asks for an image or follows a link that way."""
    speculative: bool
    """A browser loading ahead, which says so."""
    agent_session: bool
    customer_session: bool
    portal_page: bool
    """Comes from a page of the portal that is not the customers'."""
    other_page: bool
    """Comes from a page elsewhere: webmail, or a gateway's redirect."""
    networks: frozenset[str]
    bare: bool
    """Neither a language nor Sec-Fetch, and any type will do: as scripts ask."""
    has_language: bool
    no_language: bool
    """The headers are known, and no language is among them."""
    activated: bool
    """A browser vouches that somebody clicked."""
    unactivated: bool
    """A browser that would vouch, going straight to the link, does not."""
    any_type: bool
    """Any type will do, as no browser says that goes to a page or shows an image."""
    outdated: bool
    ancient: bool
    aside: bool
    """Of a kind that burst rules leave out: its own rule knows it better."""
    machine_network: bool
    """From where programs run rather than people sit."""
    mail_client: bool
    browser: bool
    may_read: bool
    """A load of the pixel that may be a reader's: from a browser in a data centre only where webmail shows."""
    shows: bool
    """A load of the pixel by a proxy that loads when a mail is shown."""

    @property
    def suspicion(self) -> int:
        """How much speaks for a program, to tell two clients of one click apart."""
        return 2 * self.machine_network + 2 * self.bare + self.outdated + self.unactivated + self.any_type


class Newest(NamedTuple):
    """The versions of browsers that were new on one day: all that the looks of a request depend on of the date."""

    chromium: int
    gecko: int


@lru_cache(maxsize=64)
def newest_on(day: int) -> Newest:
    """day: days since 1970, UTC."""
    chromium, gecko = (
        version + (day - (released - _EPOCH).days) // pace for version, released, pace in _RELEASES.values()
    )
    return Newest(chromium, gecko)


def look(request: Request, context: Context, newest: Newest) -> Sight:
    """newest: when the mail went out; it decides which browser is outdated."""
    headers = _joined(request.headers)
    client = client_of(request.user_agent, headers.get("x-requested-with", ""))
    is_open = request.kind == "open"
    known = request.headers is not None
    has_language = bool(headers.get("accept-language"))
    fetch_metadata = "sec-fetch-" in " ".join(headers)
    behind = _versions_behind(client, newest)
    speculative = any("pre" in headers[name].lower() for name in _PURPOSES if name in headers)
    host, path = _page(request.referrer)
    at_portal = bool(host) and host == (context.portal_host or "").lower()
    activated = "?1" in headers.get("sec-fetch-user", "")
    any_type = known and headers.get("accept", "*/*").strip() in ("", "*/*")
    bare = any_type and not has_language and not fetch_metadata
    other_page = bool(host) and not at_portal
    machine_network = not _MACHINE_NETWORKS.isdisjoint(request.networks)
    mail_client, browser = client.kind is Kind.MAIL_CLIENT, client.kind is Kind.BROWSER
    from_a_reader = mail_client or (browser and not bare and (other_page or not machine_network))
    return Sight(
        is_open=is_open,
        client=client,
        odd_method=request.method.upper() != "GET",
        speculative=speculative,
        agent_session=request.agent_session,
        customer_session=request.customer_session,
        portal_page=at_portal and not path.startswith(context.customer_paths or ("\0",)),
        other_page=other_page,
        networks=request.networks,
        bare=bare,
        has_language=has_language,
        no_language=known and not has_language,
        activated=activated,
        # Safari never sends Sec-Fetch-User (WebKit bug 247697).
        unactivated=not is_open
        and not activated
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-site") == "none"
        and client.engine in _RELEASES,
        any_type=any_type,
        outdated=client.engine in ("msie", "presto") or (behind >= OUTDATED and not client.holdout),
        ancient=client.engine in ("msie", "presto")
        or (behind >= ANCIENT and not client.embedded and not client.holdout),
        aside=speculative or (client.kind in _ASIDE and (is_open or client.kind is Kind.PREVIEW)),
        machine_network=machine_network,
        mail_client=mail_client,
        browser=browser,
        may_read=is_open and not speculative and from_a_reader,
        shows=is_open and client.kind in (Kind.DISPLAY_PROXY, Kind.MINOR_PROXY),
    )


def contradicts_itself(sight: Sight) -> bool:
    """Whether the engine that the name claims would have asked otherwise."""
    client = sight.client
    if client.embedded:
        return False
    return sight.browser and sight.any_type and client.version >= _NAMES_ITS_TYPES.get(client.engine, 10_000)


def protected_browser(sight: Sight) -> bool:
    """Whether a request from a gateway may be a person's, who reads in a browser that the gateway drives for him."""
    vouched = sight.activated or (sight.is_open and sight.other_page)
    return sight.browser and vouched and sight.has_language and not sight.outdated


def _joined(headers: tuple[tuple[str, str], ...] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers or ():
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found


def _page(referrer: str | None) -> tuple[str, str]:
    """Host and path of a Referer; empty where there is none that can be read."""
    if not referrer:
        return "", ""
    try:
        parts = urlsplit(referrer[:2048])
        return (parts.hostname or "").lower(), parts.path
    except ValueError:
        return "", ""


def _versions_behind(client: Client, newest: Newest) -> int:
    if client.version == 0 or client.engine not in _RELEASES:
        return 0
    return (newest.chromium if client.engine == "chromium" else newest.gecko) - client.version
