"""The page of the sync in a browser: readable on a phone, in the dark, for a screen reader, and without scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.database import Database, utcnow
from app.settings import read_running
from tests.browser.problems import problems_of
from tests.support.demo import Demo, running_demo
from tests.support.plausible import PlausibleServer
from tools.screenshots import log_in

PATH = "/admin/modules/plausible/sync"
SETTINGS = "/admin/modules/plausible"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo portal that sent something some days ago."""
    var = tmp_path_factory.mktemp("sync") / "var"
    allowed = {"OUTBOUND_ALLOWED": "127.0.0.1"}
    with running_demo(var, env=allowed) as demo, ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _account(var)).result()
        yield demo


async def _account(var: Path) -> None:
    database = Database(str(read_running(var)["database_url"]))
    now = utcnow()
    rows = [
        ((now - timedelta(days=back)).date(), "email_open", outcome, 1_000_000 + back, words, now)
        for back in range(3)
        for outcome, words in (("accepted", ""), ("rejected", "answered 400: " + "domain can't be blank; " * 8))
    ]
    async with database.transaction() as conn:
        await conn.execute_many(
            "INSERT INTO email_tracking_sync_days (day, name, outcome, events, words, last_at) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            rows,
        )
    await database.close()


@pytest.fixture(scope="module")
def instance() -> Iterator[PlausibleServer]:
    """A Plausible that counts nothing of it."""
    with PlausibleServer.in_thread(edition="ce", site="help.acme.example") as server:
        yield server


def test_it_refreshes_without_scripts_and_reads_well_everywhere(
    browser: Browser, sent: Demo, instance: PlausibleServer
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, sent)
    page.goto(sent.url + SETTINGS)
    page.get_by_label("Base URL").fill(instance.base_url)
    page.get_by_label("Site domain").fill("help.acme.example")
    page.get_by_label("API key").fill(instance.stats_key)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Sync to Plausible").click()
    assert "1,000,000" in page.locator("[data-outcome=accepted]").inner_text()
    page.get_by_role("button", name="Refresh").click()
    page.get_by_text("On 3 of 3 days Plausible counts something else").wait_for(timeout=20_000)
    assert instance.stats_key not in page.content()
    context.close()

    problems = []
    for scheme, width in (("light", 1280), ("dark", 360)):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = context.new_page()
        log_in(page, sent)
        page.goto(sent.url + PATH)
        problems += problems_of(page)
        context.close()
    assert problems == []
