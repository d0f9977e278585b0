"""The page that shows what would become of a mail, and changes nothing."""

from __future__ import annotations

import re
from html import unescape

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.links import LONGEST, Links
from plugins.plausible.preview import FRAME_CSP, MOST_HTML, MOST_ROWS, SAMPLE_ID, preview
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer
from tests.conftest import PASSWORD, PORTAL_URL, SECRET_KEY
from tests.support.web import get, log_in, post

PATH = "/plausible/preview"
MAIL = (
    '<body><p>Hi <a href="https://example.org/guide">guide</a> <a href="https://b.test/">https://b.test/</a>'
    f'<a href="{PORTAL_URL}/tickets/5">ticket</a> <a href="mailto:a@b.test">write</a>'
    '<a href="https://c.test/" data-no-track>c</a></p></body>'
)
HOSTILE = (
    '</textarea></iframe><script>alert(1)</script><img src="https://evil.test/x.png" onerror="alert(2)">'
    '<a href="https://e.test/?&quot;><script>alert(3)</script>"><b onclick=alert(4)>x</b></a>"\'><style>'
)


def shown(html: str, **settings: object) -> list[tuple[str, str, str]]:
    links = Links(PORTAL_URL, Signer([SECRET_KEY]))
    found = preview(html, links=links, settings=PlausibleSettings.model_validate(settings))
    return [(row.url, row.word, row.reason) for row in found.rows]


def attribute(page: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', page)
    assert found is not None
    return unescape(found[1])


async def answer(client: Client, html: str, expected: int = 200) -> str:
    response = await post(client, PATH, {"html": html})
    assert response.status_code == expected
    return await response.get_data(as_text=True)


def test_each_link_is_listed_with_its_reason_in_words() -> None:
    assert shown(MAIL) == [
        ("https://example.org/guide", "Tracked", "An absolute web address."),
        (
            "https://b.test/",
            "Not tracked",
            "Its text is an address, and mail programs warn when the two differ.",
        ),
        (f"{PORTAL_URL}/tickets/5", "Not tracked", "It leads to this portal."),
        ("mailto:a@b.test", "Not tracked", "Only http and https links are."),
        ("https://c.test/", "Not tracked", "Marked with data-no-track."),
    ]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://bob:secret@b.test/", "A password stands in the address."),
        ("https://bob@b.test/", "A user name stands in the address."),
        ("https://b.test/" + "x" * LONGEST, "It is longer than 2,048 characters."),
        ("https://b.test/\u0085", "It holds characters that no click may lead to."),
    ],
)
def test_a_link_that_no_click_may_follow_says_what_is_wrong_with_it(url: str, reason: str) -> None:
    [(address, word, words)] = shown(f'<a href="{url}">x</a>')
    assert (word, words) == ("Not tracked", reason)
    assert len(address) <= 301


def test_the_settings_decide_as_they_do_for_a_real_mail() -> None:
    assert [word for _, word, _ in shown(MAIL, skip_visible_url=False)[:2]] == ["Tracked", "Tracked"]
    assert {word for _, word, _ in shown(MAIL, track_clicks=False)} == {"Not tracked"}


def test_with_both_kinds_of_tracking_off_the_mail_stays_as_it_is() -> None:
    links = Links(PORTAL_URL, Signer([SECRET_KEY]))
    off = PlausibleSettings.model_validate({"track_opens": False, "track_clicks": False})
    assert preview(MAIL, links=links, settings=off).html == MAIL


async def test_a_pasted_mail_shows_links_pixel_and_result(gus_client: Client) -> None:
    page = await answer(gus_client, MAIL)
    assert "1 of 5 links would be tracked." in page
    assert "It leads to this portal." in page
    assert "Pixel before the last &lt;/body&gt;." in page
    frame = attribute(page, "srcdoc")
    assert f"{PORTAL_URL}/api/email-tracking/pixel/{SAMPLE_ID}.gif" in frame
    assert '<a href="https://c.test/">c</a>' in frame


async def test_the_result_is_the_pasted_mail_byte_for_byte_but_for_tracking(gus_client: Client) -> None:
    mail = "<P  CLASS=x>one\r\ntwo <!-- odd --> &nbsp; <br/ ><b>unclosed"
    frame = attribute(await answer(gus_client, mail), "srcdoc")
    before, pixel, after = frame.partition("<img ")
    assert before.endswith(mail.replace("\r\n", "\n"))
    assert (pixel, after.count("<")) == ("<img ", 0)


async def test_a_sample_link_leads_nowhere(gus_client: Client, world: Client) -> None:
    frame = attribute(await answer(gus_client, '<a href="https://evil.test/">x</a>'), "srcdoc")
    url = unescape(attribute(frame, "href"))
    assert url.startswith(f"{PORTAL_URL}/api/email-tracking/click?")
    assert (await get(world, url.removeprefix(PORTAL_URL))).status_code == 400


async def test_a_hostile_mail_stays_text_outside_of_its_locked_frame(gus_client: Client) -> None:
    response = await post(gus_client, PATH, {"html": HOSTILE})
    page = await response.get_data(as_text=True)
    assert not re.search(r"<script>|<img\b|<b onclick|<style>", page)
    [frame] = re.findall(r"<iframe [^>]*>", page)
    assert 'sandbox=""' in frame
    document = attribute(frame, "srcdoc")
    head = document[: document.index("</textarea>")]
    assert f'<meta http-equiv="Content-Security-Policy" content="{FRAME_CSP}">' in head
    policy = response.headers["Content-Security-Policy"]
    assert re.search(r"script-src 'nonce-[\w-]{22}';", policy)
    assert "object-src 'none'" in policy


async def test_an_empty_form_keeps_the_portals_own_policy(gus_client: Client) -> None:
    response = await get(gus_client, PATH)
    assert response.status_code == 200
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("html", ["", " \n\t"])
async def test_nothing_pasted_is_said_at_the_field(gus_client: Client, html: str) -> None:
    page = await answer(gus_client, html, 422)
    assert "<title>Error: Tracking preview" in page
    assert "Nothing was pasted." in page


async def test_the_largest_mail_is_shown(gus_client: Client) -> None:
    assert "would be tracked" in await answer(gus_client, '<a href="https://a.test/">€</a>'.ljust(MOST_HTML, "€"))


@pytest.mark.parametrize("length", [MOST_HTML + 1, 3_000_000])
async def test_too_large_a_mail_is_refused_with_its_size(gus_client: Client, length: int) -> None:
    page = await answer(gus_client, "€" * length, 422)
    assert f"{length:,} characters are too many, 512,000 are allowed." in page
    assert "<iframe" not in page


async def test_of_very_many_links_the_first_are_listed_and_all_are_counted(gus_client: Client) -> None:
    page = await answer(gus_client, '<a href="https://a.test/">a</a>' * (MOST_ROWS + 7))
    assert "507 of 507 links would be tracked." in page
    assert page.count("<tr><td>") == MOST_ROWS
    assert "The first 500 are shown." in page


async def test_nothing_is_recorded_of_a_preview(portal: Runtime, gus_client: Client, world: Client) -> None:
    await answer(gus_client, MAIL)
    await get(world, f"/api/email-tracking/pixel/{SAMPLE_ID}.gif")
    async with portal.database.connection() as conn:
        for table in ("email_tracking_events", "outgoing_emails", "ticket_replies"):
            assert await conn.fetch_all(f"SELECT * FROM {table}") == []  # noqa: S608


async def test_it_works_with_the_module_off_and_says_so(gus_client: Client) -> None:
    assert "The module is off" not in await answer(gus_client, MAIL)
    await modules.set_enabled("plausible", enabled=False, user=None)
    page = await answer(gus_client, MAIL)
    assert "The module is off: mails go out as they are." in page
    assert "1 of 5 links would be tracked." in page


async def test_strangers_are_sent_to_the_login(world: Client) -> None:
    response = await get(world, PATH)
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/login?next=")


async def test_a_form_from_elsewhere_is_refused(gus_client: Client) -> None:
    response = await gus_client.post(PATH, form={"html": MAIL}, headers={"Host": "portal.test"})
    assert response.status_code == 403


async def test_the_modules_page_leads_to_it_and_back(plausible: Quart, gus_client: Client) -> None:
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    client = await log_in(plausible, ada)
    page = await (await get(client, "/admin/modules/plausible")).get_data(as_text=True)
    assert f'<a href="{PATH}">Preview on a mail</a>' in page
    assert '<a href="/admin/modules/plausible">' in await (await get(client, PATH)).get_data(as_text=True)
    assert "/admin/modules/plausible" not in await (await get(gus_client, PATH)).get_data(as_text=True)
