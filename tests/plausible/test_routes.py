"""Pixel, click and status as mail clients and agents use them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links
from plugins.plausible.module import Plausible
from plugins.plausible.tokens import Signer
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.live.stream import listening
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.reader import FOLLOWED, SHOWN
from tests.support.web import get, log_in

URL = "https://example.org/guide?a=1&b=2"
TID = "t" * 43
SIGNER = Signer([SECRET_KEY])
LINKS = Links(PORTAL_URL, SIGNER)


def path(address: str | None) -> str:
    assert address is not None
    return address.removeprefix(PORTAL_URL)


def click_path(url: str = URL, tracking_id: str = TID) -> str:
    """A link as it stands in a mail, signed, whatever its destination."""
    signature = SIGNER.sign(tracking_id, url)
    return f"/api/email-tracking/click?tid={tracking_id}&url={quote(url, safe='')}&sig={signature}"


async def kinds(portal: Runtime) -> list[str]:
    async with portal.database.connection() as conn:
        return [row["event_type"] for row in await conn.fetch_all("SELECT event_type FROM email_tracking_events")]


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


async def is_the_pixel(response: Response) -> bool:
    return response.status_code == 200 and await response.get_data() == GIF


async def refuses(response: Response) -> bool:
    """A 400 page that leads nowhere."""
    page = (await response.get_data(as_text=True)).lower()
    leads = "location" in response.headers or 'href="http' in page or "<a" in page or "<form" in page
    return response.status_code == 400 and not leads


async def test_the_pixel_records_an_open_with_what_the_request_tells(
    portal: Runtime, world: Client, reply: MailedReply
) -> None:
    response = await world.get(
        path(LINKS.pixel(reply.recipients[0].tracking_id)),
        headers={"User-Agent": "Mail/1 \x7f<b>", "Referer": "https://mail.example/inbox"},
        scope_base={"client": ("203.0.113.77", 4711)},
    )
    assert await is_the_pixel(response)
    async with portal.database.connection() as conn:
        [event] = await conn.fetch_all("SELECT * FROM email_tracking_events")
    assert (event["event_type"], event["tracking_id"]) == ("open", reply.recipients[0].tracking_id)
    assert (event["user_agent"], event["referrer"]) == ("Mail/1  <b>", "https://mail.example/inbox")
    assert event["ip_address"] == "203.0.113.0"


async def test_the_pixel_cannot_be_cached_and_sets_no_cookie(world: Client, reply: MailedReply) -> None:
    response = await world.get(path(LINKS.pixel(reply.recipients[0].tracking_id)))
    assert response.headers["Cache-Control"] == "no-store, no-cache, max-age=0, private"
    assert (response.headers["Content-Type"], response.headers["Content-Length"]) == ("image/gif", "43")
    assert not {"ETag", "Last-Modified", "Set-Cookie", "Location"} & set(response.headers.keys())


@pytest.mark.parametrize(
    "name",
    [
        "u" * 43 + ".gif",
        ".gif",
        "x.gif",
        "x",
        "y" * 5000 + ".gif",
        "..%2f..%2fetc%2fpasswd.gif",
        "a/b/c.gif",
        "//evil.example/x.gif",
        "%00%ff%0d%0a.gif",
        "é.gif",
        "%27%20OR%201=1--.gif",
        "<script>.gif",
        "a.gif/",
        "",
        "/",
        "status/x",
        "a.gif?x=1&x=2",
    ],
)
async def test_the_pixel_is_the_same_for_every_address(portal: Runtime, world: Client, name: str) -> None:
    response = await world.get("/api/email-tracking/pixel/" + name)
    assert await is_the_pixel(response)
    assert await kinds(portal) == []


async def test_the_pixel_answers_without_the_last_slash_too(portal: Runtime, world: Client) -> None:
    assert await is_the_pixel(await world.get("/api/email-tracking/pixel"))
    assert await is_the_pixel(await world.get("/api/email-tracking/pixel?x=1"))
    assert await kinds(portal) == []


async def test_the_pixel_answers_under_any_host_name(portal: Runtime, world: Client, reply: MailedReply) -> None:
    address = path(LINKS.pixel(reply.recipients[0].tracking_id))
    assert await is_the_pixel(await world.get(address, headers={"Host": "old-name.example"}))
    assert await kinds(portal) == ["open"]


async def test_a_conditional_request_is_answered_in_full(portal: Runtime, world: Client, reply: MailedReply) -> None:
    headers = {"If-None-Match": "*", "If-Modified-Since": "Fri, 20 Nov 2026 10:00:00 GMT", "Range": "bytes=0-1"}
    assert await is_the_pixel(await world.get(path(LINKS.pixel(reply.recipients[0].tracking_id)), headers=headers))


async def test_who_asks_without_loading_is_a_machine(portal: Runtime, world: Client, reply: MailedReply) -> None:
    tracking_id = reply.recipients[0].tracking_id
    for address in (path(LINKS.pixel(tracking_id)), click_path(tracking_id=tracking_id)):
        assert (await world.head(address)).status_code in {200, 302}
        assert (await world.options(address)).status_code == 200
    assert await kinds(portal) == ["open", "open", "click", "click"]
    async with portal.database.connection() as conn:
        rows = await conn.fetch_all("SELECT class, rule FROM email_tracking_events")
    assert {(row["class"], row["rule"]) for row in rows} == {("scanner", "odd-method")}


async def test_a_click_is_recorded_and_the_reader_sent_on(portal: Runtime, world: Client, reply: MailedReply) -> None:
    response = await world.get(path(LINKS.click(reply.recipients[0].tracking_id, URL)))
    assert (response.status_code, response.headers["Location"]) == (302, URL)
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "Set-Cookie" not in response.headers
    async with portal.database.connection() as conn:
        [event] = await conn.fetch_all("SELECT event_type, event_url FROM email_tracking_events")
    assert event == {"event_type": "click", "event_url": URL}


async def test_a_link_of_a_purged_mail_still_leads_on(portal: Runtime, world: Client) -> None:
    response = await world.get(click_path())
    assert (response.status_code, response.headers["Location"]) == (302, URL)
    assert await kinds(portal) == []


async def test_what_a_link_tracker_appends_does_no_harm(world: Client) -> None:
    assert (await world.get(click_path() + "&fbclid=1&utm_source=x")).status_code == 302


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.replace("sig=", "sig=x"),
        lambda link: link[:-1],
        lambda link: link[:-24],
        lambda link: link.partition("&sig=")[0],
        lambda link: link.replace("example.org", "evil.example"),
        lambda link: link.replace("tid=t", "tid=u"),
        lambda link: link.replace("%2Fguide", "%2Fother"),
        lambda link: link + "&url=https%3A%2F%2Fevil.example%2F",
        lambda link: link.replace("?", "?url=https%3A%2F%2Fevil.example%2F&"),
        lambda link: link + link[link.index("&sig=") :],
        lambda link: link + "&tid=" + TID,
        lambda link: link + "&sig=",
        lambda link: link.replace("url=https", "url=&u=https"),
        lambda link: "/api/email-tracking/click",
        lambda link: "/api/email-tracking/click?" + "url=https%3A%2F%2Fevil.example",
    ],
)
async def test_a_changed_link_leads_nowhere(portal: Runtime, world: Client, change: Any) -> None:
    assert await refuses(await world.get(change(click_path())))
    assert await kinds(portal) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "/\\evil.example",
        "https://user:secret@example.org/",
        "https://example.org/\r\nSet-Cookie: a=b",
        "https://example.org/\x00",
        "https://" + "x" * 3000,
        "",
    ],
)
async def test_a_destination_is_checked_again_although_its_signature_holds(world: Client, url: str) -> None:
    response = await world.get(click_path(url))
    assert await refuses(response)
    assert "Set-Cookie" not in response.headers


async def test_the_refusal_repeats_nothing_of_the_request(world: Client) -> None:
    canary = "canary<script>alert(1)</script>"
    response = await world.get(
        f"/api/email-tracking/click?tid={quote(canary)}&url={quote(canary)}&sig={quote(canary)}",
        headers={"User-Agent": "canary", "Referer": "https://canary.example/"},
    )
    assert "canary" not in await response.get_data(as_text=True)
    assert "Set-Cookie" not in response.headers
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_an_earlier_key_still_leads_on(settings: Settings, empty_database: None, world: Client) -> None:
    old_link = click_path()
    rotated = settings.model_copy(
        update={"secret_key": SecretStr("r" * 40), "secret_key_previous": [settings.secret_key]}
    )
    forgotten = rotated.model_copy(update={"secret_key_previous": []})
    for given, leads_on in ((rotated, True), (forgotten, False)):
        app = create_app(given, plugins={"plausible": Plausible()})
        async with app.test_app():
            answer = await app.test_client().get(old_link)
        assert answer.status_code == 302 if leads_on else await refuses(answer)


async def test_with_the_module_off_links_and_pixels_go_on_working_and_nothing_is_recorded(
    portal: Runtime, world: Client, reply: MailedReply
) -> None:
    tracking_id = reply.recipients[0].tracking_id
    await modules.set_enabled("plausible", enabled=False, user=None)
    assert await is_the_pixel(await world.get(path(LINKS.pixel(tracking_id))))
    assert (await world.get(click_path(tracking_id=tracking_id))).headers["Location"] == URL
    assert await kinds(portal) == []


async def test_with_opens_off_a_click_still_counts(portal: Runtime, world: Client, reply: MailedReply) -> None:
    tracking_id = reply.recipients[0].tracking_id
    await modules.save("plausible", {"track_opens": False}, user=None)
    assert await is_the_pixel(await world.get(path(LINKS.pixel(tracking_id))))
    assert (await world.get(click_path(tracking_id=tracking_id))).status_code == 302
    assert await kinds(portal) == ["click"]


async def test_the_status_tells_an_agent_what_is_known(
    portal: Runtime, world: Client, gus_client: Client, reply: MailedReply
) -> None:
    [bob] = reply.recipients
    await world.get(path(LINKS.pixel(bob.tracking_id)), headers=SHOWN)
    await world.get(path(LINKS.pixel(bob.tracking_id)), headers={"User-Agent": "Mozilla/5.0"})
    await world.get(click_path(tracking_id=bob.tracking_id), headers=FOLLOWED)
    response = await get(gus_client, f"/api/email-tracking/status/{bob.tracking_id}")
    status = await response.get_json()
    assert response.status_code == 200
    assert (status["state"], status["opens"], status["clicks"]) == ("read", 1, 1)
    assert (status["machine_opens"], status["machine_clicks"]) == (1, 0)
    assert status["words"] == "Read: opened in Thunderbird. What was loaded ahead before counts for nothing."
    assert status["first_opened_at"] < status["last_opened_at"]
    assert [(link["url"], link["clicks"]) for link in status["links"]] == [(URL, 1)]
    assert status["recipient"] == {"role": "to", "name": "", "email": "bob@example.org"}
    assert (status["reply_id"], status["ticket_id"]) == (reply.reply_id, reply.ticket_id)


async def test_the_status_of_a_mail_that_nobody_opened_says_sent(gus_client: Client, reply: MailedReply) -> None:
    response = await get(gus_client, f"/api/email-tracking/status/{reply.recipients[0].tracking_id}")
    status = await response.get_json()
    assert (status["state"], status["opens"], status["first_opened_at"], status["links"]) == ("sent", 0, None, [])


async def test_a_program_asks_with_its_token(world: Client, gus: User, reply: MailedReply) -> None:
    token = await accounts.create_api_token(gus.email)
    address = f"/api/email-tracking/status/{reply.recipients[0].tracking_id}"
    response = await get(world, address, headers={"Authorization": f"Bearer {token}"})
    assert (await response.get_json())["state"] == "sent"


async def test_strangers_learn_nothing_from_the_status(world: Client, reply: MailedReply) -> None:
    known = await get(world, f"/api/email-tracking/status/{reply.recipients[0].tracking_id}")
    unknown = await get(world, f"/api/email-tracking/status/{TID}")
    assert known.status_code == unknown.status_code == 401
    assert await known.get_data() == await unknown.get_data()


@pytest.mark.parametrize("tracking_id", [TID, "x", "y" * 5000, "%00"])
async def test_an_unknown_status_is_not_found(gus_client: Client, tracking_id: str) -> None:
    response = await get(gus_client, f"/api/email-tracking/status/{tracking_id}")
    assert response.status_code == 404
    assert "error" in await response.get_json()


async def test_an_open_in_one_process_is_told_to_pages_of_another(
    plausible: Quart, settings: Settings, world: Client, gus: User, reply: MailedReply
) -> None:
    other = create_app(settings, plugins={"plausible": Plausible()})
    await other.startup()
    async with listening(await log_in(other, gus), f"ticket:{reply.ticket_id}") as stream:
        await world.get(path(LINKS.pixel(reply.recipients[0].tracking_id)))
        change = (await stream.change()).data
    assert (change["kind"], change["reply_id"]) == ("receipt", reply.reply_id)
    await other.shutdown()
