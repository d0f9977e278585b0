"""What readers, mail services and agents do, at random: times, programs, paces and numbers of links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from plugins.plausible.classify import Request
from tests.support.opens import (
    APPLE_AHEAD,
    BARE,
    CHROME_ON_IPHONE,
    DELIVERED,
    DRIVEN,
    GMAIL,
    GMAIL_AHEAD,
    IMAGE,
    PAGE,
    SAFARI,
    VISIT,
    WEBMAIL,
    YAHOO,
    clicked,
    opened,
)

HOUR, DAY = 3600.0, 86_400.0
Made = tuple[Sequence[Request], dict[str, Any]]
"""Requests, and what of the context is not as usual."""
Make = Callable[[Random], Made]


def later(rng: Random) -> float:
    """When somebody reads a mail: half a minute after delivery to days later."""
    return rng.choice([rng.uniform(25, 600), rng.uniform(600, 8 * HOUR), rng.uniform(8 * HOUR, 6 * DAY)])


def windows_chrome(version: int) -> str:
    return (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 "
        "Safari/537.36"
    )


def browser(rng: Random) -> str:
    """A browser of somebody who lets it renew itself."""
    version = rng.randint(143, 152)
    return rng.choice(
        [
            windows_chrome(version),
            f"{windows_chrome(version)} Edg/{version}.0.0.0",
            f"{windows_chrome(version)} OPR/{version - 15}.0.0.0",
            windows_chrome(version).replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"),
            windows_chrome(version).replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K"),
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0",
            SAFARI,
            CHROME_ON_IPHONE,
        ]
    )


def visit(rng: Random) -> tuple[tuple[str, str], ...]:
    """A click's headers: not every browser or proxy on the way lets Sec-Fetch through."""
    return rng.choice([VISIT, VISIT, VISIT, PAGE])


def home(rng: Random) -> str:
    return f"198.51.{rng.randrange(100)}.0"


def by_program(*agents: str, headers: tuple[tuple[str, str], ...] = BARE) -> Make:
    """A mail program loads the pixel once or a few times, and now and then a link is followed in a browser."""

    def make(rng: Random) -> Made:
        start, address, agent = later(rng), home(rng), rng.choice(agents)
        requests = [
            opened(start + n * rng.uniform(30, HOUR), agent, headers=headers, client=address)
            for n in range(rng.randint(1, 3))
        ]
        if rng.random() < 0.5:
            click = start + rng.uniform(4, 300)
            requests.append(clicked(click, "0", browser(rng), headers=visit(rng), client=address))
        return requests, {}

    return make


def by_browser(referrer: str | None = WEBMAIL, **more: Any) -> Make:
    """Webmail: pixel and perhaps a link in the same browser."""

    def make(rng: Random) -> Made:
        start, address, agent = later(rng), home(rng), browser(rng)
        found = [opened(start, agent, referrer=referrer, client=address, **more)]
        if rng.random() < 0.5:
            found.append(
                clicked(start + rng.uniform(4, 300), "1", agent, headers=visit(rng), client=address, referrer=referrer,
                        **more)
            )  # fmt: skip
        return found, {}

    return make


def apple_then_safari(rng: Random) -> Made:
    start = rng.uniform(5, 9 * HOUR)
    loads = [
        opened(start + n * rng.uniform(10, HOUR), APPLE_AHEAD, headers=BARE, networks=["apple_relay"], client=f"r{n}")
        for n in range(rng.randint(1, 3))
    ]
    click = clicked(start + rng.uniform(-start + 30, 9 * HOUR), "0", SAFARI, headers=visit(rng), client=home(rng))
    return [*loads, click], {}


def apple_only(rng: Random) -> Made:
    networks = rng.choice([["apple_relay"], ["apple_relay"], []])
    return [
        opened(rng.uniform(3, 3 * DAY), APPLE_AHEAD, headers=BARE, networks=networks, client=f"r{n}")
        for n in range(rng.randint(1, 5))
    ], {}


def gmail(rng: Random) -> Made:
    start = rng.choice([rng.uniform(13, 60), later(rng)])
    loads = [opened(start + n * HOUR, GMAIL, headers=(), networks=["google"]) for n in range(rng.randint(1, 3))]
    ahead = [opened(min(10.0, start - 2), GMAIL_AHEAD, headers=BARE, networks=["google"])] * rng.randint(0, 1)
    return [*ahead, *loads], {}


def gmail_tabs(rng: Random) -> Made:
    found, context = tabs(None, IMAGE)(rng)
    shown = opened((found[0].at - DELIVERED).total_seconds(), GMAIL, headers=())
    return [shown, *found[1:]], context


def tabs(agent: str | None, headers: tuple[tuple[str, str], ...]) -> Make:
    """A reader goes through a mail and opens links beside each other. agent: what loads the pixel; None: a browser."""

    def make(rng: Random) -> Made:
        start, address, ours = later(rng), home(rng), browser(rng)
        moment = start + rng.uniform(16, 200)
        links = rng.randint(2, 4)
        found = [opened(start, agent or ours, headers=headers, client=address)]
        for link in rng.sample(range(links + 1), links):
            found.append(clicked(moment, str(link), ours, headers=VISIT, client=address))
            moment += rng.uniform(0.5, 2)
        return found, {"links": links + 1}

    return make


def household(rng: Random) -> Made:
    start, address = later(rng), home(rng)
    return [
        opened(start, THE_NEW_OUTLOOK, client=address),
        opened(start + rng.uniform(0, 5), IPHONE_MAIL, headers=PAGE, client=address),
        clicked(start + rng.uniform(1, 90), "0", SAFARI, headers=visit(rng), client=address),
    ], {}


def office(rng: Random) -> Made:
    """Everybody behind one proxy, whose checks of links come from elsewhere."""
    start, agent = later(rng), windows_chrome(149)
    return [
        opened(start + n * rng.uniform(1, 100), agent, referrer=WEBMAIL, networks=["proxy"], client="office")
        for n in range(4)
    ], {}


def phone_and_desk(rng: Random) -> Made:
    start, address = later(rng), home(rng)
    return [
        opened(start, IPHONE_MAIL, headers=PAGE, client="mobile"),
        clicked(start + rng.uniform(5, 60), "0", SAFARI, headers=visit(rng), client="mobile"),
        opened(start + rng.uniform(HOUR, DAY), OUTLOOK_BY_LONG_NAME, headers=BARE, client=address),
        clicked(start + 2 * DAY, "0", browser(rng), headers=visit(rng), client=address),
    ], {}


def card(agent: str) -> Make:
    return lambda rng: (
        [
            clicked(later(rng) + n * 0.4, str(n), agent, headers=BARE, networks=["cloud"])
            for n in range(rng.randint(1, 2))
        ],
        {},
    )


def prefetch(rng: Random) -> Made:
    header = rng.choice(
        [("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("x-moz", "prefetch"),
         ("x-purpose", "preview"), ("sec-purpose", "prefetch;anonymous-client-ip")]
    )  # fmt: skip
    return [clicked(later(rng), "0", browser(rng), headers=(*DRIVEN, header), client=home(rng))], {}


def clock_ran_back(rng: Random) -> Made:
    return [opened(-rng.uniform(700, DAY), OUTLOOK_BY_LONG_NAME, headers=BARE, client=home(rng))], {}


def forwarded(rng: Random) -> Made:
    return [opened(later(rng) + HOUR, browser(rng), referrer=WEBMAIL)], {
        "agent_forwarded_at": DELIVERED + timedelta(seconds=20)
    }


def on_a_hosted_desktop(rng: Random) -> Made:
    start, agent = later(rng) + 60, windows_chrome(149)
    return [
        opened(start, agent, referrer=WEBMAIL, networks=["cloud"]),
        clicked(start + 40, "0", agent, networks=["cloud"], referrer=WEBMAIL),
    ], {}


def in_a_protected_browser(rng: Random) -> Made:
    start, agent = later(rng) + 700, windows_chrome(149)
    return [
        opened(start, agent, referrer=WEBMAIL, networks=["gateway"], client="iso"),
        clicked(start + 30, "0", agent, networks=["gateway"], client="iso"),
    ], {}


def yahoo(rng: Random) -> Made:
    start = later(rng)
    return [opened(start + n / 3, YAHOO, headers=BARE) for n in range(rng.randint(1, 4))], {}


def reader_and_prefetch(rng: Random) -> Made:
    return [opened(later(rng), browser(rng), referrer=WEBMAIL), *prefetch(rng)[0]], {}


def answered(rng: Random) -> Made:
    return apple_only(rng)[0], {"replied_at": DELIVERED + timedelta(seconds=rng.uniform(90, DAY))}


IPHONE_MAIL = SAFARI.replace(" Version/26.1", "").replace(" Safari/604.1", "")
THE_NEW_OUTLOOK = f"{windows_chrome(149)} Edg/149.0.0.0 OneOutlook/1.2026.714.100"
OUTLOOK_BY_LONG_NAME = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C; Microsoft Outlook "
    "16.0.18429; ms-office; MSOffice 16)"
)
EDGE_IN_WINDOWS_MAIL = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; WebView/3.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/70.0.3538.102 Safari/537.36 Edge/18.19045"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/{} "
    "Mobile Safari/537.36"
)


def app(*packages: str, version: str = "148.0.0.0") -> Make:
    def make(rng: Random) -> Made:
        headers = (*IMAGE, ("x-requested-with", rng.choice(packages)))
        return by_program(ANDROID.format(version), headers=headers)(rng)

    return make


def one(request: Callable[[Random], Request]) -> Make:
    """A single request."""
    return lambda rng: ([request(rng)], {})
