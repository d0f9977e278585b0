"""What the scripts add, and that the pages work without them."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import OpenPage
from .gallery import Receipt, RecipientRow, TimelineEntry, environment

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
    expect(panel).to_contain_text("First opened")
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


def fresh_receipt(word: str, state: str) -> str:
    """Render a badge with its panel as a live update would bring it."""
    template = environment().from_string(
        "{% from 'macros/badge.html' import receipt %}{{ receipt(r, rows, timeline) }}"
    )
    rows: list[RecipientRow] = [RecipientRow("To", "bettina.hohenstein@kunde.example", state, word)]
    timeline: list[TimelineEntry] = []
    return template.render(r=Receipt(state, word, "receipt-m2"), rows=rows, timeline=timeline)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_badge_that_changes_moves_nothing_on_the_page(open_page: OpenPage, width: int) -> None:
    page = open_page("ticket", width=width)
    before = boxes(page)

    for state, word in (
        ("queued", "Queued"),
        ("replied", "Replied 11:02"),
        ("bounced", "Bounced: mailbox unknown"),
    ):
        page.evaluate("([html]) => portal.replaceReceipt('receipt-m2', html)", [fresh_receipt(word, state)])
        expect(page.locator('[data-receipt="receipt-m2"]')).to_contain_text(word)
        assert boxes(page) == before


def test_a_badge_that_changes_keeps_its_panel_open_and_the_focus(open_page: OpenPage) -> None:
    page = open_page("ticket")
    page.locator('[data-receipt="receipt-m2"]').click()
    page.evaluate("([html]) => portal.replaceReceipt('receipt-m2', html)", [fresh_receipt("Replied", "replied")])

    expect(page.locator("#receipt-m2")).to_be_visible()
    expect(page.locator("#receipt-m2 .recipient")).to_have_count(1)
    assert page.evaluate("document.activeElement.dataset.receipt") == "receipt-m2"


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
    assert page.url.endswith("#ticket-2")


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


def test_a_message_can_be_dismissed_and_another_added(open_page: OpenPage) -> None:
    page = open_page("ticket")
    page.get_by_role("button", name="Dismiss this message").click()
    expect(page.locator(".flash")).to_have_count(0)

    page.evaluate("portal.flash('error', 'The draft is not saved: <b>no connection</b>.')")
    expect(page.locator("[role=alert] .flash-error")).to_have_text("The draft is not saved: <b>no connection</b>.×")
    page.evaluate("portal.note('Draft saved')")
    expect(page.locator("[data-quiet-note]")).to_have_text("Draft saved")


def test_a_page_with_errors_starts_at_their_summary(open_page: OpenPage) -> None:
    page = open_page("module_form")
    assert page.evaluate("document.activeElement.matches('.error-summary')")

    page.locator(".error-summary a").first.click()
    assert focused(page) == "f-base_url"


def test_times_are_told_in_the_readers_own_zone(open_page: OpenPage) -> None:
    page = open_page("ticket")
    time = page.locator("#m1 time").first

    assert time.inner_text() == "5 h ago"
    assert "UTC" not in (time.get_attribute("title") or "")


def test_writing_a_note_hides_the_addresses_and_changes_the_button(open_page: OpenPage) -> None:
    page = open_page("ticket", script=False)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()

    page.locator("input[name=kind][value=note]").check()

    expect(page.get_by_role("button", name="Add note")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_hidden()
    expect(page.locator("#f-to")).to_be_hidden()
    expect(page.locator(".composer")).to_contain_text("Nothing is sent")


@pytest.mark.parametrize(("keys", "after"), [("Control+Enter", "stay"), ("Control+Shift+Enter", "close")])
def test_the_composer_sends_from_the_keyboard(open_page: OpenPage, keys: str, after: str) -> None:
    page = open_page("ticket")
    page.evaluate(
        """() => document.querySelector("[data-composer]").addEventListener("submit", (event) => {
          event.preventDefault();
          document.title = event.submitter.value;
        })"""
    )
    page.locator("#f-body").press(keys)

    assert page.title() == after
