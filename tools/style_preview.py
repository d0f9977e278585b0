"""Render the gallery of the visual language and photograph it.

    python -m tools.style_preview --out screenshots/look [--page ticket] [--width 360] [--theme dark]

Writes `<page>.html` (self-contained enough to open beside `app/static`) and one PNG per page, width
and theme. `--open receipt-m2` opens a popover before the picture is taken. Needs no app, no database.
"""

import argparse
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, Route, sync_playwright

from tests.look.gallery import PAGES, STATIC, render

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ORIGIN = "http://portal.test"
# The policy that the app sends with its pages; the gallery has to live with it too.
POLICY = (
    "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'"
)
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def answer(theme: str, route: Route) -> None:
    """Answer one request of the browser from the gallery and the static files."""
    path = route.request.url.removeprefix(ORIGIN).partition("?")[0].strip("/")
    if path.startswith("static/"):
        file = STATIC / path.removeprefix("static/")
        route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])
    elif path in PAGES:
        route.fulfill(
            body=render(path, theme),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": POLICY, "Content-Type": "text/html; charset=utf-8"},
        )
    else:
        route.fulfill(status=404, body="")


def photograph(page: Page, name: str, file: Path, opened: str) -> None:
    """Load a page of the gallery and save a picture of all of it."""
    page.goto(f"{ORIGIN}/{name}")
    if opened:
        page.locator(f'[popovertarget="{opened}"]').first.click()
        page.wait_for_timeout(200)
    page.screenshot(path=file, full_page=not opened)


def main() -> None:
    """Read the command line, write the pages and their pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("screenshots/look"))
    parser.add_argument("--page", action="append", choices=PAGES)
    parser.add_argument("--width", action="append", type=int)
    parser.add_argument("--theme", action="append", choices=["light", "dark"])
    parser.add_argument("--open", default="", help="id of a popover to open first")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for theme in options.theme or ["light", "dark"]:
            for width in options.width or [360, 768, 1280]:
                page = browser.new_page(viewport={"width": width, "height": 800})
                page.route("**/*", partial(answer, theme))
                for name in options.page or PAGES:
                    (options.out / f"{name}.html").write_text(render(name, theme), encoding="utf-8")
                    photograph(page, name, options.out / f"{name}-{width}-{theme}.png", options.open)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
