"""Requests for a pixel and for links, as mail programs, people's browsers and machines send them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.plausible.classify import Context, CopyHistory, Request, Verdict, classify

DELIVERED = datetime(2026, 8, 7, 12, 0, 0, tzinfo=UTC)
SENT = DELIVERED - timedelta(seconds=2)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
)
OLD_CHROME = CHROME.replace("149", "118")
ANCIENT_CHROME = CHROME.replace("149.0.0.0", "80.0.3987.132")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.1 Mobile/15E148 Safari/604.1"
)
CHROME_ON_IPHONE = SAFARI.replace("Version/26.1", "CriOS/139.0.7258.76")
APPLE_MAIL = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
OUTLOOK = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"
THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
APPLE_AHEAD = "Mozilla/5.0"
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
BARRACUDA = "Barracuda Sentinel (EE)"

IMAGE = (
    ("accept", "image/avif,image/webp,*/*;q=0.8"),
    ("accept-language", "de-DE,de;q=0.9"),
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-site", "cross-site"),
)
PAGE = (("accept", "text/html,application/xhtml+xml"), ("accept-language", "de-DE,de;q=0.9"))
VISIT = (*PAGE, ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "none"), ("sec-fetch-user", "?1"))
DRIVEN = VISIT[:-1]
"""A visit for which no browser vouches."""
BARE = (("accept", "*/*"),)
WEBMAIL = "https://webmail.customer.example/"


def opened(after: float, user_agent: str | None = CHROME, **more: Any) -> Request:
    """The pixel, so many seconds after delivery."""
    more.setdefault("headers", IMAGE)
    return _request(after, "open", user_agent, more)


def clicked(after: float, link: str = "0", user_agent: str | None = CHROME, **more: Any) -> Request:
    """A link, so many seconds after delivery."""
    more.setdefault("headers", VISIT)
    return _request(after, "click", user_agent, {"link": link, **more})


def _request(after: float, kind: Any, user_agent: str | None, more: dict[str, Any]) -> Request:
    networks: Collection[str] = more.pop("networks", ())
    more.setdefault("client", "home")
    return Request(
        at=DELIVERED + timedelta(seconds=after), kind=kind, user_agent=user_agent, networks=frozenset(networks), **more
    )


def copy(*requests: Request, links: int = 4, **context: Any) -> CopyHistory:
    """One recipient's copy with that many links, "0", "1", and so on."""
    context.setdefault("sent_at", SENT)
    context.setdefault("delivered_at", DELIVERED)
    context.setdefault("portal_host", "help.example.net")
    return CopyHistory(Context(links=tuple(map(str, range(links))), **context), requests)


def judge(*requests: Request, **context: Any) -> Verdict:
    return classify(copy(*requests, **context))


def rules_of(history: CopyHistory) -> list[str]:
    """The rule that decided each request."""
    return [judgement.rule for judgement in classify(history).requests]


def classes_of(history: CopyHistory) -> list[str]:
    return [judgement.kind.value for judgement in classify(history).requests]
