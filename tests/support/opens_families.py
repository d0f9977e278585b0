"""Families of sequences as the facts describe them, each drawn at random, with the truth of the mail.

Nothing here is taken from the labelled sample, and most families do not occur in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from plugins.plausible.classify import CopyHistory
from tests.support import opens_draws as d
from tests.support import opens_scans as m
from tests.support.opens import (
    APPLE_AHEAD,
    APPLE_MAIL,
    BARE,
    BARRACUDA,
    DELIVERED,
    DRIVEN,
    GMAIL,
    GMAIL_AHEAD,
    IMAGE,
    PAGE,
    SAFARI,
    SLACK,
    VISIT,
    WEBMAIL,
    clicked,
    copy,
    opened,
)

CHROME = d.windows_chrome
THUNDERBIRDS = [f"Mozilla/5.0 (X11; Linux; rv:{v}.0) Gecko/20100101 Thunderbird/{v}.3.1" for v in (60, 102, 147)]
CARDS = [
    SLACK,
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "WhatsApp/2.24.1 A",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
]
PROXIES = ["FastmailUA/1.0", "SeznamEmailProxy/1.0", "RamblerMail/6.0 ImageProxy", "Shortwave Image Fetcher"]


def _mac(version: int, system: str) -> str:
    return CHROME(version).replace("Windows NT 10.0; Win64; x64", f"Macintosh; Intel Mac OS X {system}")


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of sequence. read: whether a person is known to have read it."""

    name: str
    read: bool
    make: d.Make
    error: str = ""
    """Why the verdict is wrong, where the facts let that be foreseen ("Known errors" of the facts)."""

    def draw(self, rng: Random) -> CopyHistory:
        requests, context = self.make(rng)
        return copy(*requests, **{"links": rng.randint(2, 7), **context})


PROGRAMS: dict[str, d.Make] = {
    "Outlook for Windows": d.by_program(
        d.OUTLOOK_BY_LONG_NAME,
        "Mozilla/4.0 (compatible; ms-office; MSOffice rmj)",
        "Microsoft Office/15.0 (Windows NT 6.2; Microsoft Outlook 15.0.5589; Pro)",
    ),
    "the new Outlook": d.by_program(d.THE_NEW_OUTLOOK, headers=IMAGE),
    "a bare engine": d.by_program(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)", headers=IMAGE
    ),
    "Outlook on phones": d.by_program("Outlook-iOS/709.2189947.prod.iphone (3.24.0)", "Outlook-Android/2.0"),
    "Outlook for Mac": d.by_program("MacOutlook/16.89.24091630 (Intelx64 Mac OS X 14.6)", APPLE_MAIL),
    "Windows Mail": d.by_program(d.EDGE_IN_WINDOWS_MAIL, headers=IMAGE),
    "Windows Live Mail": d.by_program("Outlook-Express/7.0 (MSIE 7.0; Windows NT 6.1; Trident/7.0; TmstmpExt)"),
    "Thunderbird, old and new": d.by_program(*THUNDERBIRDS, headers=IMAGE),
    "desktop programs": d.by_program(
        "The Bat! 11.0", "Evolution/3.52", "Mailbird/3.0.42", "Postbox/7.0.65", "Foxmail 7", "Opera Mail/1.0 (Win32)"
    ),
    "programs built on an old Electron": d.by_program(
        *(CHROME(v).replace("Safari/", "Electron/22.3 Safari/") for v in (91, 108, 124)), headers=IMAGE
    ),
    "eM Client and Airmail": d.by_program(
        CHROME(123).replace("Chrome/", "eM Client/10.1 Chrome/"), "Airmail 5.7 (Macintosh; de_DE)", headers=IMAGE
    ),
    "Apple Mail without protection": d.by_program(APPLE_MAIL, d.IPHONE_MAIL, headers=PAGE),
    "apps on Android": d.app(
        "com.fsck.k9", "com.samsung.android.email.provider", "ch.protonmail.android", "com.readdle.spark",
        "eu.faircode.email", "com.yahoo.mobile.client.android.mail", "de.gmx.mobile.android.mail", "ru.mail.mailapp",
        "com.tencent.androidqqmail", "com.zoho.mail", "com.netease.mail",
    ),
    "apps on an old Android": d.app("com.google.android.gm", "com.microsoft.office.outlook", version="95.0.4638.74"),
}  # fmt: skip

BROWSERS: dict[str, d.Make] = {
    "webmail": d.by_browser(),
    "webmail that tells no page": d.by_browser(referrer=None),
    "webmail through Private Relay": d.by_browser(networks=["apple_relay"]),
    "webmail through a company's proxy": d.by_browser(networks=["proxy"]),
    "webmail on a hosted desktop": d.on_a_hosted_desktop,
    "Chrome 109 on Windows 7": d.one(lambda rng: opened(d.later(rng), CHROME(109).replace("10.0", "6.1"))),
    "Chrome 49 on Windows XP": d.one(lambda rng: opened(d.later(rng), CHROME(49).replace("10.0", "5.1"))),
    "Chrome 103 on an old Mac": d.one(lambda rng: opened(d.later(rng), _mac(103, "10_12_6"))),
    "a browser a year behind": d.one(lambda rng: opened(d.later(rng), CHROME(139), referrer=WEBMAIL)),
    "images off, one link": d.one(lambda rng: clicked(d.later(rng), "1", d.browser(rng), headers=d.visit(rng))),
    "headers that were never stored": d.one(lambda rng: opened(d.later(rng), d.browser(rng), headers=None)),
    "a clock that ran backwards": d.clock_ran_back,
    "tabs in webmail": d.tabs(None, IMAGE),
    "tabs from Outlook": d.tabs(d.OUTLOOK_BY_LONG_NAME, BARE),
    "tabs from Gmail": d.gmail_tabs,
    "two in one household": d.household,
    "an office behind one proxy": d.office,
    "on the phone, then at the desk": d.phone_and_desk,
    "a reader beside a prefetch": d.reader_and_prefetch,
}

SERVICES: dict[str, d.Make] = {
    "Gmail shows it": d.gmail,
    "Gmail within 5 to 13 seconds": d.one(lambda rng: opened(rng.uniform(5.1, 13), GMAIL, headers=())),
    "Yahoo, up to four times": d.yahoo,
    "lesser proxies": d.one(
        lambda rng: opened(d.later(rng), rng.choice(PROXIES), headers=BARE, networks=["cloud"], client="p")
    ),
    "Apple ahead, then a click": d.apple_then_safari,
    "Apple ahead, then an answer": d.answered,
    "two gateways, then the reader": m.two_gateways_and_a_reader,
    "a check at the click": m.safe_links,
    "a reader in the gateway's browser": d.in_a_protected_browser,
}

UNREAD: dict[str, d.Make] = {
    "Apple ahead only": d.apple_only,
    "Gmail at once": d.one(lambda rng: opened(rng.uniform(0.2, 4.8), GMAIL, headers=())),
    "a lesser proxy at once": d.one(lambda rng: opened(rng.uniform(0.2, 4.8), rng.choice(PROXIES), headers=BARE)),
    "Gmail ahead only": d.one(lambda rng: opened(d.later(rng), GMAIL_AHEAD, headers=BARE, networks=["google"])),
    "a prefetch alone": d.prefetch,
    "link cards": lambda rng: d.card(rng.choice(CARDS))(rng),
    "a link card on a phone": d.card(f"{SAFARI} facebookexternalhit/1.1 Facebot Twitterbot/1.0"),
    "an agent": d.by_browser(agent_session=True),
    "an agent at the office": d.by_browser(networks=["agent"]),
    "what an agent passed on": d.forwarded,
    "a copy that agents share": lambda rng: (d.gmail(rng)[0], {"shared_with_agent": True}),
    "an automatic answer": lambda rng: ([], {"replied_at": DELIVERED, "reply_automatic": True}),
}

MACHINES: dict[str, d.Make] = {
    "Defender at delivery": m.scanned(networks=["microsoft"]),
    "a gateway at delivery": m.scanned(networks=["gateway"]),
    "a gateway by its name": m.scanned(
        BARRACUDA, "ZscalerURLScan/6.2", "Symantec MessageLabs", "TMUFE/12.5", "FortiMail 7.4", "Cisco IronPort WSA"
    ),
    "a gateway in a data centre": m.scanned(networks=["cloud"], headers=DRIVEN),
    "a gateway on no list": m.scanned(),
    "a gateway on no list, by a driven browser": m.scanned(CHROME(149), SAFARI, headers=VISIT),
    "a gateway that waits at random": m.slow_scan,
    "detonation hours later": m.detonation,
    "a patient one in a data centre": m.patient,
    "every link at once, hours later": m.every_link_at_once_hours_later,
    "HEAD, then GET": m.head_then_get,
    "HEAD or OPTIONS only": m.asked_only,
    "before delivery": m.before,
    "into the trap": m.trap,
    "a sandbox in a data centre at delivery": m.sandbox(["cloud"], soon=True),
    "a sandbox in a data centre later": m.sandbox(["cloud"], soon=False),
    "real Outlook in a data centre at delivery": d.one(
        lambda rng: opened(rng.uniform(3, 55), d.OUTLOOK_BY_LONG_NAME, headers=BARE, networks=["cloud"])
    ),
    "a script in a browser's clothes": d.one(lambda rng: opened(d.later(rng), CHROME(149), headers=BARE)),
    "a driven browser, one link": d.one(lambda rng: clicked(d.later(rng), "1", CHROME(149), headers=DRIVEN)),
    "libraries and scripts": m.machine(
        "curl/8.11.0", "python-requests/2.32.3", "Go-http-client/2.0", "Java/17.0.2", "okhttp/4.12.0", "axios/1.7.9",
        "GuzzleHttp/7", "Ruby", "PostmanRuntime/7.43",
    ),
    "feed readers, monitors, crawlers": m.machine(
        "Feedly/1.0 (+http://www.feedly.com/fetcher.html)", "UptimeRobot/2.0", "Pingdom.com_bot_version_1.4",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "W3C_Validator/1.3",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/149.0 Safari/537.36",
    ),
    "no name": m.machine("", " "),
    "odd names": m.machine("<script>alert(1)</script>", "\x00\x01", "x" * 65_536, "Mozilla/4.0"),
    "“Mozilla/5.0” that clicks": m.machine(APPLE_AHEAD),
    "a monitor with a browser's name": m.monitor,
    "one-click unsubscribing": d.one(lambda rng: clicked(d.later(rng), "0", CHROME(149), method="POST")),
}  # fmt: skip

# What no rule can tell: the truth, why, and how it comes.
UNDECIDABLE: dict[str, tuple[bool, str, d.Make]] = {
    "one link in a driven browser that vouches": (
        False,
        "detonation in a driven browser from an unlisted network, one link, hours later",
        d.one(lambda rng: clicked(rng.uniform(d.HOUR, d.DAY), "0", CHROME(149))),
    ),
    "real Outlook in an unlisted sandbox": (
        False,
        "sandboxes running real Outlook",
        d.one(lambda rng: opened(rng.uniform(9, 60), d.OUTLOOK_BY_LONG_NAME, headers=BARE)),
    ),
    "an HTTP library of a mail app": (
        True,
        "HTTP-library mail apps",
        d.one(lambda rng: opened(d.later(rng), "okhttp/4.12.0", headers=BARE)),
    ),
    "a VPN in a data centre, and webmail that tells no page": (
        True,
        "a sandbox in a data centre looks the same",
        d.one(lambda rng: opened(d.later(rng), d.browser(rng), networks=["cloud"])),
    ),
    "a very quick reader at Gmail": (
        True,
        "Gmail at 3-13 s",
        d.one(lambda rng: opened(rng.uniform(3, 4.9), GMAIL, headers=())),
    ),
    "a reader at once": (
        True,
        "nothing tells a very quick reader from a scanner",
        d.one(lambda rng: opened(rng.uniform(4, 7.9), d.browser(rng), referrer=WEBMAIL)),
    ),
}

FAMILIES = (
    *(Family(name, True, make) for table in (PROGRAMS, BROWSERS, SERVICES) for name, make in table.items()),
    *(Family(name, False, make) for table in (UNREAD, MACHINES) for name, make in table.items()),
    *(Family(name, read, make, error) for name, (read, error, make) in UNDECIDABLE.items()),
)
