"""The hidden link: only programs that read a mail's source find it, and it leads to a page that says so."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run
from hypothesis import strategies as st
from quart.typing import TestClientProtocol as Client

from app.email.plaintext import html_to_text
from app.runtime import Runtime
from app.services import modules
from bench import rewrite_truth
from plugins.plausible.links import Links
from plugins.plausible.preview import preview
from plugins.plausible.rewriter import PixelPlace, restore, rewrite
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer
from plugins.plausible.tracking import track_html
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.plausible.test_rewriter_properties import DOCUMENT, is_judged
from tests.support.web import get, post

TID = "t" * 43
PAGE = "/api/email-tracking/nothing-here"
TRAP_URL = "https://portal.example.com/trap?a=1&b=2"
PIXEL_URL = "https://portal.example.com/pixel.gif?a=1&b=2"
LINKS = Links(PORTAL_URL, Signer([SECRET_KEY]))
MAIL = '<body><p>Hi <a href="https://example.org/">guide</a></p></body>'


def tracked(mail: str = MAIL, **settings: Any) -> str:
    return track_html(mail, tracking_id=TID, links=LINKS, settings=PlausibleSettings.model_validate(settings)).html


def hidden(mail: str) -> str:
    """The hidden link's tag, "" without one."""
    found = re.search(r"<a [^>]*aria-hidden[^>]*></a>", mail)
    return found[0] if found else ""


def test_it_is_off_at_first() -> None:
    assert not PlausibleSettings().trap_link
    assert hidden(tracked()) == ""


def test_it_stands_right_before_the_pixel_and_is_signed_for_its_copy() -> None:
    mail = tracked(trap_link=True)
    tag = hidden(mail)
    assert f"{tag}<img " in mail
    assert html.unescape(re.findall(r'href="([^"]*)"', tag)[0]) == LINKS.click(TID, PORTAL_URL + PAGE)


def test_nobody_sees_hears_or_reaches_it() -> None:
    tag = hidden(tracked(trap_link=True))
    assert tag.endswith("></a>"), "it has no content"
    assert ' aria-hidden="true" tabindex="-1" ' in tag
    assert "display:none" in tag
    assert "mso-hide:all" in tag


def test_no_plain_text_of_the_mail_holds_it() -> None:
    assert "nothing-here" not in html_to_text(tracked("<p>Hello</p>", trap_link=True))


def test_without_clicks_it_is_left_out_because_nobody_would_hear_of_it() -> None:
    assert hidden(tracked(trap_link=True, track_clicks=False)) == ""


def test_without_opens_it_stands_where_the_pixel_would() -> None:
    mail = tracked(trap_link=True, track_opens=False)
    assert mail.endswith(hidden(mail) + "</body>")


def test_the_rewriter_puts_none_in_unless_told_and_none_into_an_empty_mail() -> None:
    assert not rewrite(MAIL, link=None, pixel_url=PIXEL_URL).trap
    empty = rewrite(" ", link=None, pixel_url=PIXEL_URL, trap_url=TRAP_URL)
    assert (empty.html, empty.trap) == (" ", False)
    alone = rewrite(MAIL, link=None, pixel_url=None, trap_url=TRAP_URL)
    assert (alone.trap, alone.pixel) == (True, PixelPlace.OFF)


@given(DOCUMENT.filter(is_judged).filter(str.strip), st.sampled_from(["start", "end", "auto"]))
@run(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_document_keeps_every_byte_and_a_live_pixel_beside_it(document: str, position: Any) -> None:
    done = rewrite(document, link=None, pixel_url=PIXEL_URL, trap_url=TRAP_URL, pixel_position=position)
    plain = rewrite(document, link=None, pixel_url=PIXEL_URL, pixel_position=position)
    tag = hidden(done.html)
    assert done.html.replace(tag, "", 1) == plain.html
    assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL)
    assert TRAP_URL in rewrite_truth.links(done.html)
    back = restore(done.html, destination=lambda _: None, is_pixel=PIXEL_URL.__eq__, is_trap=TRAP_URL.__eq__)
    assert back == restore(plain.html, destination=lambda _: None, is_pixel=PIXEL_URL.__eq__)


async def test_it_leads_to_a_calm_page_that_says_what_it_is(portal: Runtime, world: Client) -> None:
    await modules.save("plausible", {"trap_link": True}, user=None)
    click = LINKS.trap_click(TID)
    moved = await get(world, click.removeprefix(PORTAL_URL))
    assert (moved.status_code, moved.headers["Location"]) == (302, PORTAL_URL + PAGE)
    page = await get(world, PAGE)
    text = await page.get_data(as_text=True)
    assert page.status_code == 200
    assert "programs that scan mail" in text
    assert '<meta name="robots" content="noindex">' in text
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in page.headers
    assert "<script" not in text
    assert "<form" not in text


async def test_the_page_is_there_with_the_module_off_and_under_any_host(portal: Runtime, world: Client) -> None:
    await modules.set_enabled("plausible", enabled=False, user=None)
    assert (await world.get(PAGE, headers={"Host": "elsewhere.test"})).status_code == 200


@pytest.mark.parametrize("on", [True, False])
async def test_the_preview_shows_it(portal: Runtime, gus_client: Client, on: bool) -> None:
    await modules.save("plausible", {"trap_link": on}, user=None)
    page = await (await post(gus_client, "/plausible/preview", {"html": MAIL})).get_data(as_text=True)
    assert ("It stands right before the pixel." in page) is on


def test_the_preview_counts_only_the_mails_own_links() -> None:
    found = preview(MAIL, links=LINKS, settings=PlausibleSettings(trap_link=True))
    assert (found.links, found.tracked, found.trap) == (1, 1, True)
