"""What scanners and other machines do, at random, alone and beside readers."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from plugins.plausible.classify import Request
from tests.support.opens import (
    BARE,
    DELIVERED,
    DRIVEN,
    IMAGE,
    PAGE,
    SAFARI,
    VISIT,
    clicked,
    opened,
)
from tests.support.opens_draws import (
    DAY,
    HOUR,
    THE_NEW_OUTLOOK,
    Made,
    Make,
    browser,
    home,
    later,
    windows_chrome,
)


def scan(
    rng: Random, start: float, links: int, agent: str, *, gap: float = 0.8, pixel: bool = True, **more: Any
) -> list[Request]:
    """Links one after another, and the pixel before or after them."""
    found, moment = [], start
    for link in range(links):
        found.append(clicked(moment, str(link), agent, **more))
        moment += rng.uniform(0.05, gap)
    if pixel:
        found.append(opened(rng.choice([start - 0.2, moment]), agent, **more))
    return found


def scanned(*agents: str, when: tuple[float, float] = (2, 55), **more: Any) -> Make:
    """A gateway checks pixel and links."""
    more.setdefault("headers", BARE)

    def make(rng: Random) -> Made:
        links = rng.randint(2, 7)
        agent = rng.choice(agents) if agents else windows_chrome(rng.choice([57, 79, 80, 96, 101, 118, 131]))
        return scan(rng, rng.uniform(*when), links, agent, client="gw", pixel=rng.random() < 0.6, **more), {
            "links": links
        }

    return make


def slow_scan(rng: Random) -> Made:
    links, moment = rng.randint(3, 7), rng.uniform(5, 50)
    found, order = [], rng.sample(range(links), links)
    for link in order:
        found.append(clicked(moment, str(link), windows_chrome(147), headers=VISIT, client="gw"))
        moment += rng.uniform(1, 120)
    return found, {"links": links}


def detonation(rng: Random) -> Made:
    links = rng.randint(3, 7)
    found = scan(
        rng, rng.uniform(HOUR, DAY), links, windows_chrome(149), gap=0.4, headers=DRIVEN, networks=["cloud"],
        client="az",
    )  # fmt: skip
    return found, {"links": links}


def two_gateways_and_a_reader(rng: Random) -> Made:
    first = scanned(networks=["gateway"])(rng)
    second = scan(rng, rng.uniform(30, 50), 3, windows_chrome(96), networks=["microsoft"], headers=BARE, client="ms")
    return [*first[0], *second, opened(later(rng) + 90, THE_NEW_OUTLOOK, client=home(rng))], first[1]


def safe_links(rng: Random) -> Made:
    start, address, agent = later(rng) + 60, home(rng), browser(rng)
    check = start + rng.uniform(20, 90)
    return [
        opened(start, agent, referrer="https://outlook.office.com/", client=address),
        clicked(check, "1", windows_chrome(rng.choice([80, 149])), headers=DRIVEN, networks=["cloud"], client="az"),
        clicked(check + rng.uniform(0.3, 4), "1", agent, headers=PAGE, client=address,
                referrer="https://eur01.safelinks.protection.outlook.com/"),
    ], {}  # fmt: skip


def head_then_get(rng: Random) -> Made:
    start, agent = later(rng), windows_chrome(149)
    found = []
    for link in range(rng.randint(1, 3)):
        moment = start + link * rng.uniform(4, 30)
        found.append(clicked(moment, str(link), agent, headers=VISIT, client="gw", method="HEAD"))
        found.append(clicked(moment + rng.uniform(0.2, 3), str(link), agent, headers=VISIT, client="gw"))
    return found, {}


def machine(*agents: str, clicks: bool = True) -> Make:
    def make(rng: Random) -> Made:
        start, agent = later(rng), rng.choice(agents)
        found = [opened(start, agent, headers=BARE, client="m")]
        if clicks and rng.random() < 0.6:
            found += [clicked(start + n * rng.uniform(0.1, 9), str(n), agent, headers=BARE, client="m") for n in (0, 1)]
        return found, {}

    return make


def sandbox(networks: list[str], *, soon: bool) -> Make:
    """A current browser that somebody drives shows the mail and follows a link or two."""

    def make(rng: Random) -> Made:
        start = rng.uniform(3, 50) if soon else rng.uniform(90, DAY)
        agent, address = windows_chrome(rng.randint(146, 150)), "sb"
        found = [opened(start, agent, headers=IMAGE, networks=networks, client=address)]
        if rng.random() < 0.7:
            moment = start + rng.uniform(2, 60)
            found.append(clicked(moment, "0", agent, headers=VISIT, networks=networks, client=address))
        return found, {}

    return make


def before(rng: Random) -> Made:
    return [
        opened(rng.uniform(-60, -1.2), rng.choice([SAFARI, windows_chrome(149)]), client="gw"),
        clicked(rng.uniform(-60, -1.2), "0", headers=VISIT, client="gw"),
    ], {"sent_at": DELIVERED - timedelta(seconds=90)}


def patient(rng: Random) -> Made:
    links = rng.randint(3, 6)
    start = rng.uniform(90, DAY)
    gap = rng.uniform(1, 25)
    found = [
        clicked(start + n * gap, str(n), windows_chrome(149), headers=VISIT, client="gw", networks=["cloud"])
        for n in range(links)
    ]
    return found, {"links": links}


def every_link_at_once_hours_later(rng: Random) -> Made:
    links = rng.randint(3, 7)
    start = rng.uniform(HOUR, 3 * DAY)
    return [
        clicked(start + rng.uniform(0, 1.5), str(n), windows_chrome(149), headers=VISIT, client="x")
        for n in range(links)
    ], {"links": links}


def trap(rng: Random) -> Made:
    start = rng.uniform(60, DAY)
    order = [*map(str, rng.sample(range(3), 2)), "trap"]
    rng.shuffle(order)
    return [
        opened(start, windows_chrome(149), client="sb"),
        *(clicked(start + 40 * (n + 1), link, windows_chrome(149), client="sb") for n, link in enumerate(order)),
    ], {"trap_link": "trap", "links": 3}


def monitor(rng: Random) -> Made:
    pace = rng.choice([300, 900, HOUR])
    return [
        opened(90 + pace * n + rng.uniform(0, 0.5), windows_chrome(149), client="mon")
        for n in range(rng.randint(6, 30))
    ], {}


def asked_only(rng: Random) -> Made:
    start, method = later(rng), rng.choice(["HEAD", "OPTIONS"])
    return [clicked(start + n, str(n), windows_chrome(149), method=method) for n in range(3)], {}
