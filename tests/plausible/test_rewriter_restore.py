"""Our pixels and tracking links taken out of mail that comes back."""

import copy
import pickle
from urllib.parse import quote

import pytest

from plugins.plausible.rewriter import Destination, restore, restore_text, rewrite, rewrite_text

CLICK = "https://portal.example.com/api/email-tracking/click?tid=Ab-_9&url=https%3A%2F%2Fx.example%2F%3Fa%3D1&sig=Zz_-0"
PIXEL = "https://portal.example.com/api/email-tracking/pixel/Ab-_9.gif"
ORIGINAL = "https://x.example/?a=1"


def destination(url: str) -> str | None:
    return ORIGINAL if url == CLICK else None


def is_pixel(url: str) -> bool:
    return url == PIXEL


def restored(html: str) -> str:
    return restore(html, destination=destination, is_pixel=is_pixel)


def escaped(url: str) -> str:
    return url.replace("&", "&amp;")


def quoted(url: str) -> str:
    return quote(url, safe="")


SAFE_LINKS = "https://eur02.safelinks.protection.outlook.com/"


@pytest.mark.parametrize(
    "wrapped",
    [
        f"{SAFE_LINKS}?url={quoted(CLICK)}&data=05%7C02&reserved=0",
        f"https://nam12.safelinks.protection.outlook.com/ap/b-59584e83/?url={quoted(CLICK)}&data=1",
        f"HTTPS://EUR02.SafeLinks.protection.outlook.com/?data=1&url={quoted(CLICK)}",
        f"https://urldefense.proofpoint.com/v1/url?u={quoted(CLICK)}&k=abc",
        "https://urldefense.proofpoint.com/v2/url?u="
        "https-3A__portal.example.com_api_email-2Dtracking_click-3Ftid-3DAb-2D-5F9-26url-3D"
        "https-253A-252F-252Fx.example-252F-253Fa-253D1-26sig-3DZz-5F-2D0&d=DwMFAg&c=abc",
        # Seven "%" masked: six alone, and the two before them that stand as a run.
        "https://urldefense.com/v3/__https://portal.example.com/api/email-tracking/click?tid=Ab-_9"
        "&url=https*3A*2F*2Fx.example*2F*3Fa*3D1&sig=Zz_-0__;JSUlJSUl!!abc$",
        # The same, after a server has merged the two slashes.
        "https://urldefense.com/v3/__https:/portal.example.com/api/email-tracking/click?tid=Ab-_9"
        "&url=https*3A*2F*2Fx.example*2F*3Fa*3D1&sig=Zz_-0__;JSUlJSUl!!abc$",
        f"https://www.google.com/url?q={quoted(CLICK)}&source=gmail&ust=1&usg=x",
        f"https://linkprotect.cudasvc.com/url?a={quoted(CLICK)}&c=E,1",
        f"https://secure-web.cisco.com/1AbC-d/{quoted(CLICK)}",
        # One system wraps what another has wrapped.
        f"{SAFE_LINKS}?url=" + quoted(f"https://urldefense.proofpoint.com/v1/url?u={quoted(CLICK)}&k=abc") + "&data=1",
    ],
)
def test_a_click_link_is_unwrapped_from_what_mail_systems_put_around_it(wrapped: str) -> None:
    assert restored(f'<a href="{escaped(wrapped)}">x</a>') == f'<a href="{ORIGINAL}">x</a>'


def test_a_run_of_masked_characters_is_put_back() -> None:
    wrapped = "https://urldefense.com/v3/__https://x.example/**B*end__;YWJjZA!!"

    assert restore(
        f'<a href="{wrapped}">', destination=lambda u: u[-8:] if "abc" in u else None, is_pixel=is_pixel
    ) == ('<a href="/abcdend">')


@pytest.mark.parametrize(
    "wrapped",
    [
        "https://urldefense.com/v3/__https://x.example/*__;not*base64!!",
        "https://urldefense.com/v3/__https://x.example/*__;_w!!",
        "https://safelinks.protection.outlook.com.evil.example/?url=" + quoted(CLICK),
        "https://other.example/?url=" + quoted(CLICK),
        "https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fother.example%2F&data=1",
    ],
)
def test_other_and_unreadable_wrappers_stay_as_they_are(wrapped: str) -> None:
    html = f'<a href="{escaped(wrapped)}">x</a>'

    assert restored(html) == html


@pytest.mark.parametrize(
    "image",
    [
        f'<img src="{PIXEL}" width="1" height="1" alt="" role="presentation" style="border:0">',
        f"<IMG height=1 alt='' width=1 SRC={PIXEL}>",
        f"<img style='width:1px' id='x_pixel' src='{PIXEL}' data-imagetype=\"External\"/>",
        f'<img src="https://ci3.googleusercontent.com/meips/AbC=s0-d-e1-ft#{PIXEL}" class="CToWUd">',
        f'<img\r\n src="\r\n {PIXEL[:40]}\r\n{PIXEL[40:]} ">',
        f'<img src="{PIXEL[:50]}\n   {PIXEL[50:]}">',
        f'<img src="{PIXEL[:50]}=\r\n{PIXEL[50:]}">',
        f'<img originalsrc="{PIXEL}" src="cid:1234">',
        f'<v:imagedata src="cid:image001.gif@01D" o:href="{PIXEL}"/>',
        '<img width="1" role="presentation" alt="" height="1" src="cid:image001.gif@01DB">',
    ],
)
def test_our_pixel_goes_however_the_mail_program_has_rewritten_it(image: str) -> None:
    assert restored(f"<p>Hello</p>{image}\r\n<p>you</p>") == "<p>Hello</p>\r\n<p>you</p>"


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://portal.example.com/logo.gif" width="1" height="1" alt="" role="presentation">',
        '<img src="cid:logo" width="100" height="1" alt="" role="presentation">',
        '<img src="cid:spacer" width="1" height="1" alt="">',
        f'<img alt="{PIXEL}">',
        f"<!-- <img src={PIXEL}> -->",
        f"<style>/* <img src={PIXEL}> */</style>",
        f"<p>&lt;img src={PIXEL}&gt;</p>",
    ],
)
def test_other_images_and_text_stay(image: str) -> None:
    assert restored(image) == image


def test_the_caller_may_recognise_an_attached_pixel_by_its_cid() -> None:
    html = '<p>x</p><img src="cid:image001.gif@01DB">'

    assert restore(html, destination=destination, is_pixel=lambda url: url == "cid:image001.gif@01DB") == "<p>x</p>"


@pytest.mark.parametrize(
    ("mangled", "expected"),
    [
        (f'<A CLASS=x HREF="{escaped(CLICK)}">', f'<A CLASS=x HREF="{ORIGINAL}">'),
        (f"<a href='{CLICK}' target=_blank>", f"<a href='{ORIGINAL}' target=_blank>"),
        (f"<a href={CLICK}>", f"<a href={ORIGINAL}>"),
        (f'<a href="{CLICK[:60]}\r\n{CLICK[60:]}">', f'<a href="{ORIGINAL}">'),
        (f'<a href="{CLICK[:60]}\r\n  {CLICK[60:]}">', f'<a href="{ORIGINAL}">'),
        (f'<a href="{CLICK[:60]}=\n{CLICK[60:]}">', f'<a href="{ORIGINAL}">'),
        (
            f'<a href="{SAFE_LINKS}?url={quoted(CLICK)}" originalsrc="{CLICK}">',
            f'<a href="{ORIGINAL}" originalsrc="{ORIGINAL}">',
        ),
        (
            f'<a href="{CLICK}" data-saferedirecturl="https://www.google.com/url?q={quoted(CLICK)}&amp;u=1">',
            f'<a href="{ORIGINAL}" data-saferedirecturl="{ORIGINAL}">',
        ),
        (
            f"<!--[if mso]><v:rect href='{CLICK}'><![endif]-->",
            f"<!--[if mso]><v:rect href='{ORIGINAL}'><![endif]-->",
        ),
        (f'<a href="{CLICK}">\n{escaped(CLICK)} </a>', f'<a href="{ORIGINAL}">\n{ORIGINAL} </a>'),
        (f'<a href="{CLICK}">httpx</a>', f'<a href="{ORIGINAL}">httpx</a>'),
    ],
)
def test_our_link_is_found_in_any_order_case_quotes_and_line_breaks(mangled: str, expected: str) -> None:
    assert restored(f"<p>{mangled}</p>") == f"<p>{expected}</p>"


def test_a_destination_with_ampersands_and_quotes_is_written_safely() -> None:
    html = restore(f'<a href="{CLICK}">', destination=lambda _: 'https://x/?a&copy="', is_pixel=is_pixel)

    assert html == '<a href="https://x/?a&amp;copy=&#34;">'


HOSTILE_ORIGINALS = [
    '<a href="https://x.example/?a=1&b=2&amp;copy=3">',
    "<a href='\r\n ht\ttps://x.example/?q=\"'>",
    "<a href=https://x.example/o'neil/>",
    '<a href="&#104;ttps://x.example/&notit;">',
    '<area href="HTTPS://X.example"><v:rect href=https://x.example>',
]


@pytest.mark.parametrize("html", HOSTILE_ORIGINALS)
def test_what_was_rewritten_comes_back_character_by_character(html: str) -> None:
    made: dict[str, str] = {}

    def link(url: str) -> str:
        made[f"https://click.test/{len(made)}"] = url
        return f"https://click.test/{len(made) - 1}"

    done = rewrite(html, link=link, pixel_url=PIXEL)

    assert done.html != html
    assert restore(done.html, destination=made.get, is_pixel=is_pixel) == html


def test_an_authors_spelling_is_not_used_where_other_quotes_would_let_it_break_out() -> None:
    [written] = rewrite("<a href='https://x.example/\"b'>", link=lambda u: "https://t/", pixel_url=None).links

    for tag, expected in [
        ('<a href="https://t/">', '<a href="https://x.example/&#34;b">'),
        ("<a href='https://t/'>", "<a href='https://x.example/\"b'>"),
        ("<a href=https://t/>", '<a href=https://x.example/"b>'),
    ]:
        assert restore(tag, destination=lambda _: written, is_pixel=is_pixel) == expected

    [spaced] = rewrite("<a href=' https://x.example/'>", link=lambda u: "https://t/", pixel_url=None).links
    assert restore("<a href=https://t/>", destination=lambda _: spaced, is_pixel=is_pixel) == (
        "<a href=https://x.example/>"
    )


def test_a_destination_keeps_its_spelling_when_it_is_copied_or_stored() -> None:
    done = rewrite("<a href='https://x.example/?a&amp;b'>", link=lambda _: "https://t/", pixel_url=None)

    for copied in (copy.deepcopy(done), pickle.loads(pickle.dumps(done))):  # noqa: S301 - our own bytes
        [url] = copied.links
        assert url == "https://x.example/?a&b"
        assert isinstance(url, Destination)
        assert url.written == "https://x.example/?a&amp;b"


def test_text_parts_are_tracked_and_restored() -> None:
    text = "See https://x.example/a_(b)_, (https://x.example/?a=1). <https://x.example/b,> xhttps://no.example"
    made: dict[str, str] = {}

    def link(url: str) -> str:
        made[f"https://click.test/{len(made)}"] = url
        return f"https://click.test/{len(made) - 1}"

    done = rewrite_text(text, link=link)

    assert done.links == ["https://x.example/a_(b)_", "https://x.example/?a=1", "https://x.example/b,"]
    assert done.text == ("See https://click.test/0, (https://click.test/1). <https://click.test/2> xhttps://no.example")
    assert restore_text(done.text, destination=made.get) == text


def test_text_parts_follow_the_same_rules() -> None:
    text = "https://portal.example.com/reset https://u:p@x.example/ https://x.example/u https://x.example:x/ https://y.example"

    done = rewrite_text(
        text,
        link=lambda _: "https://t/",
        own_urls=["https://portal.example.com"],
        skip_credentials=True,
        untracked=["https://x.example/u"],
    )

    assert done.links == ["https://y.example"]
    assert rewrite_text(text, link=lambda _: "https://t/", sensitive=True).text == text


def test_a_wrapped_link_in_a_quoted_text_part_is_restored() -> None:
    text = f"> read this<https://eur02.safelinks.protection.outlook.com/?url={quoted(CLICK)}&data=1>.\r\n"

    assert restore_text(text, destination=destination) == f"> read this<{ORIGINAL}>.\r\n"
