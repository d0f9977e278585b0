"""What one request looks like, whenever it came: worked out once for all requests that look alike. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from plugins.plausible.classify.model import Context, Request
from plugins.plausible.client_names import Kind
from plugins.plausible.clients import Client, client_of

# Engine: a version, the day it came out, days between versions since. From the release calendars of Chrome and Firefox.
_RELEASES = {
    "chromium": (140, datetime(2025, 9, 2, tzinfo=UTC), 30),
    "gecko": (140, datetime(2025, 6, 24, tzinfo=UTC), 29),
}
OUTDATED, ANCIENT = 20, 40
"""Versions behind: about 20 months and more than three years."""
_FIRST_FETCH_METADATA = {"chromium": 80, "gecko": 90}
"""From these versions on, an engine that sends neither Sec-Fetch nor Accept-Language is not that engine."""
_ASIDE = frozenset({Kind.PREVIEW, Kind.GMAIL_AHEAD, Kind.DISPLAY_PROXY, Kind.MINOR_PROXY, Kind.APPLE_AHEAD})


@dataclass(frozen=True, slots=True)
class Sight:
    """The looks of a request, in the words that the rules use."""

    is_open: bool
    client: Client
    odd_method: bool
    """HEAD, OPTIONS and whatever else no reader's program sends."""
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
    activated: bool
    """A browser vouches that somebody clicked."""
    unactivated: bool
    """A browser that would vouch, going straight to the link, does not."""
    any_type: bool
    """A click that takes any type, as no browser does that goes to a page."""
    outdated: bool
    ancient: bool
    aside: bool
    """Of a kind that burst rules leave out: its own rule knows it better."""

    @property
    def machine_network(self) -> bool:
        """From where programs run rather than people sit."""
        return bool(self.networks & {"cloud", "microsoft", "gateway"})

    @property
    def mail_client(self) -> bool:
        return self.client.kind is Kind.MAIL_CLIENT

    @property
    def browser(self) -> bool:
        return self.client.kind is Kind.BROWSER

    @property
    def suspicion(self) -> int:
        """How much speaks for a program, to tell two clients of one click apart."""
        return 2 * self.machine_network + 2 * self.bare + self.outdated + self.unactivated + self.any_type


def look(request: Request, context: Context, today: datetime) -> Sight:
    """today: when the mail went out; it decides which browser is outdated."""
    headers = _joined(request.headers)
    client = client_of(request.user_agent, headers.get("x-requested-with", ""))
    is_open = request.kind == "open"
    known = request.headers is not None
    has_language = bool(headers.get("accept-language"))
    fetch_metadata = any(name.startswith("sec-fetch-") for name in headers)
    behind = _versions_behind(client, today)
    speculative = any(
        "pre" in headers.get(name, "").lower() for name in ("purpose", "x-purpose", "sec-purpose", "x-moz")
    )
    host, path = _page(request.referrer)
    at_portal = bool(host) and host == (context.portal_host or "").lower()
    activated = "?1" in headers.get("sec-fetch-user", "")
    any_type = known and headers.get("accept", "*/*").strip() in ("", "*/*")
    return Sight(
        is_open=is_open,
        client=client,
        odd_method=request.method.upper() not in ("GET", "POST"),
        speculative=speculative,
        agent_session=request.agent_session,
        customer_session=request.customer_session,
        portal_page=at_portal and not path.startswith(context.customer_paths or ("\0",)),
        other_page=bool(host) and not at_portal,
        networks=request.networks,
        bare=any_type and not has_language and not fetch_metadata,
        has_language=has_language,
        activated=activated,
        # Safari never sends Sec-Fetch-User (WebKit bug 247697).
        unactivated=not is_open
        and not activated
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-site") == "none"
        and client.engine in _RELEASES,
        any_type=any_type and not is_open,
        outdated=client.engine in ("msie", "presto") or (behind >= OUTDATED and not client.holdout),
        ancient=client.engine in ("msie", "presto")
        or (behind >= ANCIENT and not client.embedded and not client.holdout),
        aside=speculative or (client.kind in _ASIDE and (is_open or client.kind is Kind.PREVIEW)),
    )


def contradicts_itself(sight: Sight) -> bool:
    """Whether the engine that the name claims would have sent more."""
    client = sight.client
    if client.embedded:
        return False
    return sight.browser and sight.bare and client.version >= _FIRST_FETCH_METADATA.get(client.engine, 10_000)


def _joined(headers: tuple[tuple[str, str], ...] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers or ():
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found


def _page(referrer: str | None) -> tuple[str, str]:
    """Host and path of a Referer; empty where there is none that can be read."""
    try:
        parts = urlsplit((referrer or "")[:2048])
        return (parts.hostname or "").lower(), parts.path
    except ValueError:
        return "", ""


def _versions_behind(client: Client, today: datetime) -> int:
    release = _RELEASES.get(client.engine)
    if release is None or client.version == 0:
        return 0
    version, day, pace = release
    return version + (today - day).days // pace - client.version
