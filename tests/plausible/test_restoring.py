"""Bodies that come back are free of what the module put into mails, whoever wrapped, broke or moved it."""

from __future__ import annotations

import itertools
import re
import time
from html import escape, unescape
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from app import richtext
from app.services.email import CopyIds
from plugins.plausible.links import Links
from plugins.plausible.restoring import NOTHING_LEFT_HTML, NOTHING_LEFT_TEXT, Restoring
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer
from plugins.plausible.tracking import track_html, track_text

PORTAL_URL = "https://help.example.com"
TRACKING_URL = "https://t.example.com"
KEY, EARLIER_KEY = "k" * 40, "e" * 40
IDS = CopyIds([KEY])
TID = IDS.new()
OURS = Restoring(Signer([KEY, EARLIER_KEY]), CopyIds([KEY, EARLIER_KEY]), [PORTAL_URL, TRACKING_URL])
LINKS = Links(PORTAL_URL, Signer([KEY]), tracking_url=TRACKING_URL)
URL = "https://x.example/?a=1&b=2"
CLICK = LINKS.click(TID, URL) or ""
QUERY = CLICK.partition("?")[2]
SIG = QUERY.rpartition("sig=")[2]
TRAP = LINKS.trap_click(TID)
PIXEL = LINKS.pixel(TID)
WRITTEN = escape(URL)
GMAIL = "https://ci3.googleusercontent.com/meips/AbC=s0-d-e1-ft#"
SAFE = "https://eur02.safelinks.protection.outlook.com/?url="


def html(body: str) -> str:
    found = OURS.html(body)
    return body if found is None else found


def text(body: str) -> str:
    found = OURS.text(body)
    return body if found is None else found


def earlier(host: str) -> str:
    return Links(host, Signer([EARLIER_KEY])).click("old" * 15, URL) or ""


LINK_SPELLINGS = [
    CLICK,
    f"{PORTAL_URL}/api/email-tracking/click?{QUERY}",
    f"{TRACKING_URL}/track/click/{TID}/?url={quote(URL, safe='')}&sig={SIG}",
    f"{PORTAL_URL}/track/click/{TID}?sig={SIG}&url={quote(URL, safe='')}",
    f"{CLICK}&utm_source=newsletter#top",
    CLICK.replace("https://t.example.com", "HTTPS://T.EXAMPLE.com:443"),
    CLICK.replace("email-tracking", "email%2Dtracking"),
    earlier("https://former.example.net"),
    earlier("http://192.0.2.7:8080"),
]


@pytest.mark.parametrize("link", [*LINK_SPELLINGS, CLICK.removeprefix("https:"), CLICK.removeprefix(TRACKING_URL)])
def test_a_signed_link_leads_to_its_destination_again(link: str) -> None:
    assert html(f'<p><a href="{escape(link)}">guide</a></p>') == f'<p><a href="{WRITTEN}">guide</a></p>'


@pytest.mark.parametrize(
    "wrapped",
    [
        SAFE + quote(CLICK, safe="") + "&data=05",
        f"https://www.google.com/url?q={quote(CLICK, safe='')}&source=gmail",
        escape(CLICK),
        escape(escape(escape(CLICK))),
        CLICK.replace("=", "=3D"),
        f"{CLICK[:70]}\r\n{CLICK[70:]}",
        f"{CLICK[:70]}=\r\n{CLICK[70:]}",
        "".join(f"&#{ord(letter)};" for letter in CLICK),
    ],
)
def test_a_link_is_known_in_any_wrapper_and_spelling(wrapped: str) -> None:
    attribute = wrapped if "&#" in wrapped else escape(wrapped)
    assert html(f'<A HREF="{attribute}" CLASS=x>guide</A>') == f'<A HREF="{WRITTEN}" CLASS=x>guide</A>'


def test_a_link_that_was_tracked_twice_leads_to_its_first_destination() -> None:
    twice = LINKS.click(TID, SAFE + quote(earlier("https://former.example.net"), safe="")) or ""
    assert html(f'<a href="{escape(twice)}">x</a>') == f'<a href="{WRITTEN}">x</a>'


@pytest.mark.parametrize(
    "link",
    [
        CLICK.replace("x.example", "y.example"),
        CLICK[:-1],
        f"{CLICK}&url=https%3A%2F%2Fevil.example%2F",
        f"{TRACKING_URL}/api/email-tracking/click?tid={TID}&url=https%3A%2F%2Fevil.example%2F&sig=",
        f"{TRACKING_URL}/other?{QUERY}",
        f"{PORTAL_URL}/tickets/5",
        "https://track.example/click?url=https%3A%2F%2Fx.example",
        "https://[::1/track/click/",
    ],
)
def test_a_link_that_we_did_not_sign_stays(link: str) -> None:
    body = f'<a href="{escape(link)}">x</a> {escape(link)}'
    assert OURS.html(body) is None
    assert OURS.text(link) is None


PIXELS = [
    PIXEL,
    LINKS.pixel("anything"),
    f"{PORTAL_URL}/api/email-tracking/pixel/{TID}.gif?x=1",
    f"{TRACKING_URL}/track/pixel/{TID}/",
    f"http://HELP.example.com./track/pixel/{TID}",
    f"https://former.example.net/api/email-tracking/pixel/{TID}.gif",
    f"https://former.example.net/track/pixel/{TID}/",
    f"//t.example.com/api/email-tracking/pixel/{TID}.gif",
    f"/api/email-tracking/pixel/{TID}.gif",
    GMAIL + PIXEL,
]


@pytest.mark.parametrize("pixel", PIXELS)
@pytest.mark.parametrize(
    "tag", ['<img src="{}" width="1">', "<IMG\nheight=1 SRC='{}'/>", '<img originalsrc="{}" src="x">']
)
def test_a_pixel_vanishes(pixel: str, tag: str) -> None:
    assert html(f"<p>Hello</p>{tag.format(pixel)}<p>you</p>") == "<p>Hello</p><p>you</p>"


@pytest.mark.parametrize(
    "image",
    [
        f"https://other.example/api/email-tracking/pixel/{'x' * 43}.gif",
        f"https://other.example/track/pixel/{'x' * 54}/",
        f"{PORTAL_URL}/attachments/5/inline",
        "https://other.example/track.gif",
    ],
)
def test_pictures_of_others_stay(image: str) -> None:
    assert OURS.html(f'<img src="{image}"> track') is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'<td background="{PIXEL}">x</td>', '<td background="about:blank">x</td>'),
        (f"<p style=\"background:url('{PIXEL}')\">x</p>", "<p style=\"background:url('about:blank')\">x</p>"),
        (f"<style>p{{background:url({PIXEL})}}</style>x", "<style>p{background:url(about:blank)}</style>x"),
        (f'<a href="{PIXEL}">picture</a>', '<a href="about:blank">picture</a>'),
        (f"<p>&lt;{escape(PIXEL)}&gt; [{PIXEL}] {PIXEL}.</p>", "<p>  .</p>"),
        (f"<!-- {CLICK} -->x", f"<!-- {WRITTEN} -->x"),
        (
            f"<p>See &lt;{escape(CLICK)}&gt;, (or {escape(CLICK)}).</p>",
            f"<p>See &lt;{WRITTEN}&gt;, (or {WRITTEN}).</p>",
        ),
        (f"<p>https://b.test/{escape(CLICK)}</p>", f"<p>https://b.test/{WRITTEN}</p>"),
        (f'<img data-x="{escape(CLICK)}">', f'<img data-x="{WRITTEN}">'),
        (
            f'<a href="{escape(CLICK)}">https://t.example.com/<wbr>{escape(CLICK[22:])}</a>',
            f'<a href="{WRITTEN}">{WRITTEN}</a>',
        ),
    ],
)
def test_what_stands_elsewhere_in_the_html_goes_too(body: str, expected: str) -> None:
    assert html(body) == expected


def test_a_destination_cannot_break_out_of_where_its_link_stood() -> None:
    hostile = LINKS.click(TID, "https://x.example/ onload=alert(1)//><script>'\"") or ""
    assert "<script" not in html(f"<p data-x={escape(hostile)}>x</p>").lower()
    assert " onload" not in html(f"<p data-x={escape(hostile)}>x</p>")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'<p>x</p><a href="{escape(TRAP)}" aria-hidden="true" style="display:none"></a>', "<p>x</p>"),
        (f"<p>x</p><A HREF='{SAFE}{quote(TRAP, safe='')}'> &nbsp;\n</A >", "<p>x</p>"),
        (f'<a href="{escape(TRAP)}"><b>x</b></a>', "<a ><b>x</b></a>"),
        (f"<p>x &lt;{escape(TRAP)}&gt;</p>", "<p>x </p>"),
        (f'<a href="{PORTAL_URL}/api/email-tracking/nothing-here"></a>x', "x"),
    ],
)
def test_the_hidden_link_goes_with_its_element(body: str, expected: str) -> None:
    assert html(body) == expected


@pytest.mark.parametrize("link", LINK_SPELLINGS)
@pytest.mark.parametrize("around", ["{}", "<{}>", "See {}.", "({})", "> {}\r\n> next", "x[{}]", '"{}"', "a{}"])
def test_a_link_in_plain_text_leads_to_its_destination_again(link: str, around: str) -> None:
    assert text(around.format(link)) == around.format(URL)


@pytest.mark.parametrize(
    "broken",
    [
        f"{CLICK[:76]}\n{CLICK[76:]}",
        f"{CLICK[:76]}\r\n> {CLICK[76:152]}\r\n> {CLICK[152:]}",
        f"{CLICK[:76]}=\r\n{CLICK[76:]}",
        f"{CLICK[:76].replace('=', '=3D')}=\r\n{CLICK[76:].replace('=', '=3D')}",
        escape(CLICK),
        SAFE + quote(CLICK, safe="") + "&data=05",
    ],
)
def test_a_link_that_was_broken_or_wrapped_in_plain_text_is_put_together(broken: str) -> None:
    assert text(f"> See {broken}.\r\n> Bye") == f"> See {URL}.\r\n> Bye"


def test_lines_after_an_address_stay_where_nothing_of_ours_is_broken() -> None:
    body = "https://x.example/track\nfirst\nsecond\n" + f"{CLICK}\nthird"
    assert text(body) == f"https://x.example/track\nfirst\nsecond\n{URL}\nthird"


@pytest.mark.parametrize("address", [*PIXELS[:7], GMAIL + PIXEL, TRAP])
@pytest.mark.parametrize("around", ["a {} b", "a <{}> b", "a [{}] b", "a ![]({}) b"])
def test_a_pixel_or_hidden_link_in_plain_text_vanishes_with_its_brackets(address: str, around: str) -> None:
    assert text(around.format(address)) == "a  b"


def test_a_body_of_nothing_else_is_not_left_empty() -> None:
    assert OURS.html(f'<img src="{PIXEL}">') == NOTHING_LEFT_HTML
    assert OURS.text(PIXEL) == NOTHING_LEFT_TEXT


def test_without_an_address_of_our_own_signed_links_and_marked_pixels_are_known_all_the_same() -> None:
    bare = Restoring(Signer([KEY]), IDS, [])
    assert bare.html(f'<a href="{escape(CLICK)}">x</a><img src="{PIXEL}">') == f'<a href="{WRITTEN}">x</a>'


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("", '<a href="https://x.example/track">track</a>', ""),
        ("", "https://x track\n", ""),
        ("", "https://x/track/click/" + "\na" * 40 + "\n", ""),
        ("", f"<a href={escape(CLICK[:-1])}>", ""),
        ("<a href=https://safelinks.protection.outlook.com/?track&", "url=a&", ">"),
        ("", f"{PIXEL} ", ""),
        ("", "https://track", ""),
        (f'<a href="{escape(TRAP)}">', "&nbsp; ", ""),
    ],
)
def test_a_body_made_to_be_slow_takes_time_linear_in_its_size(before: str, unit: str, after: str) -> None:
    count = 400_000 // len(unit)
    whole, half = (before + unit * part + after for part in (count, count // 2))
    for work in (OURS.html, OURS.text):
        # Quadratic would be four times; the floor keeps the clock's grain out of it.
        assert min(spent(work, whole) for _ in range(3)) < 3.2 * max(spent(work, half), 0.1)


def spent(work: Any, body: str) -> float:
    begun = time.process_time()
    work(body)
    return time.process_time() - begun


WORDS = st.text(st.sampled_from("ab <>&\"'é.\n"), max_size=12).map(escape)
TARGETS = st.sampled_from(
    [
        "https://x.example/?a=1&b=2",
        "https://x.example/wiki/Mail_(post)?q=%20x#top",
        "http://b.test/é",
        "mailto:bob@example.org",
        f"{PORTAL_URL}/tickets/5",
        "https://u:p@x.example/",
        "https://c.test/" + "y" * 300,
    ]
)
LINKED = st.builds(lambda url, words: f'<a href="{escape(url)}">{words or "x"}</a>', TARGETS, WORDS)
SHOWN = st.builds(lambda url: f'<a href="{escape(url)}">{escape(url)}</a>', TARGETS)
BARE = TARGETS.map(escape)
MARKUP = st.sampled_from(["<br>", "<p>", "</p>", "<ul><li>", "<b>"])
PARTS = st.lists(WORDS | LINKED | SHOWN | BARE | MARKUP, max_size=12)
SETTINGS = [
    PlausibleSettings(
        track_opens=opens,
        track_clicks=clicks,
        skip_visible_url=visible,
        pixel_position=position,
        trap_link=trap,
        track_text_links=True,
    )
    for opens, clicks, visible, position, trap in itertools.product(
        (True, False), (True, False), (True, False), ("auto", "end", "start"), (True, False)
    )
]
ADDRESS_OF_OURS = re.compile(r"email-tracking|/track/|nothing-here")


@given(PARTS.map("".join), st.sampled_from(SETTINGS))
@run(max_examples=300, database=None)
def test_whatever_was_tracked_comes_back_as_it_was_stored(body: str, settings: PlausibleSettings) -> None:
    stored = richtext.clean_reply(body)
    plain = richtext.html_to_text(stored)
    sent = track_html(stored, tracking_id=TID, links=LINKS, settings=settings)
    sent_text = track_text(plain, tracking_id=TID, links=LINKS, settings=settings)

    # As a mail that comes in, and as an agent's paste, which is cleaned before.
    for back in (html(sent.html), html(richtext.clean_reply(sent.html))):
        assert not ADDRESS_OF_OURS.search(unescape(back))
        assert richtext.html_to_text(back) == plain
        assert re.findall(r'href="([^"]*)"', back) == re.findall(r'href="([^"]*)"', stored)
    assert html(richtext.clean_reply(sent.html)) == stored
    assert OURS.html(stored) is None
    if sent_text is not None:
        assert text(sent_text.text) == plain
