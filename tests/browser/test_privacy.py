"""The pages about privacy in a browser: readable on a phone and in the dark, and they do what they say."""

from __future__ import annotations

import asyncio
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.database import Database, utcnow
from app.settings import read_running
from tests.support.demo import Demo
from tools.screenshots import log_in

EMAIL = "quirina.zabelthau.with-a-long-name@customers.of.a.distant.example"


@pytest.fixture(scope="module")
def quirina(demo: Demo) -> str:
    """The path of a contact's page."""
    with ThreadPoolExecutor(1) as pool:
        contact_id = pool.submit(asyncio.run, _add(demo.var)).result()
    return f"/contacts/{contact_id}"


async def _add(var: Path) -> int:
    database = Database(str(read_running(var)["database_url"]))
    async with database.transaction() as conn:
        values = {"email": EMAIL, "now": utcnow()}
        contact_id = await conn.insert(
            "INSERT INTO contacts (name, email, notes, created_at, updated_at) "
            "VALUES ('Quirina Zabelthau', %(email)s, '=tea', %(now)s, %(now)s)",
            values,
        )
        await conn.execute(
            "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%(email)s, %(id)s, %(now)s)",
            {**values, "id": contact_id},
        )
    await database.close()
    return contact_id


def _problems(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found] + (
        [f"{wider} px too wide"] if wider > 0 else []
    )


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    browser: Browser, demo: Demo, quirina: str, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    log_in(page, demo)
    problems = []
    for path in ("/admin", "/admin/privacy", quirina, f"{quirina}/erase"):
        page.goto(demo.url + path)
        problems += [f"{path}: {one}" for one in _problems(page)]
    page.get_by_role("button", name="Erase for good").click()
    page.locator("[name=confirm]").evaluate("field => field.required = false")
    page.get_by_role("button", name="Erase for good").click()
    page.wait_for_selector(".error-summary")
    problems += [f"refused: {one}" for one in _problems(page)]
    context.close()
    assert problems == []


def test_the_text_is_copied(ada: Page, demo: Demo) -> None:
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.goto(demo.url + "/admin/privacy")
    ada.get_by_role("button", name="Copy").click()
    expect(ada.get_by_role("button", name="Copied")).to_be_visible()
    text = ada.evaluate("navigator.clipboard.readText()")
    assert "Whether our mails are read" in text
    with ada.expect_download() as download:
        ada.get_by_role("link", name="Download as text").click()
    assert Path(download.value.path()).read_text().strip() == text.replace("\r\n", "\n").strip()


def test_a_contact_is_exported_and_then_erased_by_the_worker(ada: Page, demo: Demo, quirina: str) -> None:
    ada.goto(demo.url + quirina)
    with ada.expect_download() as download:
        ada.get_by_role("button", name="Export data").click()
    with zipfile.ZipFile(download.value.path()) as zipped:
        assert EMAIL in zipped.read("data.json").decode()
    ada.get_by_role("link", name="Erase…").click()
    ada.get_by_label("To confirm, type").fill(EMAIL)
    ada.get_by_role("button", name="Erase for good").click()
    ada.wait_for_selector(".step-done >> nth=1", timeout=30_000)
    expect(ada.get_by_role("heading", name="Erased", exact=True)).to_be_visible()
    ada.goto(demo.url + "/contacts?q=quirina")
    expect(ada.get_by_text("Nobody found")).to_be_visible()
