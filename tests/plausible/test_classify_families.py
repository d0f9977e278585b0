"""Whole histories as they come from mail programs, proxies, scanners and agents: was the mail read?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from plugins.plausible.classify import CopyHistory, Request, classify
from tests.support.opens import (
    ANCIENT_CHROME,
    APPLE_AHEAD,
    APPLE_MAIL,
    BARE,
    BARRACUDA,
    CHROME,
    DELIVERED,
    DRIVEN,
    FIREFOX,
    GMAIL,
    GMAIL_AHEAD,
    OUTLOOK,
    PAGE,
    SAFARI,
    SLACK,
    THUNDERBIRD,
    VISIT,
    WEBMAIL,
    YAHOO,
    clicked,
    copy,
    opened,
)

HOUR = 3600.0
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/BP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/147.0.0.0 Mobile Safari/537.36"
)


def _scan(start: float, *, links: int = 4, user_agent: str = CHROME, gap: float = 0.3, **more: object) -> list[Request]:
    """Pixel and all links at once, as a gateway loads them."""
    pixel = opened(start, user_agent, **more)
    return [pixel, *(clicked(start + gap * (n + 1), str(n), user_agent, **more) for n in range(links))]


def _app(package: str) -> tuple[tuple[str, str], ...]:
    return (*PAGE, ("x-requested-with", package))


READ: dict[str, CopyHistory] = {
    "Outlook for Windows, then its browser": copy(opened(HOUR, OUTLOOK, headers=BARE), clicked(HOUR + 20)),
    "Outlook's Word engine by its long name": copy(
        opened(HOUR, "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18429; Pro)", headers=BARE)
    ),
    "Outlook for Mac": copy(opened(HOUR, "MacOutlook/16.80.23121017 (Intelx64 Mac OS X 14.1)", headers=BARE)),
    "Thunderbird": copy(opened(90, THUNDERBIRD)),
    "K-9 on Android, which only names its app": copy(opened(90, ANDROID, headers=_app("com.fsck.k9"))),
    "Samsung Email": copy(opened(90, ANDROID, headers=_app("com.samsung.android.email.provider"))),
    "Proton Mail's app": copy(opened(90, ANDROID, headers=_app("ch.protonmail.android"))),
    "Apple Mail without protection": copy(opened(HOUR, APPLE_MAIL, headers=PAGE)),
    "a text browser": copy(opened(HOUR, "Lynx/2.9.0dev.12 libwww-FM/2.14", headers=BARE)),
    "Gmail 13 seconds after delivery": copy(opened(13, GMAIL, headers=BARE)),
    "Gmail loading ahead, then showing": copy(opened(13, GMAIL_AHEAD, headers=BARE), opened(HOUR, GMAIL)),
    "Yahoo, retrying four times": copy(*(opened(HOUR + n / 2, YAHOO, headers=BARE) for n in range(4))),
    "Seznam's proxy": copy(opened(HOUR, "SeznamEmailProxy/1.0", headers=BARE)),
    "Apple loading ahead, then a click": copy(
        opened(60, APPLE_AHEAD, networks=["apple_relay"], client="relay"), clicked(HOUR, user_agent=SAFARI)
    ),
    "webmail through Private Relay": copy(opened(HOUR, SAFARI, networks=["apple_relay"], referrer=WEBMAIL)),
    "webmail through a company's cloud proxy": copy(opened(HOUR, networks=["proxy"], referrer=WEBMAIL)),
    "webmail on a hosted desktop": copy(opened(HOUR, networks=["cloud"], referrer=WEBMAIL)),
    "images off, one click": copy(clicked(HOUR)),
    "images off, a click soon by a waiting customer": copy(clicked(16)),
    "images off, then shown": copy(clicked(HOUR), opened(HOUR + 60)),
    "two links in two tabs": copy(opened(HOUR), clicked(HOUR + 30, "2"), clicked(HOUR + 30.8, "0")),
    "three links in three tabs, from Outlook": copy(
        opened(HOUR, OUTLOOK, headers=BARE), *(clicked(HOUR + 30 + 0.7 * n, str(n)) for n in range(3)), links=3
    ),
    "a double click": copy(clicked(HOUR), clicked(HOUR + 0.4)),
    "every link, as one reads": copy(*(clicked(HOUR + t, n) for t, n in ((0, "0"), (45, "1"), (190, "2"))), links=3),
    "two colleagues behind one address": copy(opened(HOUR, OUTLOOK), opened(HOUR + 1, CHROME), clicked(HOUR + 1.2)),
    "a scan, then the reader seconds later": copy(
        *_scan(4, client="gw", user_agent=ANCIENT_CHROME), opened(19, OUTLOOK, headers=BARE)
    ),
    "a scan through the trap, then a reader's click": copy(
        *_scan(4, client="gw"), clicked(5, "trap", client="gw"), clicked(HOUR, user_agent=FIREFOX), trap_link="trap"
    ),
    "a security suite on the reader's own machine, then Outlook": copy(
        clicked(100, "0", "Trident", method="HEAD"),
        clicked(100.2, "1", "Trident", method="HEAD"),
        opened(HOUR, OUTLOOK, headers=BARE),
    ),
    "Defender checking at the click": copy(
        clicked(HOUR - 0.8, client="ms", networks=["cloud"], headers=PAGE), clicked(HOUR)
    ),
    "a click through Safe Links": copy(
        clicked(HOUR, referrer="https://eur03.safelinks.protection.outlook.com/", headers=DRIVEN[:2])
    ),
    "a protected browser at the gateway": copy(clicked(20 * HOUR, networks=["gateway"])),
    "the customers' area": copy(opened(HOUR, referrer="https://help.example.net/my/tickets/5", customer_session=True)),
    "an in-house customer at the agents' address": copy(
        opened(HOUR, OUTLOOK, networks=["agent"]), recipient_internal=True
    ),
    "an agent, then the customer": copy(opened(60, agent_session=True), opened(HOUR, OUTLOOK, client="other")),
    "read before an agent passed it on": copy(
        opened(HOUR), opened(3 * HOUR, FIREFOX), agent_forwarded_at=DELIVERED + timedelta(hours=2)
    ),
    "nothing loaded, but answered": copy(replied_at=DELIVERED + timedelta(hours=1)),
    "Apple only, but answered": copy(opened(60, APPLE_AHEAD), replied_at=DELIVERED + timedelta(hours=1)),
    "a browser that loads ahead, then the reader": copy(
        opened(HOUR), clicked(HOUR + 3, headers=(*DRIVEN, ("sec-purpose", "prefetch")))
    ),
}

NOT_READ: dict[str, CopyHistory] = {
    "nothing": copy(),
    "Apple loading ahead, on three devices": copy(*(opened(HOUR * n, APPLE_AHEAD) for n in (1, 2, 5))),
    "Apple, and an automatic reply": copy(
        opened(60, APPLE_AHEAD), replied_at=DELIVERED + timedelta(seconds=9), reply_automatic=True
    ),
    "Apple, and a scanner's clicks": copy(opened(60, APPLE_AHEAD), *_scan(70, client="gw", networks=["gateway"])),
    "Gmail at once": copy(opened(2, GMAIL)),
    "Gmail loading ahead": copy(opened(30, GMAIL_AHEAD)),
    "Barracuda by its name": copy(*_scan(20, user_agent=BARRACUDA, headers=BARE)),
    "Barracuda with a browser's name, at its own pace": copy(
        *(clicked(t, n, networks=["cloud"]) for t, n in ((70, "2"), (95, "0"), (260, "3"), (300, "1")))
    ),
    "both links of a short mail, from a data centre": copy(
        clicked(HOUR, "1", networks=["cloud"]), clicked(HOUR + 90, "0", networks=["cloud"]), links=2
    ),
    "a burst with perfect headers from nowhere known": copy(*_scan(500)),
    "a burst spread over addresses": copy(
        *(clicked(HOUR + 0.2 * n, str(n), client=f"net{n}") for n in range(4)), opened(HOUR + 1, client="net9")
    ),
    "a burst by changing programs from one address": copy(
        *(clicked(HOUR + 0.2 * n, str(n), f"{CHROME} Variant/{n}") for n in range(4))
    ),
    "a burst by changing programs and addresses": copy(
        *(clicked(HOUR + 0.2 * n, str(n), f"{CHROME} Variant/{n}", client=f"net{n}") for n in range(4))
    ),
    "pixel and the only link at once": copy(opened(HOUR), clicked(HOUR + 0.4), links=1),
    "links in order, no pixel": copy(*(clicked(HOUR + 2.2 * n, str(n)) for n in range(4))),
    "detonation hours later, in a data centre": copy(clicked(5 * HOUR, networks=["cloud"])),
    "a sandbox that pauses like a person, in a data centre": copy(
        opened(HOUR, networks=["cloud"]),
        *(clicked(HOUR + t, n, networks=["cloud"]) for t, n in ((60, "2"), (95, "0"), (140, "1"), (170, "3"))),
    ),
    "a sandbox that falls into the trap, over changing addresses": copy(
        opened(HOUR, networks=["cloud"], client="a", referrer=WEBMAIL),
        clicked(HOUR + 60, "0", networks=["cloud"], client="b"),
        clicked(HOUR + 90, "trap", networks=["cloud"], client="c"),
        trap_link="trap",
    ),
    "real Outlook in a sandbox, seconds after delivery": copy(opened(5, OUTLOOK, headers=BARE)),
    "loaded while the mail was still in transit": copy(
        opened(-15, SAFARI, referrer=WEBMAIL), sent_at=DELIVERED - timedelta(minutes=1)
    ),
    "one link by a script in a browser's clothes": copy(clicked(HOUR, headers=DRIVEN)),
    "HEAD for every link": copy(*(clicked(HOUR + n, str(n), method="HEAD") for n in range(4))),
    "a pasted link, drawn by Slack": copy(clicked(HOUR, user_agent=SLACK)),
    "a monitor": copy(*(opened(HOUR * n, "UptimeRobot/2.0") for n in range(1, 9))),
    "an HTTP library": copy(opened(HOUR, "okhttp/4.12.0", headers=BARE)),
    "no name at all": copy(opened(HOUR, "", headers=BARE)),
    "an agent rereading": copy(opened(HOUR, OUTLOOK, networks=["agent"])),
    "the ticket page": copy(opened(HOUR, referrer="https://help.example.net/tickets/9")),
    "an agent's Bcc copy in Gmail": copy(opened(HOUR, GMAIL), shared_with_agent=True),
    "opened after an agent passed it on": copy(opened(HOUR), agent_forwarded_at=DELIVERED),
    "a hundred thousand loads at once": copy(opened(HOUR, repeats=100_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_mail_that_a_person_read_is_called_read(name: str) -> None:
    assert classify(READ[name]).read is True


@pytest.mark.parametrize("name", NOT_READ)
def test_a_mail_that_nobody_is_known_to_have_read_is_not(name: str) -> None:
    assert classify(NOT_READ[name]).read is not True


def test_the_reader_keeps_the_reader_s_class_beside_a_scanner() -> None:
    history = READ["a scan, then the reader seconds later"]

    classes = [judgement.kind.value for judgement in classify(history).requests]

    assert classes == ["scanner"] * 5 + ["human"]


def test_a_machine_that_only_checks_leaves_no_doubt_and_apple_does() -> None:
    def reads(requests: Sequence[Request]) -> bool | None:
        return classify(copy(*requests)).read

    assert reads(_scan(20, user_agent=BARRACUDA)) is False
    assert reads([opened(60, APPLE_AHEAD)]) is None
    assert reads([]) is None
    assert reads([opened(60, headers=VISIT, agent_session=True)]) is False
