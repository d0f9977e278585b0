"""Due dates and snoozes: what may be chosen, who sees the ticket when, and what its history says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database, utcnow
from app.runtime import Runtime
from app.tickets import listing, moments, row_words, service, waking
from app.tickets import listing_rules as rules
from app.tickets.errors import TicketRefused
from app.tickets.listing_rules import TicketQuery
from tests.support.web import HOST, get, post
from tests.tickets.list_support import add_tickets

BERLIN = ZoneInfo("Europe/Berlin")
THURSDAY = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
"""Friday already in Berlin."""


async def _ids(agent: User, **asked: str) -> list[int]:
    page = await listing.list_tickets(rules.parse(asked, user_id=agent.id))
    return [row.id for row in page.rows]


async def _page(client: Client, path: str) -> str:
    return unescape(await (await get(client, path)).get_data(as_text=True))


async def _later(db: Database, ticket_id: int) -> None:
    """Let the moment of a ticket's snooze pass."""
    async with db.transaction() as conn:
        sql = "UPDATE tickets SET snoozed_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = %(id)s"
        await conn.execute(sql, {"id": ticket_id})


def test_what_is_offered_is_reckoned_in_the_agents_time_zone() -> None:
    offered = {one.key: one.at for one in moments.snooze_choices(THURSDAY, BERLIN)}
    assert offered["tomorrow"] == datetime(2026, 11, 28, 9, tzinfo=BERLIN)
    assert offered["monday"] == datetime(2026, 11, 30, 9, tzinfo=BERLIN)
    monday = datetime(2026, 11, 30, 8, tzinfo=BERLIN)
    assert moments.snooze_choices(monday, BERLIN)[2].at == datetime(2026, 12, 7, 9, tzinfo=BERLIN)
    assert [one.key for one in moments.due_choices(THURSDAY, BERLIN)] == ["today", "tomorrow", "week"]
    evening = datetime(2026, 11, 27, 18, tzinfo=BERLIN)
    assert [one.key for one in moments.due_choices(evening, BERLIN)] == ["tomorrow", "week"]
    assert moments.due_at("2026-07-01T09:00", BERLIN) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert moments.due_at(" ", BERLIN) is None
    before_the_clock_changed = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert moments.snooze_choices(before_the_clock_changed, BERLIN)[1].at == datetime(2026, 10, 25, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["soon", "2026-11-27", "2026-13-01T09:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_due_date_that_is_none_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(TicketRefused, match=r"write it like|choose another") as refused:
        moments.due_at(text, BERLIN)
    assert list(refused.value.fields) == ["due"]


@pytest.mark.parametrize(
    ("choice", "text"), [("someday", ""), ("", ""), ("", "2026-11-26T10:00"), ("", "2031-01-01T00:00"), ("", "x")]
)
def test_a_snooze_that_is_none_is_refused(choice: str, text: str) -> None:
    with pytest.raises(TicketRefused) as refused:
        moments.snoozed_until(choice, text, now=THURSDAY, zone=BERLIN)
    assert list(refused.value.fields) == ["snooze"]


async def test_a_snoozed_ticket_leaves_the_lists_and_is_back_at_its_time(
    runtime: Runtime, db: Database, agent: User
) -> None:
    first, second = await add_tickets(db, [{"assignee_id": agent.id, "minute": n} for n in (1, 2)])
    await service.change(first, user=agent, snoozed_until=utcnow() + timedelta(days=1))
    for view in ("mine", "open"):
        assert await _ids(agent, view=view) == [second]
    assert await _ids(agent, view="snoozed") == [first]
    assert await _ids(agent, view="all") == [second, first]
    counts = await listing.view_counts(agent.id)
    assert (counts["mine"], counts["open"], counts["snoozed"]) == ("1", "1", "1")
    assert await waking.wake_due(runtime) == 0

    await _later(db, first)
    assert await _ids(agent, view="mine") == [second, first], "without a worker it is where it was"
    assert await _ids(agent, view="snoozed") == []
    assert await waking.wake_due(runtime) == 1
    assert await _ids(agent, view="mine") == [first, second], "the worker moves it to the top"
    assert await waking.wake_due(runtime) == 0
    assert (await service.ticket(first)).snoozed_until is None


async def test_a_snooze_ends_when_the_customer_writes_and_when_the_ticket_is_closed(
    runtime: Runtime, agent: User, ticket_id: int
) -> None:
    tomorrow = utcnow() + timedelta(days=1)
    await service.change(ticket_id, user=agent, snoozed_until=tomorrow)
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="I am away", automatic=True)
    assert await _ids(agent) == [], "a program's answer wakes nobody"
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="It still burns")
    assert await _ids(agent) == [ticket_id]
    await service.change(ticket_id, user=agent, snoozed_until=tomorrow)
    await service.change(ticket_id, user=agent, status="closed")
    assert (await service.ticket(ticket_id)).snoozed_until is None
    with pytest.raises(TicketRefused, match="is closed; reopen it"):
        await service.change(ticket_id, user=agent, snoozed_until=tomorrow)


async def test_overdue_tickets_are_listed_first_due_first(db: Database, agent: User) -> None:
    now = utcnow()
    late, later, soon, closed, never = await add_tickets(
        db,
        [
            {"due": now - timedelta(days=2), "minute": 1},
            {"due": now - timedelta(hours=1), "minute": 9, "snoozed": now + timedelta(days=1)},
            {"due": now + timedelta(hours=1), "minute": 5},
            {"due": now - timedelta(days=9), "status": "closed"},
            {"minute": 7},
        ],
    )
    assert await _ids(agent, view="overdue") == [late, later]
    assert await _ids(agent, view="overdue", sort="activity") == [later, late]
    assert await _ids(agent, view="all", sort="due") == [closed, late, later, soon, never]
    assert (await listing.view_counts(agent.id))["overdue"] == "2"
    assert (await listing.view_counts(agent.id))["open"] == "3"
    rows = {row.id: row for row in (await listing.list_tickets(TicketQuery(user_id=agent.id, view="all"))).rows}
    signs = {one: [sign.kind for sign in row_words.signs(rows[one])] for one in rows}
    assert signs == {late: ["overdue"], later: ["overdue", "snoozed"], soon: ["soon"], closed: [], never: []}


async def test_orders_of_views_read_back_from_their_address(agent: User) -> None:
    overdue = rules.parse({"view": "overdue"}, user_id=agent.id)
    assert (overdue.sort, overdue.descending) == ("due", False)
    for arguments in ({"view": "overdue"}, {"sort": "due"}, {"sort": "due", "dir": "desc"}, {"dir": "asc"}):
        assert rules.parse(arguments, user_id=agent.id).arguments() == arguments


async def test_only_what_waits_for_us_can_be_asked_for(db: Database, agent: User) -> None:
    ours, _, _ = await add_tickets(db, [{}, {"last_from": "agent"}, {"status": "closed"}])
    assert await _ids(agent, view="all", waiting="us") == [ours]


async def test_the_ticket_page_sets_and_tells_due_date_and_snooze(agent_client: Client, ticket_id: int) -> None:
    path = f"/tickets/{ticket_id}"
    agent_client.set_cookie(HOST, "tz", "Europe/Berlin")
    await post(agent_client, f"{path}/properties", {"due": "2020-07-01T09:00", "due_was": ""})
    assert (await service.ticket(ticket_id)).due_at == datetime(2020, 7, 1, 7, tzinfo=UTC)
    page = await _page(agent_client, path)
    assert 'value="2020-07-01T09:00"' in page
    assert "Overdue" in page
    assert "Gus Agent set the due date to Wed 1 Jul 2020, 09:00 CEST" in page
    assert "Your time, Europe/Berlin" in page
    await post(agent_client, f"{path}/properties", {"due": "2020-07-01T09:00", "due_was": "2020-07-01T09:00"})
    refused = await post(agent_client, f"{path}/properties", {"due": "tomorrow", "due_was": "2020-07-01T09:00"})
    assert refused.status_code == 422
    assert "'tomorrow' is no date with a time" in unescape(await refused.get_data(as_text=True))

    assert (await post(agent_client, f"{path}/snooze", {"choice": "monday"})).status_code == 303
    page = await _page(agent_client, path)
    assert "Gus Agent snoozed it until Mon" in page
    assert "or until the customer writes" in page
    assert "Back " in await _page(agent_client, "/tickets?view=snoozed")
    await post(agent_client, f"{path}/snooze", {"choice": "end"})
    assert "Gus Agent ended the snooze" in await _page(agent_client, path)
    refused = await post(agent_client, f"{path}/snooze", {"at": "2020-01-01T00:00"})
    assert refused.status_code == 422
    assert "still to come" in await refused.get_data(as_text=True)


async def test_history_says_who_ended_a_snooze(
    runtime: Runtime, db: Database, agent: User, agent_client: Client, ticket_id: int
) -> None:
    await service.change(ticket_id, user=agent, snoozed_until=utcnow() + timedelta(days=1))
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Hello?")
    assert "The customer ended the snooze" in await _page(agent_client, f"/tickets/{ticket_id}")
    await service.change(ticket_id, user=agent, snoozed_until=utcnow() + timedelta(days=1))
    await _later(db, ticket_id)
    await waking.wake_due(runtime)
    assert "Its snooze was over" in await _page(agent_client, f"/tickets/{ticket_id}")


async def test_many_tickets_get_a_due_date_and_lose_it_by_undo(db: Database, agent_client: Client, agent: User) -> None:
    ids = await add_tickets(db, [{}, {}])
    given = {"due": "tomorrow", "back": "?view=all", "csrf_token": agent_client.csrf_token}  # type: ignore[attr-defined]
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    data = urlencode({**given, "ticket": ids}, doseq=True)
    response = await agent_client.post("/tickets/bulk", data=data, headers=headers)
    due = {(await service.ticket(one)).due_at for one in ids}
    assert due == {moments.due_choices(utcnow(), UTC)[-2].at}
    number = response.location.rpartition("done=")[2]
    await post(agent_client, f"/tickets/bulk/{number}/undo", {"back": ""})
    assert {(await service.ticket(one)).due_at for one in ids} == {None}


async def test_a_new_ticket_may_have_a_due_date(agent_client: Client) -> None:
    form = {"requester": "bob@example.org", "subject": "Hi", "body_text": "Hello", "due": "2026-12-24T09:00"}
    made = int(str((await post(agent_client, "/tickets/new", form)).location).split("/")[2].partition("#")[0])
    found = await service.ticket(made)
    assert found.due_at is not None
    assert f"{found.due_at:%Y-%m-%d}" == "2026-12-24"
    refused = await post(agent_client, "/tickets/new", {**form, "due": "tomorrow"})
    page = await refused.get_data(as_text=True)
    assert (refused.status_code, "is no date with a time" in page, 'value="tomorrow"' in page) == (422, True, True)
