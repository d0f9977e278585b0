"""One Chromium for the folder; a server and a page of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.browser_static.site import EDITOR, Site, serving
from tests.support.chromium import ARGUMENTS, chromium_path


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    path = chromium_path()
    if path is None:
        pytest.skip("there is no chromium: apt-get install chromium-headless-shell")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def site() -> AsyncIterator[Site]:
    """The server of this test."""
    async with serving(Site()) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="package")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own: storage, clipboard permission, English."""
    context = await chromium.new_context(
        permissions=["clipboard-read", "clipboard-write"], locale="en-GB", timezone_id="UTC"
    )
    context.set_default_timeout(10_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="package")
async def page(context: BrowserContext, site: Site) -> AsyncIterator[Page]:
    """A page; the test fails when a script on it raised or the content security policy was broken."""
    page = await context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    # Chromium may hang when it is told to close a page in the middle of a navigation.
    await page.wait_for_load_state()
    await page.close()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="package")
async def lawless_page(chromium: Browser, site: Site) -> AsyncIterator[Page]:
    """A page without the protection of its content security policy: what the scripts do must be safe alone."""
    context = await chromium.new_context(bypass_csp=True, locale="en-GB")
    context.set_default_timeout(10_000)
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_page(chromium: Browser) -> AsyncIterator[Page]:
    """One page with an editor for the many cases that differ only in what they put into it.

    It has no content security policy: what the scripts let in must be harmless without.
    """
    async with serving(Site()) as site:
        context = await chromium.new_context(bypass_csp=True, locale="en-GB")
        context.set_default_timeout(10_000)
        page = await context.new_page()
        site.body = f"<form>{EDITOR.format(text='')}</form>"
        await page.goto(f"{site.url}/tickets/1")
        yield page
        await context.close()


@pytest_asyncio.fixture(loop_scope="package")
async def fresh_page(shared_page: Page) -> Page:
    """The shared page, its editor empty and without a past."""
    await shared_page.evaluate(
        """() => {
            const { editor } = document.querySelector('textarea');
            editor.setHtml('');
            editor.history.reset();
            delete window.hacked;
        }"""
    )
    return shared_page
