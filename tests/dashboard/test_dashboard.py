"""The dashboard: what it counts, whose days it counts by, and what its page says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.dashboard import rules, service
from app.dashboard.models import Closed, Opened
from app.database import Database, utcnow
from app.tickets import merging
from app.tickets import service as tickets
from tests.receipts.builders import mailed_reply, set_copy
from tests.support.web import HOST, get
from tests.tickets.list_support import add_tickets

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
"""The 27th already in Berlin."""


def _hours(*hours: float) -> list[timedelta]:
    return [timedelta(hours=one) for one in hours]


def test_days_are_those_of_the_readers_time_zone() -> None:
    opened = [Opened(datetime(2026, 11, 26, hour, tzinfo=UTC), None) for hour in (12, 22, 23)]
    closed = [Closed(datetime(2026, 11, 20, 23, tzinfo=UTC), NOW, None)]
    days = rules.by_day(opened, closed, days=7, now=NOW, zone=BERLIN)
    assert [day.date.day for day in days] == [21, 22, 23, 24, 25, 26, 27]
    assert [(day.opened, day.closed) for day in days] == [(0, 1), *[(0, 0)] * 4, (2, 0), (1, 0)]
    assert [day.so_far for day in days] == [False] * 6 + [True]
    assert rules.start_of(7, NOW, BERLIN) == datetime(2026, 11, 20, 23, tzinfo=UTC)
    after_the_change = datetime(2026, 10, 27, 12, tzinfo=UTC)
    assert rules.start_of(7, after_the_change, BERLIN) == datetime(2026, 10, 20, 22, tzinfo=UTC), "summer time then"


def test_median_and_ninth_are_durations_that_occurred() -> None:
    found = rules.times(_hours(1, 2, 3, 4, 5, 6, 7, 8, 30, 200), rules.ANSWERED_WITHIN)
    assert (found.count, found.median, found.ninth) == (10, timedelta(hours=5), timedelta(hours=30))
    assert [count for _, count in found.steps] == [1, 3, 4, 0, 1, 1]
    assert rules.times([], rules.ANSWERED_WITHIN).median is None
    assert rules.times(_hours(2), rules.ANSWERED_WITHIN).ninth == timedelta(hours=2)


def test_what_we_open_is_no_answer_that_somebody_waited_for() -> None:
    opened = [Opened(NOW, NOW), Opened(NOW, NOW + timedelta(hours=1)), Opened(NOW, None)]
    assert rules.response_times(opened) == _hours(1)
    assert rules.unanswered(opened) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (59, "under 1 min"), (720, "12 min"), (7200, "2 h"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")],
)
def test_durations_are_said_in_words(seconds: int | None, words: str) -> None:
    assert rules.duration(None if seconds is None else timedelta(seconds=seconds)) == words


async def test_now_counts_what_the_lists_hold(db: Database, agent: User) -> None:
    now = utcnow()
    await add_tickets(
        db,
        [
            {"assignee_id": agent.id},
            {"last_from": "agent", "due": now - timedelta(hours=1)},
            {"snoozed": now + timedelta(days=1), "due": now - timedelta(hours=1)},
            {"status": "closed", "due": now - timedelta(hours=1)},
        ],
    )
    found = (await service.dashboard(7, zone=UTC)).now
    assert (found.open, found.waiting, found.unassigned, found.overdue) == (2, 1, 1, 2)


async def test_a_ticket_that_was_merged_is_counted_once_and_leaves_its_due_date(db: Database, agent: User) -> None:
    now = utcnow()
    source, target = await add_tickets(db, [{"due": now + timedelta(days=1)}, {"due": now + timedelta(days=2)}])
    async with db.transaction() as conn:
        await conn.execute("UPDATE tickets SET created_at = %(now)s", {"now": now})
    await merging.merge(source, target, user=agent)
    found = await service.dashboard(7, zone=UTC)
    assert [found.days[-1].opened, found.days[-1].closed, found.unanswered] == [1, 0, 1]
    assert (await tickets.ticket(target)).due_at == now + timedelta(days=1)


async def test_answering_and_closing_are_timed(db: Database, agent: User) -> None:
    ticket_id = await tickets.create_ticket(
        subject="Printer", requester="bob@example.org", text_body="x", created_by=None
    )
    ours, _ = await tickets.open_ticket(subject="News", requester="eve@example.org", author=agent, html_body="<p>x</p>")
    async with db.transaction() as conn:
        sql = "UPDATE tickets SET created_at = %(at)s WHERE id = %(id)s"
        await conn.execute(sql, {"at": utcnow() - timedelta(hours=5), "id": ticket_id})
    await tickets.add_reply(ticket_id, author=agent, html_body="<p>One</p>", then_status="closed")
    found = await service.dashboard(7, zone=UTC)
    assert [found.first_response.count, found.resolution.count, found.unanswered] == [1, 1, 0], f"not #{ours}: we wrote"
    assert found.first_response.median is not None
    assert timedelta(hours=5) <= found.first_response.median < timedelta(hours=5, minutes=1)
    first = found.first_response.median
    await tickets.change(ticket_id, user=agent, status="open")
    await tickets.add_reply(ticket_id, author=agent, html_body="<p>Two</p>")
    again = await service.dashboard(7, zone=UTC)
    assert again.first_response.median == first, "a second reply is no first"
    assert (again.resolution.count, sum(day.closed for day in again.days)) == (0, 0), "it is open again"
    await tickets.change(ticket_id, user=agent, status="closed")
    await tickets.change(ticket_id, user=agent, priority="high")
    assert (await service.dashboard(7, zone=UTC)).resolution.count == 1


async def test_a_reply_counts_as_read_once_whoever_read_it(db: Database, agent: User) -> None:
    both = await mailed_reply(db, "a@example.org", "cc:b@example.org", state="sent", reports="opens,clicks")
    unread = await mailed_reply(db, state="sent", reports="opens,clicks", ticket_id=both.ticket_id)
    await mailed_reply(db, state="sent", reports="", ticket_id=both.ticket_id)
    old = await mailed_reply(db, state="sent", reports="opens", ticket_id=both.ticket_id)
    for copy in both.recipients:
        await set_copy(db, copy.id, seen="read", seen_at=utcnow(), last_seen_at=utcnow())
    await set_copy(db, old.recipients[0].id, next_attempt_at=utcnow() - timedelta(days=9))
    async with db.transaction() as conn:
        await conn.execute("UPDATE ticket_replies SET author_user_id = %(id)s", {"id": agent.id})
    found = await service.dashboard(7, zone=UTC)
    assert (found.sent, found.tracked, found.read) == (3, 2, 1)
    assert [(one.name, one.sent, one.tracked, one.read) for one in found.agents] == [("Gus Agent", 3, 2, 1)]
    await set_copy(db, unread.recipients[0].id, replied_at=utcnow())
    assert (await service.dashboard(30, zone=UTC)).read == 2


async def test_the_page_shows_figures_charts_and_tables(db: Database, agent: User, agent_client: Client) -> None:
    empty = await (await get(agent_client, "/dashboard")).get_data(as_text=True)
    assert "No tickets yet" in empty
    assert '<svg class="chart-picture"' not in empty
    agent_client.set_cookie(HOST, "tz", "Asia/Tokyo")
    ticket_id = await tickets.create_ticket(
        subject="Printer", requester="bob@example.org", text_body="x", created_by=None
    )
    await tickets.add_reply(ticket_id, author=agent, html_body="<p>One</p>", then_status="closed")
    page = unescape(await (await get(agent_client, "/dashboard?days=30")).get_data(as_text=True))
    assert "Days in your time zone, Asia/Tokyo" in page
    today = utcnow().astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"{today.day} {today:%b}: 1" in page, "the chart tells it in words too"
    assert len(re.findall(r'<svg class="chart-picture"', page)) == 4
    assert len(re.findall(r"<tr><th scope=\"row\">\w{3} \d", page)) == 30
    assert page.count("under 1 min") == 4
    for href in ("/tickets?waiting=us", "/tickets?view=unassigned", "/tickets?view=overdue"):
        assert f'href="{href}"' in page
        assert (await get(agent_client, href)).status_code == 200
    assert "Last 7 days" in unescape(await (await get(agent_client, "/dashboard?days=x'")).get_data(as_text=True))
