"""Render the gallery of the visual language and photograph it.

    python -m tools.style_preview --out screenshots/look [--page ticket] [--width 360] [--theme dark]

Writes one HTML file per page and one PNG per page, width and theme. `--open receipt-m2` opens a
popover before the picture is taken, `--touch` plays a telephone. Needs no app and no database.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.look.browser import ORIGIN, serve
from tests.look.gallery import PAGES, render
from tests.support.chromium import launch


def photograph(page: Page, name: str, file: Path, opened: str, whole: bool) -> None:
    """Load a page of the gallery and save a picture of all of it, or of what the window shows."""
    page.goto(f"{ORIGIN}/{name}")
    if opened:
        page.locator(f'[popovertarget="{opened}"]').first.click()
    page.screenshot(path=file, full_page=whole)


def main() -> None:
    """Read the command line, write the pages and their pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("screenshots/look"))
    parser.add_argument("--page", action="append", choices=PAGES)
    parser.add_argument("--width", action="append", type=int)
    parser.add_argument("--theme", action="append", choices=["light", "dark"])
    parser.add_argument("--touch", action="store_true", help="a coarse pointer, as on a telephone")
    parser.add_argument("--open", default="", help="id of a popover to open first")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    with sync_playwright() as playwright:
        browser = launch(playwright)
        for theme in options.theme or ["light", "dark"]:
            for width in options.width or [360, 768, 1280]:
                # A picture of a whole page forgets the coarse pointer, so a tall window stands in for it.
                height = 2000 if options.touch and not options.open else 800
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    has_touch=options.touch,
                    is_mobile=options.touch,
                )
                page.route("**/*", serve(theme))
                for name in options.page or PAGES:
                    (options.out / f"{name}.html").write_text(render(name, theme), encoding="utf-8")
                    file = options.out / f"{name}-{width}-{theme}.png"
                    photograph(page, name, file, options.open, whole=not options.open and not options.touch)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
