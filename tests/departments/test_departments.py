"""Departments: the admin's pages, tickets that belong to one, and the API's field."""

from __future__ import annotations

import re
from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.departments import service
from app.departments.errors import DepartmentRefused
from app.tickets import service as tickets
from app.tickets.errors import TicketRefused
from tests.support.web import get, post
from tests.tickets.list_support import add_tickets


async def _text(client: Client, path: str, status: int = 200) -> str:
    response = await get(client, path)
    assert response.status_code == status
    return unescape(await response.get_data(as_text=True))


@pytest.fixture
async def sales(admin: User) -> int:
    return await service.add(by=admin, name="Sales", email="sales@portal.test", tracking="opens")


@pytest.fixture
async def ticket_id(db: Database) -> int:
    [ticket_id] = await add_tickets(db, [{"subject": "Printer"}])
    return ticket_id


async def test_an_admin_adds_renames_and_deletes_one(admin_client: Client, ticket_id: int, admin: User) -> None:
    assert "No departments" in await _text(admin_client, "/admin/departments")
    given = {"name": " Sales ", "email": "sales@portal.test", "tracking": "off"}
    assert (await post(admin_client, "/admin/departments/new", given)).status_code == 303
    [found] = await service.departments()
    assert (found.name, found.email, found.tracking) == ("Sales", "sales@portal.test", "off")
    page = f"/admin/departments/{found.id}"
    assert "No ticket belongs to it." in await _text(admin_client, page)
    assert (await post(admin_client, page, {**given, "name": "Orders"})).status_code == 303
    await tickets.change(ticket_id, user=admin, department_id=found.id)
    assert "1 ticket belongs to it: they stay" in await _text(admin_client, page)
    assert (await post(admin_client, f"{page}/delete")).status_code == 303
    assert "Orders is deleted" in await _text(admin_client, "/admin/departments")
    ticket = await tickets.ticket(ticket_id)
    assert (ticket.department_id, ticket.department_name) == (None, None)
    log = await _text(admin_client, "/admin/audit")
    assert re.findall(r"\b(added|changed|deleted) the department", log) == ["deleted", "changed", "added"]


async def test_a_number_that_was_given_is_never_given_again(admin: User, ticket_id: int, sales: int) -> None:
    await tickets.change(ticket_id, user=admin, department_id=sales)
    await service.delete(sales, by=admin)
    other = await service.add(by=admin, name="Sales")
    assert other != sales
    assert (await tickets.ticket(ticket_id)).department_id is None


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": "  "}, "name", "The name is empty"),
        ({"name": "x" * 101}, "name", "has 101 characters, at most 100 fit"),
        ({"name": "a\nb"}, "name", "holds a line break"),
        ({"name": "SALES"}, "name", "There is a department 'SALES' already"),
        ({"email": "nobody"}, "email", "nobody"),
        ({"tracking": "all"}, "tracking", "must be one of inherit, both, opens, clicks, off, got 'all'"),
    ],
)
async def test_what_does_not_hold_is_named_at_its_field(
    admin_client: Client, admin: User, sales: int, change: dict[str, str], field: str, words: str
) -> None:
    given = {"name": "Service", "email": "", "tracking": "off", **change}
    with pytest.raises(DepartmentRefused) as refused:
        await service.add(by=admin, **given)
    assert list(refused.value.fields) == [field]
    response = await post(admin_client, "/admin/departments/new", given)
    page = unescape(await response.get_data(as_text=True))
    assert response.status_code == 422
    assert words in page
    assert f'id="f-{field}-error"' in page
    assert [one.name for one in await service.departments()] == ["Sales"]


async def test_agents_do_not_reach_the_pages_and_what_is_gone_is_a_404(
    agent_client: Client, admin_client: Client, sales: int
) -> None:
    for path in ("", "/new", f"/{sales}"):
        await _text(agent_client, f"/admin/departments{path}", 403)
    assert (await post(agent_client, f"/admin/departments/{sales}/delete")).status_code == 403
    await _text(admin_client, "/admin/departments/9999", 404)
    assert (await post(admin_client, "/admin/departments/9999/delete")).status_code == 404


async def test_a_ticket_shows_its_department_only_where_there_are_any(
    agent_client: Client, admin: User, ticket_id: int
) -> None:
    for path in (f"/tickets/{ticket_id}", "/tickets/new"):
        assert 'name="department"' not in await _text(agent_client, path)
    sales = await service.add(by=admin, name="Sales")
    for path in (f"/tickets/{ticket_id}", "/tickets/new"):
        assert f'<option value="{sales}">Sales</option>' in await _text(agent_client, path)


async def test_an_agent_moves_a_ticket_and_the_history_says_so(
    agent_client: Client, ticket_id: int, sales: int
) -> None:
    form = {"department": str(sales), "department_was": ""}
    assert (await post(agent_client, f"/tickets/{ticket_id}/properties", form)).status_code == 303
    assert (await tickets.ticket(ticket_id)).department_name == "Sales"
    page = await _text(agent_client, f"/tickets/{ticket_id}")
    assert "Gus Agent moved it to Sales" in page
    assert f'<option value="{sales}" selected>' in page
    # A form that did not touch it, or that never showed it, leaves it.
    untouched = {"department": "", "department_was": ""}
    await post(
        agent_client, f"/tickets/{ticket_id}/properties", {**untouched, "status": "closed", "status_was": "open"}
    )
    await post(agent_client, f"/tickets/{ticket_id}/properties", {"status": "open", "status_was": "closed"})
    assert (await tickets.ticket(ticket_id)).department_id == sales
    await post(agent_client, f"/tickets/{ticket_id}/properties", {"department": "", "department_was": str(sales)})
    assert "Gus Agent took it out of Sales" in await _text(agent_client, f"/tickets/{ticket_id}")


@pytest.mark.parametrize("wrong", ["9999", "x", "-1"])
async def test_a_department_that_is_none_is_refused(agent_client: Client, ticket_id: int, wrong: str) -> None:
    response = await post(agent_client, f"/tickets/{ticket_id}/properties", {"department": wrong, "department_was": ""})
    assert response.status_code == 422
    new = {"requester": "b@x.org", "subject": "s", "body_text": "Hi", "department": wrong}
    response = await post(agent_client, "/tickets/new", new)
    assert response.status_code == 422
    assert "epartment" in unescape(await response.get_data(as_text=True))


async def test_a_new_ticket_can_belong_to_one(agent_client: Client, agent: User, sales: int) -> None:
    form = {"requester": "b@x.org", "subject": "s", "body_text": "Hi", "department": str(sales), "assignee": ""}
    for send in ({}, {"send_mail": "1"}):
        response = await post(agent_client, "/tickets/new", {**form, **send})
        assert response.status_code == 303
        found = await tickets.ticket(int(response.location.split("/")[2].partition("#")[0]))
        assert found.department_name == "Sales"
    with pytest.raises(TicketRefused):
        await tickets.create_ticket(subject="s", requester="b@x.org", text_body="x", created_by=agent, department_id=99)
