"""The self-test's step about the script for pages."""

from __future__ import annotations

from typing import Any

from app.runtime import Runtime
from plugins.plausible.pages.check import SCRIPT, script_steps
from plugins.plausible.settings import PlausibleSettings
from tests.plausible.pages.conftest import SITE, Pages


async def test_it_says_whether_there_is_a_script_of_this_site_that_some_page_carries(
    pages: Pages, portal: Runtime
) -> None:
    async def words(portal_url: str = "http://portal.test", **values: Any) -> tuple[bool, str] | None:
        given = {"page_analytics": "all", "site_domain": SITE, "base_url": pages.plausible.base_url, **values}
        found = await script_steps(PlausibleSettings(**given), portal_url)
        return (found[0].ok, found[0].message) if found else None

    assert await words(page_analytics="off") is None
    assert await words() == (True, f"{pages.plausible.base_url}/js/script.manual.js is there")
    ok, message = await words(page_script="pa-x1.js") or (False, "")
    assert ok, message
    ok, message = await words(page_script="pa-x1.js", site_domain="other.example.com") or (True, "")
    assert (ok, "is not made for other.example.com" in message) == (False, True)
    ok, message = await words(page_analytics="customers", page_proxy=False) or (True, "")
    assert (ok, "no page of the portal for customers" in message) == (False, True)
    ok, message = await words("https://portal.test", page_proxy=False) or (True, "")
    assert (ok, "no browser loads" in message) == (False, True)
    pages.plausible.faults.html(path="/js/")
    ok, message = await words() or (True, "")
    assert (ok, "text/html, which is no script" in message) == (False, True)
    pages.plausible.down()
    ok, _ = await words() or (True, "")
    assert not ok


async def test_the_self_test_has_the_step_while_visits_are_counted(pages: Pages, portal: Runtime) -> None:
    async def names() -> list[str]:
        return [step.name for step in await portal.plugins.check("plausible", thorough=True) if step.ok]

    assert SCRIPT in await names()
    await pages.set(page_analytics="off")
    assert SCRIPT not in await names()
