"""The page about machines in a browser: readable on a phone, in the dark, and without scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.database import Database, utcnow
from app.settings import read_running
from tests.browser.problems import problems_of
from tests.support.demo import Demo, running_demo
from tools.screenshots import log_in

PATH = "/admin/modules/plausible/machines"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo portal in which something was counted."""
    var = tmp_path_factory.mktemp("machines") / "var"
    with running_demo(var) as demo, ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _count(var)).result()
        yield demo


async def _count(var: Path) -> None:
    database = Database(str(read_running(var)["database_url"]))
    today = utcnow().date()
    rows = [(today, "open", "human", "browser", 15, 61), (today, "open", "scanner", "burst", 15, 1_000_039)]
    async with database.transaction() as conn:
        await conn.execute_many(
            "INSERT INTO email_tracking_daily (day, event_type, class, rule, shard, events) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE events = VALUES(events)",
            rows,
        )
    await database.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    browser: Browser, counted: Demo, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    log_in(page, counted)
    problems = []
    for address, waits_for in (("172.225.1.2", "#result"), ("172.225.1", ".error-summary")):
        page.goto(counted.url + PATH)
        page.get_by_label("User agent").fill("Mozilla/5.0")
        page.get_by_label("Address").fill(address)
        page.get_by_role("button", name="Show the verdict").click()
        page.wait_for_selector(waits_for)
        problems += problems_of(page)
    context.close()
    assert problems == []


def test_no_two_figures_of_a_chart_touch_on_a_phone(browser: Browser, counted: Demo) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 900})
    page = context.new_page()
    log_in(page, counted)
    page.goto(counted.url + PATH)
    touching = page.evaluate("""() => [...document.querySelectorAll('.chart-picture')].flatMap(svg =>
        ['.chart-figure', '.chart-tick'].flatMap(kind => {
            const boxes = [...svg.querySelectorAll(kind)].map(one => one.getBoundingClientRect());
            return boxes.slice(1).filter((box, place) => box.left < boxes[place].right);
        })).length""")
    bars = page.locator(".chart-picture rect").count()
    context.close()
    assert (touching, bars > 0) == (0, True)


def test_it_works_without_scripts(browser: Browser, counted: Demo) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, counted)
    page.goto(counted.url + PATH)
    page.get_by_label("User agent").fill("Barracuda Sentinel (EE)")
    page.get_by_role("button", name="Show the verdict").click()
    assert "A scanner, 95% sure" in page.locator("#result").inner_text()
    page.get_by_role("link", name="7 days").click()
    assert "1,000,039" in page.locator("#rule-burst").inner_text()
    context.close()
