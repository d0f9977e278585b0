"""Which program a User-Agent names."""

from __future__ import annotations

import pytest

from plugins.plausible.client_names import Kind
from plugins.plausible.clients import client_of, client_words
from tests.support.opens import APPLE_MAIL, CHROME, CHROME_ON_IPHONE, FIREFOX, GMAIL, GMAIL_AHEAD, OUTLOOK, SAFARI

EDGE = f"{CHROME} Edg/149.0.0.0"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; SM-A546B Build/AP3A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/152.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "kind", "name"),
    [
        (OUTLOOK, Kind.MAIL_CLIENT, "Outlook for Windows"),
        (f"{EDGE} OneOutlook/1.2026.820.200", Kind.MAIL_CLIENT, "the new Outlook for Windows"),
        ("Outlook-iOS/728.4423917.prod.iphone (5.2541.0)", Kind.MAIL_CLIENT, "Outlook on iPhone or iPad"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Thunderbird/140.3.0", Kind.MAIL_CLIENT, "Thunderbird"),
        ("Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)", Kind.MAIL_CLIENT, "Notes"),
        ("Airmail 5.7.1 rv:867 (Macintosh; Mac OS X 15.5; en_GB)", Kind.MAIL_CLIENT, "Airmail"),
        (APPLE_MAIL, Kind.MAIL_CLIENT, "Apple Mail or another app on a Mac"),
        (GMAIL, Kind.DISPLAY_PROXY, "Gmail's image proxy"),
        (GMAIL_AHEAD, Kind.GMAIL_AHEAD, "Gmail, loading images ahead"),
        (
            GMAIL_AHEAD.replace("Mozilla/5.0", "", 1).replace(" Mozilla/5.0", " Gmail-content-sampling"),
            Kind.SECURITY,
            "",
        ),
        ("Mozilla/5.0", Kind.APPLE_AHEAD, "Apple Mail, loading images ahead"),
        ("Mozilla/5.0 (compatible; Yahoo Link Preview; https://help.yahoo.com/)", Kind.PREVIEW, "Yahoo's link cards"),
        (f"{SAFARI} facebookexternalhit/1.1 Facebot Twitterbot/1.0", Kind.PREVIEW, "Apple Messages"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; BingPreview/1.0b)", Kind.SECURITY, "Bing's preview"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), Kind.ROBOT, "a browser driven by a program"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Kind.ROBOT, "a robot"),
        ("Mozilla/5.0 (compatible; Acme; +https://acme.example/about)", Kind.ROBOT, "a robot"),
        ("okhttp/4.12.0", Kind.LIBRARY, "an HTTP library"),
        ("Frobnicator 7", Kind.OTHER, "a program on no list"),
        ("\x00 \t", Kind.OTHER, "a program on no list"),
        ("  ", Kind.NOTHING, "a program that does not say its name"),
        (None, Kind.NOTHING, "a program that does not say its name"),
        (CHROME, Kind.BROWSER, "Chrome on Windows"),
        (EDGE, Kind.BROWSER, "Edge on Windows"),
        (FIREFOX, Kind.BROWSER, "Firefox on Linux"),
        (SAFARI, Kind.BROWSER, "Safari on iPhone"),
        (CHROME_ON_IPHONE, Kind.BROWSER, "Chrome on iPhone"),
        (f"{ANDROID} Cubot/KingKong", Kind.BROWSER, "Chrome on Android"),
    ],
)
def test_a_program_is_known_by_its_user_agent(user_agent: str | None, kind: Kind, name: str) -> None:
    client = client_of(user_agent)

    assert client.kind is kind
    assert client.name == name or not name


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("com.microsoft.office.outlook", "Outlook on Android"),
        ("net.thunderbird.android", "Thunderbird"),
        ("com.yahoo.mobile.client.android.mail", "a mail app on Android"),
        ("com.android.chrome", "Chrome on Android"),
    ],
)
def test_an_android_app_is_known_by_the_header_that_names_it(app: str, name: str) -> None:
    assert client_of(ANDROID, app).name == name


def test_chrome_on_an_iphone_is_webkit_and_has_no_version_of_chrome() -> None:
    assert (client_of(CHROME_ON_IPHONE).engine, client_of(CHROME_ON_IPHONE).version) == ("webkit", 0)


def test_the_last_version_for_an_old_system_is_marked() -> None:
    assert client_of(CHROME.replace("149", "109")).holdout
    assert not client_of(CHROME.replace("149", "108")).holdout


def test_a_long_user_agent_is_read_at_its_beginning_only() -> None:
    assert client_of(CHROME + "x" * 65_536 + "curl").kind is Kind.BROWSER


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [(OUTLOOK, "in Outlook for Windows"), (GMAIL, "through Gmail's image proxy"), (CHROME, ""), ("curl/8.0", "")],
)
def test_the_timeline_names_only_what_leaves_no_doubt(user_agent: str, words: str) -> None:
    assert client_words(user_agent) == words
