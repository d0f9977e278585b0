"""Badges that change on an open page, news, the polling fallback, and times that stay true."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser_static.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

BADGE = '<details><summary>{word}</summary><button type="button" id="row-bob">Bob, {word}</button></details>'
TICKET = f"""
<h1>Printer on fire</h1>
<article id="reply-5" data-receipt-label="Reply to Bob">
  <div data-receipt="5">{BADGE.format(word="Sent 10:32")}</div>
</article>
<article id="reply-6" data-receipt-label="Reply to Eve">
  <div data-receipt="6">{BADGE.format(word="Queued")}</div>
</article>
<div data-receipt="5" id="summary">{BADGE.format(word="Sent 10:32").replace("row-bob", "row-bob-2")}</div>
<p data-live-status aria-live="polite"></p>
"""
NOON = datetime(2025, 5, 3, 12, tzinfo=UTC)
HIDE = """(state) => {
    Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def receipt(reply_id: int = 5) -> dict[str, Any]:
    """The event that a reply's badge changed."""
    return {"topic": "ticket:12", "kind": "receipt", "reply_id": reply_id, "ticket_id": 12}


def message(reply_id: int, ticket_id: int = 12) -> dict[str, Any]:
    """The event that a message came in."""
    return {"topic": f"ticket:{ticket_id}", "kind": "message", "reply_id": reply_id, "ticket_id": ticket_id}


async def open_page(page: Page, site: Site, body: str = TICKET, attributes: str = "", topics: str = "") -> None:
    """A live page whose clock stands still until the test moves it."""
    site.body = body
    site.body_attributes = f'data-live-topics="{topics or "ticket:12 tickets"}" {attributes}'
    await page.clock.install(time=NOON)
    await page.clock.pause_at(NOON + timedelta(seconds=10))
    await page.goto(f"{site.url}/tickets/12")


async def open_listening(page: Page, site: Site, **options: str) -> None:
    """Likewise, with its stream open."""
    await open_page(page, site, **options)
    await expect(page.locator("body")).to_have_attribute("data-live-state", "stream")


async def change(page: Page, site: Site, *events: dict[str, Any]) -> None:
    """Send events, and let the page's time to gather them pass once they have arrived."""
    for event in events:
        site.push(**event)
    await until_badges_asked(page, site)


async def until_badges_asked(page: Page, site: Site) -> None:
    """Move the page's clock until it has asked for a badge."""
    before = len(site.badge_requests)
    while len(site.badge_requests) == before:
        await page.clock.run_for(100)


def word(page: Page, reply_id: int) -> Any:
    """The badge's visible word in the card of a reply."""
    return page.locator(f"#reply-{reply_id} summary")


async def test_the_stream_is_asked_for_the_topics_of_the_page(page: Page, site: Site) -> None:
    await open_listening(page, site)

    assert site.live_requests == ["topics=ticket:12,tickets"]


async def test_a_page_without_topics_asks_for_nothing(page: Page, site: Site) -> None:
    site.body = "<h1>Profile</h1>"
    await page.goto(f"{site.url}/tickets/12")
    await page.wait_for_load_state("networkidle")

    assert site.live_requests == []


async def test_a_badge_changes_everywhere_and_is_read_out_once(page: Page, site: Site) -> None:
    site.badges["reply 5"] = BADGE.format(word="Read")
    await open_listening(page, site)

    await change(page, site, receipt(5))

    await expect(word(page, 5)).to_have_text("Read")
    await expect(page.locator("#summary summary")).to_have_text("Read")
    await expect(word(page, 6)).to_have_text("Queued")
    await page.clock.run_for(1000)
    await expect(page.locator("[data-live-status]")).to_have_text("Reply to Bob: Read")
    assert site.badge_requests == ["reply 5"]


async def test_a_swap_keeps_focus_and_what_is_open(page: Page, site: Site) -> None:
    site.badges["reply 5"] = BADGE.format(word="Read")
    await open_listening(page, site)
    await word(page, 5).click()
    bob = page.locator("#reply-5 button")
    await bob.focus()
    await bob.evaluate("(button) => (window.before = button)")

    await change(page, site, receipt(5))

    await expect(bob).to_have_text("Bob, Read")
    await expect(bob).to_be_focused()
    await expect(page.locator("#reply-5 details")).to_have_attribute("open", "")
    await expect(page.locator("#summary details")).not_to_have_attribute("open", "")
    assert await bob.evaluate("(button) => button === window.before")


POPOVER = """<div class="receipt" data-receipt-frame="receipt-5">
<button type="button" class="badge badge-{state}" popovertarget="receipt-5" data-receipt="receipt-5">
<span class="badge-word">{word}</span></button>
<div id="receipt-5" popover><div class="scroll"><ul>{rows}</ul></div><button type="button">Close</button></div></div>"""


async def test_an_open_popover_stays_open_while_it_changes(page: Page, site: Site) -> None:
    rows = "".join(f"<li>bob{number}@example.org</li>" for number in range(3))
    site.badges["reply 5"] = POPOVER.format(state="read", word="Read by 1 of 4", rows=rows + "<li>new</li>")
    await open_listening(page, site, body=POPOVER.format(state="sent", word="Sent 10:32", rows=rows))
    await page.locator(".badge").click()
    panel = page.locator("#receipt-5")
    await panel.locator("button").focus()
    await panel.evaluate("(panel) => { panel.dataset.opened = 'hover'; panel.classList.add('is-placed'); }")

    await change(page, site, receipt(5))

    await expect(panel.locator("li")).to_have_count(4)
    assert await panel.evaluate("(panel) => panel.matches(':popover-open.is-placed[data-opened=hover]')")
    await expect(panel.locator("button")).to_be_focused()
    await expect(page.locator(".badge")).to_have_class("badge badge-read")
    await expect(page.locator(".receipt")).to_have_count(1)


async def test_focus_on_something_that_is_gone_stays_in_the_badge(page: Page, site: Site) -> None:
    site.badges["reply 5"] = "<details><summary>Read</summary></details>"
    await open_listening(page, site)
    await word(page, 5).click()
    await page.locator("#reply-5 button").focus()

    await change(page, site, receipt(5))

    await expect(page.locator("#reply-5 button")).to_have_count(0)
    await expect(word(page, 5)).to_be_focused()


async def test_a_fragment_runs_no_script(lawless_page: Page, site: Site) -> None:
    site.badges["reply 5"] = "<script>window.hacked = 1</script><details><summary>Read</summary></details>"
    await open_listening(lawless_page, site)

    await change(lawless_page, site, receipt(5))

    await expect(word(lawless_page, 5)).to_have_text("Read")
    assert await lawless_page.evaluate("window.hacked") is None


async def test_a_burst_of_events_is_one_request_per_reply(page: Page, site: Site) -> None:
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent 10:40")}
    await open_listening(page, site)
    for _ in range(20):
        site.push(**receipt(5))
        site.push(**receipt(6))
    site.push(**message(99))
    await expect(page.locator(".live-bar")).to_be_visible()

    await page.clock.run_for(300)

    await expect(word(page, 5)).to_have_text("Read")
    await expect(word(page, 6)).to_have_text("Sent 10:40")
    await page.clock.run_for(5000)
    assert sorted(site.badge_requests) == ["reply 5", "reply 6"]
    await expect(page.locator("[data-live-status]")).to_contain_text("Reply to Bob: Read")
    await expect(page.locator("[data-live-status]")).to_contain_text("Reply to Eve: Sent 10:40")


async def test_a_badge_of_the_ticket_list_changes_quietly(page: Page, site: Site) -> None:
    site.badges["ticket 12"] = '<span class="badge-word">Read</span>'
    body = '<p>Printer <span data-ticket-badge="12"><span class="badge-word">Sent</span></span></p>'
    await open_listening(page, site, body=body, topics="tickets")

    await change(page, site, receipt(5))

    await expect(page.locator("[data-ticket-badge]")).to_have_text("Read")
    assert site.badge_requests == ["ticket 12"]
    await page.clock.run_for(1000)
    await expect(page.locator("[data-live-status]")).to_have_text("")


LINE = """<div data-ticket-badge="12"><div class="receipt">
<button type="button" class="badge" popovertarget="receipt-5" data-receipt="receipt-5">
<span class="badge-word">{word}</span></button>
<div id="receipt-5" popover data-receipt-panel {wanted}>{inside}</div></div></div>"""


@pytest.mark.parametrize("how", ["hover", "focus", "click"])
async def test_an_empty_panel_of_the_ticket_list_is_filled_once_when_it_is_wanted(
    page: Page, site: Site, how: str
) -> None:
    full = LINE.format(word="Read", wanted="", inside="<p>ann@example.org</p>")
    site.badges["ticket 12"] = full.removeprefix('<div data-ticket-badge="12">').removesuffix("</div>")
    empty = LINE.format(word="Sent", wanted="data-receipt-wanted", inside='<a href="/tickets/12">Open the reply</a>')
    await open_listening(page, site, body=empty, topics="tickets")
    badge, panel = page.locator(".badge"), page.locator("#receipt-5")

    await (badge.hover() if how == "hover" else badge.focus() if how == "focus" else badge.click())
    await until_badges_asked(page, site)

    await expect(panel).to_have_text("ann@example.org")
    await badge.hover()
    await page.clock.run_for(5000)
    assert site.badge_requests == ["ticket 12"]
    assert await panel.evaluate("(panel) => panel.matches(':popover-open')") == (how == "click")


async def test_a_server_error_leaves_the_badge_and_is_tried_again(page: Page, site: Site) -> None:
    site.badges["reply 5"] = BADGE.format(word="Read")
    site.badge_status = 503
    await open_listening(page, site)
    await change(page, site, receipt(5))
    site.badge_status = 200

    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")


async def test_a_new_message_is_announced_and_shown_only_when_asked(page: Page, site: Site) -> None:
    await open_listening(page, site)

    site.push(**message(7))
    bar = page.locator(".live-bar[role=status]")
    await expect(bar).to_have_text("1 new message, show")
    for event in (message(7), message(8), message(5), message(9, ticket_id=13)):
        site.push(**event)
    await expect(bar).to_have_text("2 new messages, show")
    assert site.page_loads == 1

    site.body = TICKET + '<article id="reply-7">new</article>'
    await bar.get_by_role("link").click()
    await page.wait_for_url("**/tickets/12#reply-7")
    await expect(page.locator("#reply-7")).to_be_visible()
    assert site.page_loads == 2
    await expect(bar).to_have_count(0)


async def test_a_draft_is_saved_before_the_page_shows_the_news(page: Page, site: Site) -> None:
    body = """<form data-composer data-draft-url="/tickets/1/draft" method="post" action="/tickets/1/replies">
        <textarea name="body_text" data-editor aria-label="Message"></textarea></form>"""
    await open_listening(page, site, body=body)
    await page.get_by_role("textbox", name="Message").click()
    await page.keyboard.type("half a sent")
    site.push(**message(7))

    await page.locator(".live-bar a").click()
    await page.wait_for_url("**/tickets/12#reply-7")
    await expect(page.locator("body")).to_have_attribute("data-live-state", "stream")

    assert [draft["body_html"] for draft in site.drafts] == ["<p>half a sent</p>"]


async def test_without_event_source_the_page_asks_every_two_seconds(page: Page, site: Site) -> None:
    await page.add_init_script("delete window.EventSource")
    site.badges["reply 5"] = BADGE.format(word="Read")
    await open_page(page, site, attributes='data-live-cursor="c0"')
    await poll_until(page, site, 1)
    site.poll_events = [receipt(5)]

    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")
    assert site.poll_requests[:2] == ["topics=ticket:12,tickets&after=c0", "topics=ticket:12,tickets&after=c1"]
    assert site.live_requests == []


async def poll_until(page: Page, site: Site, count: int) -> None:
    """Move the page's clock until it has polled that often, and leave its requests time in between: by its clock
    one that a busy machine answers late would have timed out.
    """
    while len(site.poll_requests) < count:
        await page.clock.run_for(500)
        await asyncio.sleep(0.1)


async def test_three_failures_lead_to_polling_and_back_to_the_stream_later(page: Page, site: Site) -> None:
    site.live_status = 503
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent")}
    await open_page(page, site)
    await poll_until(page, site, 3)
    assert len(site.live_requests) == 3

    site.live_status = 200
    while len(site.live_requests) == 3:
        await page.clock.run_for(1000)
    await site.until(lambda: site.listeners)
    assert site.live_requests[3].startswith("topics=ticket:12,tickets&after=c")

    await page.clock.run_for(100)
    polled = len(site.poll_requests)
    site.push(**message(7))
    await expect(page.locator(".live-bar")).to_be_visible()
    await page.clock.run_for(10_000)
    assert len(site.poll_requests) <= polled + 1


async def test_one_failure_is_followed_by_a_new_stream_and_fresh_badges(page: Page, site: Site) -> None:
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent")}
    await open_listening(page, site)
    site.hang_up()

    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")
    await expect(word(page, 6)).to_have_text("Sent")
    assert len(site.live_requests) == 2
    assert site.poll_requests == []


async def test_polling_that_fails_slows_down_and_recovers(page: Page, site: Site) -> None:
    await page.add_init_script("delete window.EventSource")
    site.poll_status = 500
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent")}
    await open_page(page, site)
    await poll_until(page, site, 3)
    site.poll_status = 200

    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")


async def test_a_cursor_that_the_server_forgot_is_dropped(page: Page, site: Site) -> None:
    await page.add_init_script("delete window.EventSource")
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent")}
    site.poll_status = 400
    await open_page(page, site, attributes='data-live-cursor="old"')
    await poll_until(page, site, 1)
    site.poll_status = 200

    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")
    assert site.poll_requests[:2] == ["topics=ticket:12,tickets&after=old", "topics=ticket:12,tickets&after="]


async def test_a_session_that_is_over_ends_the_updates_with_a_word(page: Page, site: Site) -> None:
    site.live_status = 401
    site.poll_status = 401
    await open_page(page, site)
    await poll_until(page, site, 1)

    await expect(page.locator(".live-bar")).to_contain_text("You are logged out.")
    await page.clock.run_for(120_000)
    assert len(site.poll_requests) == 1
    assert len(site.live_requests) == 3


async def test_a_page_hidden_for_long_sleeps_and_looks_again_once_on_return(page: Page, site: Site) -> None:
    site.badges |= {"reply 5": BADGE.format(word="Read"), "reply 6": BADGE.format(word="Sent")}
    await open_listening(page, site)
    await page.evaluate(HIDE, "hidden")
    await page.clock.run_for(4 * 60_000)
    assert len(site.live_requests) == 1

    await page.clock.run_for(2 * 60_000)
    await page.evaluate(HIDE, "visible")
    await site.until(lambda: len(site.live_requests) == 2)
    await until_badges_asked(page, site)

    await expect(word(page, 5)).to_have_text("Read")
    await expect(word(page, 6)).to_have_text("Sent")
    await page.clock.run_for(5000)
    assert sorted(site.badge_requests) == ["reply 5", "reply 6"]


async def test_a_page_hidden_for_a_moment_stays_connected(page: Page, site: Site) -> None:
    await open_listening(page, site)
    await page.evaluate(HIDE, "hidden")
    await page.clock.run_for(60_000)
    await page.evaluate(HIDE, "visible")
    await page.clock.run_for(600_000)

    assert len(site.live_requests) == 1
    assert site.badge_requests == []


async def test_only_three_tabs_hold_a_stream_and_the_others_poll(
    page: Page, context: BrowserContext, site: Site
) -> None:
    await open_listening(page, site)
    others = [await context.new_page() for _ in range(3)]
    for other in others:
        await other.goto(f"{site.url}/tickets/12")

    await poll_until(page, site, 1)

    assert len(site.live_requests) == 3
    for other in others:
        await other.close()


async def test_relative_times_stay_true(page: Page, site: Site) -> None:
    ages = {
        "just now": timedelta(seconds=20),
        "5 min ago": timedelta(minutes=5),
        "3 h ago": timedelta(hours=3),
        "2 d ago": timedelta(days=2),
        "20 Apr": timedelta(days=13),
        "3 May 2024": timedelta(days=365),
    }
    body = "".join(f'<time data-ago datetime="{(NOON - age).isoformat()}">?</time>' for age in ages.values())
    await open_listening(page, site, body=body + '<time datetime="2025-05-03T12:00:00Z">noon</time>')
    times = page.locator("time")
    await page.clock.set_fixed_time(NOON)
    await page.clock.run_for(30_000)
    await expect(times).to_have_text([*ages, "noon"])

    await page.clock.set_fixed_time(NOON + timedelta(minutes=2))
    await page.clock.run_for(30_000)

    await expect(times.first).to_have_text("2 min ago")
    await expect(times.nth(1)).to_have_text("7 min ago")
