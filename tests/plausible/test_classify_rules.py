"""Every rule with a case for it and one that is just not it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugins.plausible.classify import RULES, CopyHistory
from tests.support.opens import (
    ANCIENT_CHROME,
    APPLE_AHEAD,
    BARE,
    BARRACUDA,
    CHROME,
    CHROME_ON_IPHONE,
    DELIVERED,
    DRIVEN,
    GMAIL,
    GMAIL_AHEAD,
    IMAGE,
    OLD_CHROME,
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
    rules_of,
)

HOUR = 3600.0
EVERY_HOUR = [opened(HOUR * n, networks=["cloud"], headers=PAGE) for n in (1, 2, 3, 4)]

# rule: (history whose first request it decides, history whose first request it must not decide)
CASES: dict[str, tuple[CopyHistory, CopyHistory]] = {
    "agent-session": (copy(opened(HOUR, agent_session=True)), copy(opened(HOUR))),
    "agent-copy": (copy(opened(HOUR), agent_copy=True), copy(opened(HOUR), shared_with_agent=True)),
    "customer-session": (
        copy(opened(HOUR, customer_session=True, referrer="https://help.example.net/tickets/1", networks=["agent"])),
        copy(opened(HOUR, customer_session=True, agent_session=True)),
    ),
    "portal-address": (
        copy(clicked(9, user_agent="DeskUnfurl/1.0", networks=["portal"])),
        copy(clicked(9, user_agent="DeskUnfurl/1.0")),
    ),
    "portal-page": (
        copy(opened(HOUR, referrer="https://HELP.example.net:443/tickets/5#note")),
        copy(opened(HOUR, referrer="https://help.example.net/my/tickets/5")),
    ),
    "agent-address": (
        copy(opened(HOUR, OUTLOOK, networks=["agent"])),
        copy(opened(HOUR, OUTLOOK, networks=["agent"]), recipient_internal=True),
    ),
    "link-card": (copy(clicked(HOUR, user_agent=SLACK)), copy(clicked(HOUR))),
    "speculative": (
        copy(clicked(HOUR, headers=(*DRIVEN, ("sec-purpose", "prefetch;prerender")))),
        copy(clicked(HOUR, headers=(*VISIT, ("purpose", "")))),
    ),
    "gmail-ahead": (copy(opened(HOUR, GMAIL_AHEAD, headers=BARE)), copy(opened(HOUR, GMAIL))),
    "proxy-at-once": (copy(opened(4.9, GMAIL)), copy(opened(5.1, GMAIL))),
    "flagged": (
        copy(opened(HOUR, GMAIL), machine_opens=(DELIVERED + timedelta(seconds=HOUR + 10),)),
        copy(opened(HOUR, GMAIL), machine_opens=(DELIVERED + timedelta(seconds=HOUR + 10.1),)),
    ),
    "display-proxy": (copy(opened(5.1, YAHOO, headers=BARE)), copy(opened(HOUR, "FastmailUA/1.0"))),
    "minor-proxy": (copy(opened(HOUR, "Acme Mail ImageProxy/2.1")), copy(opened(HOUR, "Acme Mail Reader/2.1"))),
    "bare-open": (
        copy(opened(HOUR, APPLE_AHEAD), clicked(HOUR + 9, user_agent=APPLE_AHEAD)),
        copy(opened(HOUR, APPLE_AHEAD), clicked(HOUR + 9, user_agent=APPLE_AHEAD, client="elsewhere")),
    ),
    "apple-relay": (
        copy(opened(HOUR, APPLE_AHEAD, networks=["apple_relay"])),
        copy(opened(HOUR, SAFARI, networks=["apple_relay"])),
    ),
    "apple-ahead": (copy(opened(HOUR, " Mozilla/5.0 ")), copy(opened(HOUR, "Mozilla/5.0 (Macintosh)"))),
    "bare-click": (copy(clicked(HOUR, user_agent=APPLE_AHEAD)), copy(opened(HOUR, APPLE_AHEAD))),
    "proxy-click": (copy(clicked(HOUR, user_agent=GMAIL)), copy(opened(HOUR, GMAIL))),
    "named-scanner": (copy(opened(HOUR, BARRACUDA)), copy(opened(HOUR, OUTLOOK))),
    "named-robot": (copy(opened(HOUR, "python-requests/2.32")), copy(opened(HOUR, "CUBOT_X18 " + CHROME))),
    "odd-method": (copy(clicked(HOUR, method="HEAD")), copy(clicked(HOUR, method="get"))),
    "before-delivery": (copy(opened(-1.5)), copy(opened(-1.5), delivered_at=None)),
    "library-click": (copy(clicked(HOUR, user_agent="okhttp/4.12.0")), copy(opened(HOUR, "okhttp/4.12.0"))),
    "library": (copy(opened(HOUR, "Mail/3826 CFNetwork/3826 Darwin/24.6.0")), copy(opened(HOUR, THUNDERBIRD))),
    "nameless": (copy(opened(HOUR, None)), copy(opened(HOUR, "x"))),
    "trap": (
        copy(opened(HOUR), clicked(3 * HOUR, "trap"), trap_link="trap"),
        copy(opened(HOUR), clicked(3 * HOUR, "trap", client="elsewhere"), trap_link="trap"),
    ),
    "checked": (
        copy(clicked(HOUR + 50), clicked(HOUR, method="HEAD")),
        copy(clicked(HOUR + 50), clicked(HOUR, user_agent=SAFARI, method="HEAD")),
    ),
    "burst": (
        copy(clicked(HOUR, "3"), clicked(HOUR + 1.4, "0"), clicked(HOUR + 2.9, "1")),
        copy(clicked(HOUR, "3"), clicked(HOUR + 1.4, "0"), clicked(HOUR + 3.1, "1")),
    ),
    "series": (
        copy(*(clicked(HOUR + 4 * n, str(n)) for n in range(4))),
        copy(*(clicked(HOUR + 4 * n, link) for n, link in enumerate("2031"))),
    ),
    "hasty": (copy(opened(HOUR), clicked(HOUR + 0.5), links=1), copy(opened(HOUR), clicked(HOUR + 2), links=1)),
    "echo": (
        copy(clicked(HOUR, client="other", headers=PAGE, networks=["cloud"]), clicked(HOUR + 1)),
        copy(clicked(HOUR, headers=VISIT), clicked(HOUR + 1, headers=VISIT)),
    ),
    "clockwork": (copy(*EVERY_HOUR), copy(opened(HOUR + 900), *EVERY_HOUR[1:])),
    "hammering": (copy(opened(HOUR, repeats=20)), copy(opened(HOUR, repeats=3))),
    "mail-protection": (
        copy(opened(HOUR, networks=["microsoft"])),
        copy(opened(HOUR, OUTLOOK, networks=["microsoft"])),
    ),
    "isolated-reader": (
        copy(clicked(HOUR, networks=["gateway"])),
        copy(clicked(300, networks=["gateway"])),
    ),
    "gateway": (copy(opened(HOUR, networks=["gateway"])), copy(opened(HOUR, networks=["proxy"]))),
    "outdated-bare": (
        copy(opened(HOUR, OLD_CHROME, headers=(("accept", "image/webp"),))),
        copy(opened(HOUR, OLD_CHROME, headers=None)),
    ),
    "cloud-bare": (
        copy(opened(HOUR, SAFARI, headers=BARE, networks=["cloud"])),
        copy(opened(HOUR, OUTLOOK, headers=BARE, networks=["cloud"])),
    ),
    "contradiction": (
        copy(opened(HOUR, headers=(*BARE, ("accept-language", "en")))),
        copy(opened(HOUR, SAFARI.replace("Version/26.1", "Version/14.1"), headers=BARE)),
    ),
    "not-a-visit": (
        copy(clicked(HOUR, user_agent=CHROME_ON_IPHONE, headers=(*BARE, ("accept-language", "en")))),
        copy(clicked(HOUR, user_agent=CHROME_ON_IPHONE, headers=None)),
    ),
    "cloud-odd": (
        copy(clicked(HOUR, headers=DRIVEN, networks=["cloud"], referrer=WEBMAIL)),
        copy(clicked(HOUR, headers=VISIT, networks=["cloud"], referrer=WEBMAIL)),
    ),
    "hurried": (copy(opened(7.9)), copy(opened(8.1))),
    "cloud-soon": (
        copy(opened(59, networks=["cloud"])),
        copy(opened(59, networks=["cloud"], referrer=WEBMAIL)),
    ),
    "cloud-click": (
        copy(clicked(HOUR + 20, networks=["cloud"])),
        copy(clicked(HOUR + 20, networks=["cloud"]), opened(HOUR, OUTLOOK, networks=["cloud"])),
    ),
    "cloud-open": (
        copy(opened(HOUR, networks=["cloud"])),
        copy(opened(HOUR, networks=["cloud"], referrer=WEBMAIL)),
    ),
    "nobody-clicked": (copy(clicked(HOUR, headers=DRIVEN)), copy(clicked(HOUR, headers=DRIVEN), opened(HOUR - 20))),
    "outdated-soon": (
        copy(clicked(15, user_agent=OLD_CHROME)),
        copy(clicked(15, user_agent=CHROME.replace("149", "109"))),
    ),
    "ancient": (copy(opened(HOUR, ANCIENT_CHROME)), copy(opened(HOUR, ANCIENT_CHROME, referrer=WEBMAIL))),
    "unlisted": (copy(opened(HOUR, "Frobnicator 7")), copy(opened(HOUR, "The Bat! 11.4"))),
    "mail-program-in-cloud": (
        copy(opened(HOUR, OUTLOOK, headers=BARE, networks=["cloud"])),
        copy(opened(HOUR, OUTLOOK, headers=BARE)),
    ),
    "browser-in-cloud": (
        copy(clicked(HOUR + 20, networks=["cloud"]), opened(HOUR, OUTLOOK, networks=["cloud"])),
        copy(clicked(HOUR)),
    ),
    "mail-program": (copy(opened(HOUR, OUTLOOK, headers=BARE)), copy(opened(2, OUTLOOK, headers=BARE))),
    "old-browser": (copy(opened(HOUR, OLD_CHROME)), copy(opened(HOUR, CHROME.replace("149", "140")))),
    "browser": (copy(clicked(HOUR, user_agent=CHROME_ON_IPHONE, headers=DRIVEN)), copy(clicked(HOUR, headers=DRIVEN))),
}


def test_every_rule_has_its_cases_and_a_name_of_its_own() -> None:
    assert list(CASES) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", CASES)
def test_a_rule_decides_its_case_and_not_the_one_beside_it(name: str) -> None:
    meant, beside = CASES[name]

    assert rules_of(meant)[0] == name
    assert rules_of(beside)[0] != name


def test_every_rule_says_in_words_what_it_means() -> None:
    for rule in RULES:
        assert rule.sentence.endswith("."), rule.name
        assert "{" not in rule.reason.format(client="Outlook"), rule.name


def test_headers_that_were_never_stored_accuse_nobody() -> None:
    assert rules_of(copy(opened(HOUR, headers=None), opened(HOUR, headers=IMAGE))) == ["browser", "browser"]
