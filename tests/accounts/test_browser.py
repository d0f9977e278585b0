"""The pages of accounts in a real browser: axe finds nothing, they fit small screens, and work without scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from app.accounts import admin as administration
from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import PASSWORD
from tests.look.test_access import AXE_OPTIONS
from tests.support.chromium import AFTER_ITS_SCRIPTS, ARGUMENTS, chromium_path
from tests.support.serving import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium_path() is None, reason="needs Chromium; `make test` installs it"),
]

NEW = "four words in a row"
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 5


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield chromium
        await chromium.close()


async def log_in(page: Page, url: str, email: str, password: str = PASSWORD) -> None:
    """By keyboard, as the page suggests."""
    await page.goto(f"{url}/login?next=/profile")
    await page.get_by_label("Email").fill(email)
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{url}/profile")


async def faults(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than the screen."""
    found = (await Axe().run(page, options=AXE_OPTIONS)).response["violations"]
    wide = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] + ["wide"] * wide


async def fill(settings: Settings, admin: User, agent: User) -> None:
    """Users in every state, tokens, sessions, and names that are long or right-to-left."""
    await administration.invite(by=admin, email="ivy@portal.test", name="איבי המוזמנת", role="agent")
    gone = await accounts.create_user(email=f"{'x' * 60}@portal.test", name=LONG, role="agent", password=PASSWORD)
    await administration.disable(by=admin, user_id=gone)
    await administration.change(by=admin, user_id=agent.id, name=LONG, role="agent")
    await profile.change(admin, name=admin.name, signature="Ada\n+49 30 1234", timezone="Asia/Kolkata")
    await profile.create_api_token(admin, name="Nightly report")
    await accounts.start_session(admin, address="2001:db8:1:2:3:4:5:6", user_agent="Firefox/140.0 (X11; Linux)")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
async def test_everybody_can_use_the_pages(
    settings: Settings, admin: User, agent: User, width: int, scheme: str
) -> None:
    await fill(settings, admin, agent)
    async with served(settings) as url, browser() as chromium:
        page = await chromium.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        await page.add_init_script(AFTER_ITS_SCRIPTS)
        wrong: dict[str, list[str]] = {}
        await page.goto(f"{url}/login")
        wrong["login"] = await faults(page)
        await log_in(page, url, admin.email)
        for path in (
            "/profile",
            "/admin",
            "/admin/users",
            "/admin/users/new",
            f"/admin/users/{agent.id}",
            "/admin/audit",
        ):
            await page.goto(url + path)
            wrong[path] = await faults(page)
        await page.goto(f"{url}/admin/users/new")
        await page.get_by_label("Email").fill("ada@portal.test")
        await page.get_by_role("button", name="Make the invitation").click()
        await expect(page.locator(".error-summary")).to_contain_text("There is already a user")
        wrong["refused invitation"] = await faults(page)
        await page.goto(f"{url}/admin/users/{agent.id}")
        await page.get_by_role("button", name="Reset password").click()
        link = await page.get_by_label(re.compile("^Link for")).input_value()
        wrong["link"] = await faults(page)
        await page.context.clear_cookies()
        await page.goto(link)
        wrong["welcome"] = await faults(page)
    assert {name: found for name, found in wrong.items() if found} == {}


async def test_a_person_is_invited_and_starts(settings: Settings, runtime: Runtime, admin: User) -> None:
    async with served(settings) as url, browser() as chromium:
        page = await chromium.new_page()
        await page.add_init_script(AFTER_ITS_SCRIPTS)
        await log_in(page, url, admin.email)
        await page.goto(f"{url}/admin/users")
        await page.get_by_role("link", name="Invite a user").click()
        await page.get_by_label("Email").fill("ivy@portal.test")
        await page.get_by_label("Agent").check()
        await page.get_by_role("button", name="Make the invitation").click()
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.get_by_role("button", name="Copy").click()
        await expect(page.get_by_role("button", name="Copied")).to_be_visible()
        link = await page.evaluate("navigator.clipboard.readText()")
        assert link.startswith(f"{url}/welcome/")

        stranger = await (await chromium.new_context(java_script_enabled=False)).new_page()
        await stranger.goto(link)
        await stranger.get_by_label("Name").fill("Ivy Invited")
        await stranger.get_by_label("Password").fill(NEW)
        await stranger.get_by_label("The same again").fill(NEW)
        await stranger.get_by_role("button", name="Start").click()
        await stranger.goto(f"{url}/profile")
        await expect(stranger.get_by_label("Name", exact=True)).to_have_value("Ivy Invited")
    [ivy] = [user for user in await accounts.list_users() if user.email == "ivy@portal.test"]
    assert ivy.state == "active"
