"""Everybody can write: axe on the composer with everything open, in both colour schemes and on a small screen."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser_static.site import Site
from tests.browser_static.test_composer import COMPOSER
from tests.browser_static.test_live import message
from tests.look.test_access import AXE_OPTIONS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

DRAFT = (
    "&lt;p&gt;See &lt;a href='https://example.org'&gt;this&lt;/a&gt;, &lt;code&gt;x&lt;/code&gt;&lt;/p&gt;"
    "&lt;blockquote&gt;&lt;p&gt;quote&lt;/p&gt;&lt;/blockquote&gt;&lt;pre&gt;code&lt;/pre&gt;"
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
@pytest.mark.parametrize("kind", ["Reply", "Internal note"])
async def test_axe_finds_nothing(lawless_page: Page, site: Site, scheme: Any, width: int, kind: str) -> None:
    page = lawless_page
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 900})
    site.body = "<h1>Printer on fire</h1>" + COMPOSER.format(draft=DRAFT, cc="", attributes='data-max-file-bytes="9"')
    site.body_attributes = 'data-live-topics="ticket:1"'
    await page.goto(f"{site.url}/tickets/1")
    await page.evaluate(
        """localStorage.setItem('portal-draft:7:/tickets/1/draft:offered',
            JSON.stringify({body: 'body_html=old', at: Date.now(), submitted: false}))"""
    )
    await page.reload()
    await page.get_by_label(kind, exact=True).check()
    await page.set_input_files("[data-attachments]", {"name": "a.bin", "mimeType": "x/y", "buffer": b"x" * 10})
    await page.locator(".editor-tool[data-command=link]").click()
    await page.keyboard.type("ftp://x")
    await page.keyboard.press("Enter")
    await expect(page.locator("body")).to_have_attribute("data-live-state", "stream")
    site.push(**message(7, ticket_id=1))
    for shown in (".draft-offer", ".editor-link-error", ".attachment-warning", ".live-bar"):
        await expect(page.locator(shown)).to_be_visible()

    response: dict[str, Any] = (await Axe().run(page, options=AXE_OPTIONS)).response

    found = [
        f"{rule['id']}: {node['html'][:120]} | {node['failureSummary'][:160]}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]
    assert found == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
