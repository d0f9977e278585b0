"""Everybody can use the pages: axe, reflow, targets, in both schemes and on small screens."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from .conftest import OpenPage
from .gallery import PAGES

pytestmark = pytest.mark.browser

AXE_OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
}

# Whether a press this far from the middle of a control still reaches it, in every direction.
REACHES = """([element, half]) => {
  element.scrollIntoView({block: "center", inline: "center"});
  const box = element.getBoundingClientRect();
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  return [[0, -half], [0, half], [-half, 0], [half, 0]].every(([dx, dy]) => {
    const hit = document.elementFromPoint(x + dx, y + dy);
    return hit !== null && (element.contains(hit) || (hit.closest("label") !== null
      && element.id !== "" && hit.closest("label").htmlFor === element.id));
  });
}"""


def violations(page: Page) -> list[str]:
    """Run axe over a page; one line per rule and element that breaks it."""
    response: dict[str, Any] = Axe().run(page, options=AXE_OPTIONS).response
    return [
        f"{rule['id']}: {node['html'][:120]} | {node['failureSummary'][:160]}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_page: OpenPage, name: str, theme: str, width: int) -> None:
    assert violations(open_page(name, theme=theme, width=width)) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("panel", ["receipt-m2", "user-menu", "m1-facts"])
def test_axe_finds_nothing_in_an_open_popover(open_page: OpenPage, panel: str, theme: str) -> None:
    page = open_page("ticket", theme=theme)
    page.locator(f'[popovertarget="{panel}"]').first.click()

    assert page.locator(f"#{panel}").is_visible()
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(open_page: OpenPage, name: str) -> None:
    page = open_page(name)

    for width in (1280, 1023, 768, 719, 360, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("touch", "least"), [(False, 24), (True, 44)], ids=["mouse", "touch"])
@pytest.mark.parametrize("name", ["ticket", "tickets", "module_form", "modules", "login"])
def test_controls_are_large_enough_to_hit(open_page: OpenPage, name: str, touch: bool, least: int) -> None:
    page = open_page(name, touch=touch, width=400 if touch else 1280)

    controls = page.locator("button:visible, summary:visible, .button:visible, .chip:visible, .rail a")
    assert controls.count() > 0
    missed = [
        control.evaluate("element => element.outerHTML.slice(0, 100)")
        for control in controls.all()
        if not control.evaluate(f"element => ({REACHES})([element, {least / 2 - 1}])")
    ]
    assert missed == []


def test_the_first_tab_offers_to_skip_to_the_content(open_page: OpenPage) -> None:
    page = open_page("tickets")
    page.keyboard.press("Tab")

    skip = page.locator(".skip")
    box = skip.bounding_box()
    assert skip.evaluate("element => element === document.activeElement")
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("name", ["ticket", "module_form"])
def test_every_stop_of_the_tab_key_shows_where_it_is(open_page: OpenPage, name: str) -> None:
    page = open_page(name)
    page.locator("main").focus()
    unmarked = []
    for _ in range(40):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """() => {
              const here = document.activeElement;
              const rings = [here, here.closest(".composer-kind"), here.closest(".ticket-row"),
                             here.closest(".composer")];
              return here === document.body || rings.some((ring) => ring !== null && (
                getComputedStyle(ring).outlineStyle !== "none" || ring.matches(".composer")));
            }"""
        )
        if not shown:
            unmarked.append(page.evaluate("document.activeElement.outerHTML.slice(0, 100)"))
    assert unmarked == []


def test_nothing_moves_for_a_reader_who_asked_for_stillness(open_page: OpenPage) -> None:
    page = open_page("module_form")
    turning = page.locator(".step-running > .icon")
    assert turning.evaluate("element => getComputedStyle(element).animationDuration") == "1.2s"

    page.emulate_media(reduced_motion="reduce")

    assert turning.evaluate("element => getComputedStyle(element).animationDuration") == "0s"


def test_a_printed_ticket_is_only_the_conversation(open_page: OpenPage) -> None:
    page = open_page("ticket", theme="dark")
    page.emulate_media(media="print")

    assert [page.locator(part).is_visible() for part in (".topbar", ".rail", ".composer", ".flashes")] == [False] * 4
    assert page.locator(".message").count() == 5
    assert page.locator(".message").first.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
