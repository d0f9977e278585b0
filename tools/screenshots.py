"""Take the README's pictures, or with --all every page in three widths, light and dark, into screenshots/.

Starts a portal of its own with demo data in a temporary folder, on free ports.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support.chromium import launch
from tests.support.demo import Demo, running_demo

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


def log_in(page: Page, demo: Demo) -> None:
    """As Ada, the admin."""
    page.goto(f"{demo.url}/login")
    page.fill("input[name=email]", "ada@acme.example")
    page.fill("input[name=password]", "welcome-ada")
    page.click("main form button")
    page.wait_for_url(re.compile(r"/tickets"))


def pages(page: Page, demo: Demo) -> dict[str, str]:
    """Every page worth a look, by name."""
    page.goto(f"{demo.url}/tickets?view=all")
    ticket = page.locator("a[href^='/tickets/']:not([href$='/new'])").first.get_attribute("href") or ""
    page.goto(f"{demo.mailbox}/")
    mail = page.locator(".mail-list a").first.get_attribute("href") or "/"
    page.goto(f"{demo.url}/contacts")
    contact = page.locator("main a[href^='/contacts/']:not([href$='/new'])").first.get_attribute("href") or ""
    paths = {
        "tickets": "/tickets",
        "tickets-all": "/tickets?view=all",
        "tickets-none": "/tickets?q=nothingmatchesthis",
        "ticket": ticket,
        "ticket-new": "/tickets/new",
        "contacts": "/contacts",
        "contact": contact,
        "admin": "/admin",
        "users": "/admin/users",
        "audit": "/admin/audit",
        "departments": "/admin/departments",
        "department-new": "/admin/departments/new",
        "modules": "/admin/modules",
        "delivery-providers": "/admin/modules/delivery/providers",
        "delivery-provider": "/admin/modules/delivery/providers/ses",
        "module": "/admin/modules/plausible",
        "profile": "/profile",
        "notifications": "/notifications",
        "missing": "/nothing-here",
    }
    found = {name: demo.url + path for name, path in paths.items()}
    return {**found, "mailbox": f"{demo.mailbox}/", "mail": demo.mailbox + mail}


def take_all(demo: Demo, folder: Path, only: list[str]) -> None:
    """Every page at 360, 768 and 1280 pixels, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scheme in ("light", "dark"):
            for width in (1280, 768, 360):
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
                )
                page = context.new_page()
                page.goto(f"{demo.url}/login")
                page.screenshot(path=folder / f"login-{width}-{scheme}.png")
                log_in(page, demo)
                for name, url in pages(page, demo).items():
                    if only and name not in only:
                        continue
                    page.goto(url)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                context.close()
        browser.close()


def take_readme(demo: Demo) -> None:
    """The pictures in docs/images."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        log_in(page, demo)
        page.goto(f"{demo.url}/tickets?view=all")
        page.screenshot(path=IMAGES / "tickets.png")
        page.goto(f"{demo.url}/tickets?view=all&q=Webhook")
        page.locator("[data-row-link]").first.click()
        page.locator("button[data-receipt]").first.click()
        page.screenshot(path=IMAGES / "ticket.png")
        page.goto(f"{demo.url}/admin/modules/plausible")
        page.screenshot(path=IMAGES / "module.png")
        browser.close()


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--page", action="append", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as var, running_demo(Path(var)) as demo:
        if options.all:
            take_all(demo, options.out, options.page)
        else:
            take_readme(demo)


if __name__ == "__main__":
    main()
