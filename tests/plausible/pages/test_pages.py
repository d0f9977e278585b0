"""Which pages of a running portal carry the script, and what goes by the portal to Plausible."""

from __future__ import annotations

import asyncio
import json
import re
import time
from urllib.parse import urlsplit

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts.models import User
from app.consent.links import OptOutLinks
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.pages import forwarder, routes, script_copy
from tests.conftest import PORTAL_URL
from tests.plausible.pages.conftest import FIREFOX, READER, SITE, VIEW, Pages, counted, until
from tests.receipts.builders import mailed_reply
from tests.support.plausible import scripts
from tests.support.plausible.http import Response as PlausibleAnswer
from tests.support.plausible.scripts import MANUAL
from tests.support.web import get


async def page_of(client: Client, path: str, **headers: str) -> tuple[str, str]:
    """A page, and its policy."""
    response = await get(client, path, headers=headers)
    assert response.status_code == 200
    return await response.get_data(as_text=True), response.headers["Content-Security-Policy"]


async def test_customers_pages_alone_carry_it_by_way_of_the_portal_unless_chosen_otherwise(
    pages: Pages, portal: Runtime, gus_client: Client
) -> None:
    page, policy = await page_of(pages.browser, "/login?next=/tickets/4711")
    assert ' src="/js/pages.js" async' in page
    assert f'data-url="{PORTAL_URL}/login"' in page
    assert re.search(r"script-src 'nonce-[\w-]{22}';", policy)
    assert "connect-src" not in policy
    for header in ("DNT", "Sec-GPC"):
        assert "/js/pages.js" not in (await page_of(pages.browser, "/login", **{header: "1"}))[0]
    reply = await mailed_reply(portal.database, "ann@customer.test")
    ticket = f"/tickets/{reply.ticket_id}"
    assert "/js/pages.js" not in (await page_of(gus_client, ticket))[0]
    await pages.set(page_analytics="all")
    page, _ = await page_of(gus_client, ticket)
    assert f'data-url="{PORTAL_URL}/tickets/:id"' in page
    await pages.set(page_proxy=False)
    page, policy = await page_of(gus_client, ticket)
    script = f"{pages.plausible.base_url}/js/script.manual.js"
    assert f' src="{script}" async data-domain="{SITE}"' in page
    assert re.search(rf"script-src 'nonce-[\w-]{{22}}' {script};", policy)
    assert policy.endswith(f"connect-src 'self' {pages.plausible.base_url}")
    assert "script.manual.js" not in (await page_of(pages.browser, "/login"))[0], "a password is typed there"
    assert (await get(pages.browser, "/js/pages.js")).status_code == 404
    assert (await pages.send()).status_code == 404
    await pages.set(page_proxy=True)
    await modules.set_enabled("plausible", enabled=False, user=None)
    assert "/js/pages.js" not in (await page_of(pages.browser, "/login"))[0]
    assert (await get(pages.browser, "/js/pages.js")).status_code == 404
    assert (await pages.send()).status_code == 404
    assert pages.came == []


async def test_an_invitation_is_told_without_its_token_and_the_opt_out_page_never(
    pages: Pages, portal: Runtime, admin: User
) -> None:
    await pages.set(page_analytics="all")
    link = await administration.invite(by=admin, email="ivy@portal.test", name="Ivy", role="agent")
    path = urlsplit(link.url).path
    page, _ = await page_of(pages.browser, path)
    assert f'data-url="{PORTAL_URL}/welcome/:token"' in page
    reply = await mailed_reply(portal.database, "ann@customer.test")
    token = OptOutLinks(portal.settings.keys).token(reply.recipients[0].id)
    page, policy = await page_of(pages.browser, f"/privacy/{token}")
    assert ("<script" in page, "connect-src" in policy) == (False, False)
    await pages.set(page_proxy=False)
    assert "manual.js" not in (await page_of(pages.browser, path))[0], "whoever has the address needs nothing else"


async def test_the_portals_own_script_is_kept_by_browsers_while_it_is_the_same(pages: Pages) -> None:
    response = await get(pages.browser, f"/pages/setup.js?v={routes.setup_version()}")
    assert "immutable" in response.headers["Cache-Control"]
    assert response.mimetype == "text/javascript"
    assert (await get(pages.browser, "/pages/setup.js?v=old")).headers["Cache-Control"] == "no-cache"


async def test_plausibles_script_is_fetched_once_and_kept_while_plausible_is_down(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = await asyncio.gather(*(get(pages.browser, "/js/pages.js") for _ in range(5)))
    assert {await response.get_data() for response in responses} == {MANUAL.encode()}
    assert responses[0].mimetype == "text/javascript"
    assert responses[0].headers["Cache-Control"] == "public, max-age=3600"
    assert len(pages.plausible.requests) == 1
    again = await get(pages.browser, "/js/pages.js", headers={"If-None-Match": responses[0].headers["ETag"]})
    assert again.status_code == 304
    monkeypatch.setattr(script_copy, "FRESH", 0.0)
    pages.plausible.down()
    for _ in range(3):
        assert await (await get(pages.browser, "/js/pages.js")).get_data() == MANUAL.encode()
    pages.plausible.up()
    monkeypatch.setattr(script_copy, "PAUSE", 0.0)
    await pages.set(page_script="pa-x1.js")
    assert b"transformRequest" in await (await get(pages.browser, "/js/pages.js")).get_data()


@pytest.mark.parametrize("fault", ["down", "status", "html", "redirect", "huge", "empty", "refused"])
async def test_what_is_no_script_is_never_given(
    pages: Pages, portal: Runtime, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = pages.plausible.faults
    if fault == "down":
        pages.plausible.down()
    elif fault == "refused":
        settings = portal.settings.model_copy(update={"outbound_allowed": []})
        monkeypatch.setattr(portal, "settings", settings)
    elif fault in {"status", "huge", "empty"}:
        body = {"huge": b" " * 300_000 + b";", "empty": b" \n", "status": b"let x;"}[fault]
        given = PlausibleAnswer(500 if fault == "status" else 200, body, scripts.KIND)
        monkeypatch.setattr(scripts, "answer", lambda path: given)
    elif fault == "redirect":
        faults.redirect(f"{pages.plausible.base_url}/js/pa-x.js", path="/js/script")
    else:
        faults.html(path="/js/")
    response = await get(pages.browser, "/js/pages.js")
    assert (response.status_code, await response.get_data()) == (503, b"")
    assert response.headers["Cache-Control"] == "no-store"
    assert len(pages.plausible.requests) <= 1
    assert (await get(pages.browser, "/js/pages.js")).status_code == 503
    assert len(pages.plausible.requests) <= 1, "asked again only after a while"


async def test_a_plausible_that_hangs_makes_nobody_wait(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_copy, "PATIENCE", 0.2)
    pages.plausible.faults.hang(path="/")
    began = time.monotonic()
    assert (await get(pages.browser, "/login")).status_code == 200
    assert (await get(pages.browser, "/js/pages.js")).status_code == 503
    assert all([(await pages.send()).status_code == 202 for _ in range(10)])
    assert time.monotonic() - began < 2


async def test_a_visit_is_passed_on_without_anything_of_the_visitor_but_a_code_of_the_day(pages: Pages) -> None:
    before = counted("accepted")
    given = {**VIEW, "r": "https://mail.example.org/inbox/4711", "p": {"email": "ann@customer.test"}}
    response = await pages.send(given, Cookie="myportal=CANARY", Referer=f"{PORTAL_URL}/login?next=/tickets/4711")
    assert (response.status_code, await response.get_data()) == (202, b"ok")
    await until(lambda: pages.plausible.events)
    [event] = pages.plausible.events
    assert (event.name, event.url, event.domain) == ("pageview", f"{PORTAL_URL}/login", SITE)
    assert event.referrer == "https://mail.example.org/"
    assert event.user_agent == FIREFOX
    assert event.client_ip.startswith("10.")
    raw = event.request.raw
    assert not [word for word in (b"4711", b"ann@", b"CANARY", b"ookie", READER.encode()) if word in raw]
    await until(lambda: counted("accepted") == before + 1)
    await pages.set(visitor_mode="real", ip_mode="full")
    await pages.send(X_Forwarded_For="203.0.113.99")
    await until(lambda: len(pages.plausible.events) == 2)
    assert pages.plausible.events[1].client_ip == READER, "no proxy of ours said the other one"


async def test_what_no_page_of_ours_sends_is_refused_and_goes_nowhere(pages: Pages) -> None:
    ticket = {**VIEW, "u": f"{PORTAL_URL}/tickets/:id"}
    foreign = {**VIEW, "d": "evil.example"}
    for response, status in (
        (await pages.send(foreign), 400),
        (await pages.send({**VIEW, "u": f"{PORTAL_URL}/tickets/4711"}), 400),
        (await pages.send({**VIEW, "u": "https://evil.example/login"}), 400),
        (await pages.send(ticket), 400),
        (await pages.send(b"x" * 9000), 413),
        (await pages.send(Content_Type="application/x-www-form-urlencoded"), 415),
        (await pages.send(Origin="https://evil.example"), 403),
        (await pages.send(Origin="null"), 403),
        (await get(pages.browser, "/js/script.manual.js"), 303),
        (await get(pages.browser, "/api/event"), 405),
    ):
        assert response.status_code == status, await response.get_data(as_text=True)
    assert json.loads(await (await pages.send(foreign)).get_data())["error"]["message"] == (
        "The event cannot be passed on: d must be the site of this portal."
    )
    assert (await pages.send(Sec_GPC="1")).status_code == 202
    await pages.set(page_analytics="all")
    assert (await pages.send(ticket)).status_code == 202
    await until(lambda: pages.plausible.events)
    await asyncio.sleep(0.05)
    assert [event.pathname for event in pages.plausible.events] == ["/tickets/:id"]
    assert len(pages.came) == 1


async def test_one_address_may_send_so_many_and_too_many_at_once_are_dropped(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.plausible.faults.hang(path="/")
    before = counted("overload")
    answers = [
        (await pages.send(address=f"198.51.100.{n % 250}")).status_code for n in range(forwarder.MOST_WAITING + 20)
    ]
    assert set(answers) == {202}
    assert counted("overload") - before >= 20 - forwarder.LANES
    late = counted("late")
    monkeypatch.setattr(forwarder, "LATEST", 0.0)
    pages.plausible.faults.clear()
    await until(lambda: counted("late") - late >= 100)
    monkeypatch.setattr(forwarder, "LATEST", 30.0)
    answers = [(await pages.send(address="203.0.113.5")).status_code for _ in range(routes.MOST_PER_ADDRESS + 2)]
    assert answers[-2:] == [429, 429]
    assert answers.count(429) == 2


async def test_a_plausible_that_fails_loses_visits_and_says_so(pages: Pages) -> None:
    for fault, outcome in (("down", "failed"), ("drop", "dropped"), ("redirect", "failed")):
        before = counted(outcome)
        if fault == "down":
            pages.plausible.down()
        elif fault == "drop":
            pages.plausible.up()
            pages.plausible.site.locked = True
        else:
            pages.plausible.faults.redirect(f"{pages.plausible.base_url}/elsewhere")
        assert (await pages.send()).status_code == 202
        await until(lambda outcome=outcome, before=before: counted(outcome) == before + 1)  # type: ignore[misc]
    assert not [request for request in pages.plausible.requests if request.path == "/elsewhere"]
