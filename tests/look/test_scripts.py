"""What the scripts add, and that the pages work without them."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .gallery import ALL_STATES, Receipt, environment

pytestmark = pytest.mark.browser


def focused(page: Page) -> str:
    """Give the id, or else the words, of what has the focus."""
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


def boxes(page: Page) -> list[object]:
    """Measure where everything but badges and their panels stands on the page."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
          .filter((element) => element.closest(".receipt") === null && element.closest("time") === null)
          .map((element) => element.getBoundingClientRect())
          .map((box) => [box.x, box.y, box.width, box.height])"""
    )
    return list(found)


@pytest.mark.parametrize("how", ["click", "Enter", "tap"])
def test_a_receipt_opens_without_any_script(open_page: OpenPage, how: str) -> None:
    page = open_page("ticket", script=False, touch=how == "tap", width=400 if how == "tap" else 1280)
    badge, panel = page.locator('[data-receipt="receipt-m2"]'), page.locator("#receipt-m2")
    expect(panel).to_be_hidden()

    if how == "Enter":
        badge.press("Enter")
    elif how == "tap":
        badge.tap()
    else:
        badge.click()

    expect(panel).to_be_visible()
    expect(panel).to_contain_text("First read")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_a_receipt_lists_every_recipient_and_what_is_known(open_page: OpenPage) -> None:
    page = open_page("ticket")
    page.locator('[data-receipt="receipt-m2"]').click()

    rows = page.locator("#receipt-m2 .recipient")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text("bettina.hohenstein@kunde.example")
    expect(rows.first).to_contain_text("3 by people, 1 by machines")
    expect(rows.first).to_contain_text("https://docs.helpdesk.example/refunds")
    expect(page.locator("#receipt-m2")).to_contain_text("a mail scanner")


def test_a_receipt_opens_under_the_pointer_and_closes_behind_it(open_page: OpenPage) -> None:
    page = open_page("ticket")
    badge, panel = page.locator('[data-receipt="receipt-m2"]'), page.locator("#receipt-m2")

    badge.hover()
    expect(panel).to_be_visible()
    panel.locator(".recipient").first.hover()
    page.wait_for_timeout(500)  # longer than the delay after which an abandoned panel closes
    expect(panel).to_be_visible()
    page.mouse.move(5, 790)
    expect(panel).to_be_hidden()


def test_a_click_keeps_open_what_the_pointer_opened(open_page: OpenPage) -> None:
    page = open_page("ticket")
    badge, panel = page.locator('[data-receipt="receipt-m2"]'), page.locator("#receipt-m2")

    badge.hover()
    expect(panel).to_be_visible()
    badge.click()
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    expect(panel).to_be_visible()
    badge.click()
    expect(panel).to_be_hidden()


def test_a_receipt_opens_on_the_keyboards_focus_and_escape_closes_it_for_good(open_page: OpenPage) -> None:
    page = open_page("ticket")
    panel = page.locator("#receipt-m2")
    page.locator('[popovertarget="m2-facts"]').focus()

    page.keyboard.press("Tab")
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.wait_for_timeout(400)
    expect(panel).to_be_hidden()
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#receipt-m2') !== null")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.receipt") == "receipt-m2"


@pytest.mark.parametrize("width", [360, 1280])
def test_a_badge_that_changes_moves_nothing_on_the_page(open_page: OpenPage, width: int) -> None:
    page = open_page("ticket", width=width)
    badge = page.locator('[data-receipt="receipt-m2"]')
    template = environment().from_string("{% from 'macros/badge.html' import badge %}{{ badge(r) }}")
    before = boxes(page)

    for state, word in ALL_STATES:
        html = template.render(r=Receipt(state, word, "receipt-m2"))
        badge.evaluate("(badge, html) => { badge.outerHTML = html; }", html)
        expect(badge).to_contain_text(word)
        assert boxes(page) == before


def test_fresh_markup_gets_its_times_in_the_readers_zone(open_page: OpenPage) -> None:
    page = open_page("ticket")
    page.evaluate(
        """() => {
          const frame = document.querySelector('[data-receipt-frame="receipt-m2"]');
          frame.innerHTML = '<time data-exact datetime="2020-05-03T10:32:00Z">?</time>';
          document.dispatchEvent(new CustomEvent("portal:replaced", {detail: {elements: [frame]}}));
        }"""
    )

    time = page.locator('[data-receipt-frame="receipt-m2"] time')
    expect(time).to_have_text("3 May 2020 16:02")
    expect(time).to_have_attribute("title", "Sunday, 3 May 2020 at 16:02")


def test_slash_goes_to_the_search_and_types_nothing(open_page: OpenPage) -> None:
    page = open_page("tickets")
    page.keyboard.press("/")
    page.keyboard.type("n/j")

    assert focused(page) == "search"
    assert page.locator("#search").input_value() == "n/j"


def test_n_opens_the_form_for_a_new_ticket(open_page: OpenPage) -> None:
    page = open_page("tickets")
    page.route(
        "**/tickets/new",
        lambda route: route.fulfill(body="<title>New ticket</title>", content_type="text/html"),
    )
    page.keyboard.press("n")

    page.wait_for_url("**/tickets/new")
    assert page.title() == "New ticket"


def test_j_and_k_walk_the_list_x_selects_and_enter_opens(open_page: OpenPage) -> None:
    page = open_page("tickets")
    for key in "jjjk":
        page.keyboard.press(key)
    assert focused(page).startswith("Re: Fwd: Re: Invoice")

    page.keyboard.press("x")
    assert page.locator("input[name=ticket]:checked").count() == 1
    assert page.locator("input[name=ticket]").nth(1).is_checked()
    page.keyboard.press("Enter")
    page.wait_for_url("**#ticket-2")


def test_a_reader_can_turn_the_shortcuts_off_and_that_stays(open_page: OpenPage) -> None:
    page = open_page("tickets")
    page.locator('[popovertarget="user-menu"]').click()
    page.locator("[data-shortcuts-switch]").click()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("/")

    assert focused(page) not in ("search", "The export button does nothing in Firefox")
    assert page.locator("[data-shortcuts-switch]").get_attribute("aria-pressed") == "false"


def test_a_message_can_be_dismissed_and_a_note_is_said_quietly(open_page: OpenPage) -> None:
    page = open_page("ticket")
    page.get_by_role("button", name="Dismiss this message").click()
    expect(page.locator(".flash")).to_have_count(0)

    page.evaluate("portal.note('Saved')")
    expect(page.locator("[role=status][data-quiet-note]")).to_have_text("Saved")


def test_a_page_with_errors_starts_at_their_summary(open_page: OpenPage) -> None:
    page = open_page("module_form")
    assert page.evaluate("document.activeElement.matches('.error-summary')")

    page.locator(".error-summary a").first.click()
    assert focused(page) == "f-base_url"


def test_the_server_learns_the_browsers_zone(open_page: OpenPage) -> None:
    page = open_page("login")

    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert f"tz={zone}" in page.evaluate("document.cookie")


def test_the_words_of_a_time_stay_as_the_server_wrote_them(open_page: OpenPage) -> None:
    with_script = open_page("tickets").locator("time").all_inner_texts()

    assert with_script == open_page("tickets", script=False).locator("time").all_inner_texts()
    assert with_script[0] == "4 min"


def test_writing_a_note_hides_the_addresses_and_changes_the_button(open_page: OpenPage) -> None:
    page = open_page("ticket", script=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()

    page.locator("input[name=kind][value=note]").check()

    expect(page.get_by_role("button", name="Add note")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_hidden()
    expect(page.locator("#f-to")).to_be_hidden()
    expect(page.locator(".composer")).to_contain_text("Nothing is sent")
