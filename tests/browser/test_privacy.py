"""The pages about privacy in a browser: readable on a phone and in the dark, and they do what they say."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.problems import problems_of
from tests.support.demo import Demo
from tools.screenshots import log_in

EMAIL = "quirina.zabelthau.with-a-long-name@customers.of.a.distant.example"


@pytest.fixture(scope="module")
def quirina(browser: Browser, demo: Demo) -> str:
    """The path of a contact's page, who has a ticket."""
    context = browser.new_context()
    page = context.new_page()
    log_in(page, demo)
    page.goto(f"{demo.url}/tickets/new")
    page.get_by_label("Contact", exact=True).fill(f"Quirina Zabelthau <{EMAIL}>")
    page.get_by_label("Subject").fill("Quirina's matter")
    page.locator(".editor-body").fill("Dear Quirina")
    page.get_by_role("button", name="Open ticket").click()
    page.wait_for_url(re.compile(r"/tickets/\d+"))
    page.goto(f"{demo.url}/contacts?q=quirina")
    path = page.get_by_role("link", name="Quirina Zabelthau").get_attribute("href")
    context.close()
    assert path
    return path


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
        problems += [f"{path}: {one}" for one in problems_of(page)]
    page.get_by_role("button", name="Erase for good").click()
    page.locator("[name=confirm]").evaluate("field => field.required = false")
    page.get_by_role("button", name="Erase for good").click()
    page.wait_for_selector(".error-summary")
    problems += [f"refused: {one}" for one in problems_of(page)]
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
