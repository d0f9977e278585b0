"""Changing many tickets at once, and taking that back."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.tickets import bulk, service
from app.tickets.bulk import Wanted
from app.tickets.errors import TicketRefused
from tests.support.web import HOST, get, post
from tests.tickets.list_support import add_tickets


@pytest.fixture
async def three(db: Database) -> list[int]:
    return await add_tickets(db, [{"subject": name} for name in ("Printer", "Scanner", "Screen")])


async def _text(client: Client, path: str) -> str:
    return unescape(await (await get(client, path)).get_data(as_text=True))


async def test_ticked_tickets_are_changed_and_that_is_undone(
    agent_client: Client, agent: User, three: list[int]
) -> None:
    await service.change(three[0], user=agent, priority="high")
    given = {"status": "closed", "priority": "", "assignee": str(agent.id), "add_tags": "Old", "back": "?view=all"}
    ticked = urlencode({**given, "ticket": three[:2], "csrf_token": agent_client.csrf_token}, doseq=True)  # type: ignore[attr-defined]
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    response = await agent_client.post("/tickets/bulk", data=ticked, headers=headers)
    assert response.status_code == 303
    assert response.location.startswith("/tickets?view=all&done=")
    for ticket_id in three[:2]:
        found = await service.ticket(ticket_id)
        assert (found.status, found.assignee_id) == ("closed", agent.id)
        assert (await service.ticket(ticket_id)).tags == ("old",)
    assert (await service.ticket(three[2])).status == "open"
    page = await _text(agent_client, response.location)
    assert "2 tickets changed." in page
    [undo] = re.findall(r'action="(/tickets/bulk/\d+/undo)"', page)
    await service.change(three[0], user=agent, status="pending")
    assert (await post(agent_client, undo, {"back": "?view=all"})).status_code == 303
    first, second = [await service.ticket(one) for one in three[:2]]
    assert (first.status, first.priority, first.assignee_id) == ("pending", "high", None), "what came later stays"
    assert (second.status, second.assignee_id) == ("open", None)
    assert (await service.ticket(second.id)).tags == ()
    assert "undone already" in await _text(agent_client, (await post(agent_client, undo, {})).location)


async def test_a_ticket_that_cannot_be_changed_costs_itself_only(agent: User, three: list[int]) -> None:
    await service.change(three[1], user=agent, add_tags=[f"t{n}" for n in range(20)])
    done = await bulk.change([*three, 999_999], Wanted(add_tags=("one", "two")), user=agent)
    assert (done.changed, done.same) == (2, 0)
    assert set(done.refused) == {three[1], 999_999}
    again = await bulk.change([three[0]], Wanted(add_tags=("one",)), user=agent)
    assert (again.changed, again.same, again.number) == (0, 1, None)


@pytest.mark.parametrize(
    ("ids", "wanted", "words"),
    [
        ([], Wanted(status="closed"), "No ticket is selected"),
        (list(range(1, 202)), Wanted(status="closed"), "at most 200"),
        ([1], Wanted(), "Nothing is to be changed"),
        ([1], Wanted(add_tags=("x" * 41,)), "at most 40"),
    ],
)
async def test_what_cannot_be_done_is_told(agent: User, ids: list[int], wanted: Wanted, words: str) -> None:
    with pytest.raises(TicketRefused, match=words):
        await bulk.change(ids, wanted, user=agent)


async def test_nobody_undoes_what_another_did(agent: User, admin: User, three: list[int]) -> None:
    done = await bulk.change(three, Wanted(status="closed"), user=agent)
    assert done.number is not None
    assert await bulk.can_undo(done.number, user=admin) == 0
    with pytest.raises(TicketRefused, match="undone already"):
        await bulk.undo(done.number, user=admin)
    assert await bulk.can_undo(done.number, user=agent) == 3


@pytest.mark.parametrize("back", ["https://evil.example/?x=1", "//evil.example/tickets?x=1", "/admin?x=1"])
async def test_the_way_back_is_the_list(agent_client: Client, three: list[int], back: str) -> None:
    response = await post(agent_client, "/tickets/bulk", {"ticket": str(three[0]), "status": "closed", "back": back})
    assert re.fullmatch(r"/tickets(\?done=\d+)?", response.location)


async def test_many_are_snoozed_and_that_is_undone(
    agent_client: Client, agent: User, three: list[int], db: Database
) -> None:
    form = {"ticket": str(three[0]), "snooze": "tomorrow"}
    done = str((await post(agent_client, "/tickets/bulk", form)).location).partition("done=")[2]
    until = (await service.ticket(three[0])).snoozed_until
    assert until is not None
    await service.change(three[1], user=agent, snoozed_until=until)
    closed = await bulk.change(three[:2], bulk.Wanted(status="closed"), user=agent)
    assert (await service.ticket(three[1])).snoozed_until is None, "closing ends a snooze"
    assert closed.number is not None
    await bulk.undo(closed.number, user=agent)
    assert (await service.ticket(three[1])).snoozed_until == until, "and undoing that brings it back"
    await post(agent_client, f"/tickets/bulk/{done}/undo")
    assert (await service.ticket(three[0])).snoozed_until is None
    await post(agent_client, "/tickets/bulk", {"ticket": str(three[1]), "snooze": "end"})
    assert (await service.ticket(three[1])).snoozed_until is None
    refused = await post(agent_client, "/tickets/bulk", {"ticket": str(three[1]), "snooze": "never"})
    assert "must be one of the menu" in await _text(agent_client, refused.location)
