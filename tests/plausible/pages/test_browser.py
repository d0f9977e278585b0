"""Plausible's script in a real browser: it runs under the page's policy, and nothing that it sends names a ticket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product

import pytest
from playwright.async_api import Browser, Page, Request, Route, async_playwright

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from app.web.access import session_cookie
from tests.plausible.pages.conftest import FIREFOX, SITE, until
from tests.receipts.builders import mailed_reply
from tests.support.chromium import ARGUMENTS, chromium_path
from tests.support.plausible import PlausibleServer
from tests.support.serving import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="needs Chromium; `make test` installs it"),
]

COOKIE = "myportal"
NUMBER = 86_753_091
"""Of the ticket: nothing else has these digits."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The portal may call the stand-in."""
    return settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]})


@pytest.fixture
async def ticket(db: Database) -> AsyncIterator[str]:
    """The path of a ticket whose number stands out."""
    async with db.connection() as conn:
        await conn.execute(f"ALTER TABLE tickets AUTO_INCREMENT = {NUMBER}")
    await mailed_reply(db, "ann@customer.test")
    yield f"/tickets/{NUMBER}"
    async with db.connection() as conn:
        await conn.execute("SET SESSION foreign_key_checks = 0")
        await conn.execute("DELETE FROM tickets")
        await conn.execute("ALTER TABLE tickets AUTO_INCREMENT = 1")


@dataclass
class Seen:
    """What a browser complained of, and whom it talked to."""

    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request))


async def set_up(plausible: PlausibleServer, **values: object) -> None:
    """Save settings, and give the other process the time in which it notices."""
    given = {"base_url": plausible.base_url, "site_domain": SITE, "page_analytics": "all", **values}
    await modules.save("plausible", given, user=None)
    await asyncio.sleep(1.3)


async def late(route: Route) -> None:
    await asyncio.sleep(0.2)
    await route.continue_()


@dataclass
class Tour:
    """Browsers that look at pages of a portal, and what Plausible got of it."""

    browser: Browser
    url: str
    cookie: str
    plausible: PlausibleServer
    seen: Seen = field(default_factory=Seen)

    @property
    def views(self) -> list[str]:
        """The pages that Plausible was told of."""
        return [event.url for event in self.plausible.events if event.name == "pageview"]

    def start(self) -> None:
        """Forget what was before."""
        self.plausible.events.clear()
        self.plausible.requests.clear()
        self.seen = Seen()

    async def agent(self, ticket: str) -> None:
        """Look at a ticket, follow a link in it, and close the window."""
        context = await self.browser.new_context()
        await context.add_cookies([{"name": COOKIE, "value": self.cookie, "url": self.url}])
        page = await context.new_page()
        self.seen.watch(page)
        await page.goto(f"{self.url}{ticket}?from={NUMBER}#reply-{NUMBER}")
        await until(lambda: self.plausible.events)
        await page.locator(".side-person a").click()
        await page.wait_for_url("**/contacts/*")
        await until(lambda: len(self.views) == 2)
        await page.close()
        # What a page sends when it goes needs the rest of its browser a moment longer.
        await until(lambda: len(self.plausible.events) == 4)
        await context.close()

    async def stranger(self, ticket: str) -> None:
        """Look at the login; our own script comes after Plausible's."""
        context = await self.browser.new_context()
        page = await context.new_page()
        self.seen.watch(page)
        await page.route("**/pages/setup.js*", late)
        await page.goto(f"{self.url}/login?next={ticket}")
        await until(lambda: self.views)
        await page.unroute("**/pages/setup.js*")
        await context.close()

    async def unwilling(self) -> None:
        """Look at it with a browser that says only to scripts that it wants no tracking."""
        context = await self.browser.new_context()
        await context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        page = await context.new_page()
        self.seen.watch(page)
        await page.goto(f"{self.url}/login", wait_until="networkidle")
        await context.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's, under another name: Plausible drops what calls itself headless."""
    async with async_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--user-agent={FIREFOX}"]
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield browser
        await browser.close()


async def test_no_ticket_number_leaves_the_portal_by_either_way_and_either_script(
    settings: Settings, runtime: Runtime, admin: User, ticket: str
) -> None:
    await modules.set_enabled("plausible", enabled=True, user=None)
    assert session_cookie(settings) == COOKIE
    cookie = await accounts.start_session(admin, address="127.0.0.1", user_agent=FIREFOX)
    async with PlausibleServer(edition="ce", site=SITE) as server, served(settings) as url, chromium() as browser:
        tour = Tour(browser, url, cookie, server)
        portal, plausible = url.split("/")[2], server.base_url.split("/")[2]
        for proxy, script in product((True, False), ("script.manual.js", "pa-x1.js")):
            await set_up(server, page_proxy=proxy, page_script=script)
            tour.start()
            await tour.agent(ticket)
            assert tour.seen.complaints == []
            assert tour.views == [f"{url}/tickets/:id", f"{url}/contacts/:id"]
            assert {event.url for event in server.events} == set(tour.views)
            assert {event.referrer for event in server.events} == {None}
            for word in (str(NUMBER).encode(), b"ookie", b"ann@customer.test"):
                assert not [request for request in server.requests if word in request.raw]
            talked_to = {one.url.split("/")[2] for one in tour.seen.requests if one.url.startswith("http")}
            assert talked_to == ({portal} if proxy else {portal, plausible})
            if proxy:
                tour.start()
                await tour.stranger(ticket)
                if script.startswith("pa-"):
                    await tour.unwilling()
                assert tour.seen.complaints == []
                assert tour.views == [f"{url}/login"]
