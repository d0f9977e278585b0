"""The tracking preview in a real browser: usable by everybody, and its frame loads and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.problems import problems_of
from tests.support.demo import Demo
from tools.screenshots import log_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MAIL = """<!doctype html><html><head><title>x</title><style>p { color: rgb(1, 2, 3) }
@import url(https://elsewhere.invalid/a.css);</style>
<meta http-equiv="refresh" content="0;url=https://elsewhere.invalid/gone">
<link rel="stylesheet" href="https://elsewhere.invalid/b.css"></head>
<body><p id="words" style="font-weight: 700">Hello <a href="https://example.org/guide?long=%s">guide</a></p>
<script>document.getElementById("words").textContent = "ran"</script>
<img src="https://elsewhere.invalid/x.png" alt=""><form action="https://elsewhere.invalid/"><button>Send</button></form>
<a href="https://b.test/">https://b.test/</a> <a href="mailto:a@b.test">write</a></body></html>""" % ("x" * 400)


def show(page: Page, demo: Demo, html: str) -> None:
    page.goto(f"{demo.url}/plausible/preview")
    page.get_by_label("HTML of the mail").fill(html)
    page.get_by_role("button", name="Show what happens").click()
    page.wait_for_selector("#result")


def test_the_frame_shows_the_mail_as_designed_and_asks_nobody_for_anything(ada: Page, demo: Demo) -> None:
    # The browser's own list of requests holds some that the policy stopped and misses some that left: a sandboxed
    # frame is another process. So a server counts, and the pixel, which is the portal's, must not become a picture.
    with listening() as (elsewhere, asked):
        show(ada, demo, MAIL.replace("https://elsewhere.invalid", elsewhere))
        see_the_mail(ada)

        assert asked == []
        pictures = ada.frames[-1].evaluate("[...document.images].map(i => [i.src.split('/')[2], i.naturalWidth])")
        assert pictures == [[urlsplit(elsewhere).netloc, 0], [urlsplit(demo.url).netloc, 0]]
    expect(ada.get_by_text("1 of 3 links would be tracked.")).to_be_visible()


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback: its address, and the paths that it was asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def see_the_mail(ada: Page) -> None:
    """Wait until the frame shows the words as the mail's own styles say, and has all that it will have."""
    words = ada.frame_locator("iframe").locator("#words")
    words.wait_for()
    assert words.inner_text() == "Hello guide"
    assert words.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).fontWeight]") == [
        "rgb(1, 2, 3)",
        "700",
    ]
    ada.wait_for_load_state("networkidle")
    ada.frames[-1].wait_for_function("document.readyState == 'complete' && [...document.images].every(i => i.complete)")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(browser: Browser, demo: Demo, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    log_in(page, demo)
    problems = []
    for html in (MAIL, "   "):
        page.goto(f"{demo.url}/plausible/preview")
        problems += problems_of(page, iframes=False)
        page.get_by_label("HTML of the mail").fill(html)
        page.get_by_role("button", name="Show what happens").click()
        page.wait_for_selector("#result, .error-summary")
        for summary in page.locator("main summary").all():
            summary.click()
        problems += problems_of(page, iframes=False)
    context.close()
    assert problems == []
