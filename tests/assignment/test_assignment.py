"""Assignment rules: which decides, whose turn it is, however a ticket comes, and the admin's pages."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.assignment import service
from app.assignment.errors import RuleNotFound, RuleRefused
from app.assignment.models import Opened
from app.database import Database
from app.notifications import service as notifications
from app.runtime import Runtime
from app.services import departments, tickets
from tests.inbound.conftest import Inbox, mail
from tests.support.web import HOST, get, post

BOB = "Bob <bob@example.org>"


@pytest.fixture
async def mei(runtime: Runtime) -> User:
    """A third user."""
    made = await accounts.create_user(email="mei@portal.test", name="Mei Chen", role="agent", password=None)
    found = await accounts.user_by_id(made)
    assert found is not None
    return found


async def opened(**more: object) -> int | None:
    """Who has a new ticket of Bob's."""
    values = {"subject": "Hi", "requester": BOB, "text_body": "x", "created_by": None, **more}
    return (await tickets.ticket(await tickets.create_ticket(**values))).assignee_id  # type: ignore[arg-type]


async def test_without_rules_nobody_has_it_and_who_is_named_keeps_it(admin: User, agent: User) -> None:
    assert await opened() is None
    await service.save(None, by=admin, name="All", agent_ids=[agent.id])
    assert await opened() == agent.id
    assert await opened(assignee_id=admin.id) == admin.id


async def test_the_first_that_fits_decides(admin: User, agent: User, mei: User) -> None:
    sales = await departments.add(by=admin, name="Sales")
    await service.save(None, by=admin, name="Sales or VIP", department_ids=[sales], tags=["#VIP"], agent_ids=[mei.id])
    rest = await service.save(None, by=admin, name="Rest", agent_ids=[agent.id])
    assert await opened(department_id=sales) == mei.id
    assert await opened(tags=["vip", "new"]) == mei.id
    assert await opened(tags=["other"]) == agent.id
    await service.move(rest, by=admin, up=True)
    assert await opened(tags=["vip"]) == agent.id
    await service.move(rest, by=admin, up=True)
    await service.move(rest, by=admin, up=False)
    assert [one.name for one in await service.rules()] == ["Sales or VIP", "Rest"]


async def test_mail_form_and_api_are_treated_alike(
    runtime: Runtime, admin: User, agent: User, mei: User, agent_client: Client, db: Database
) -> None:
    async with db.transaction() as conn:
        box = await conn.insert(
            "INSERT INTO mailboxes (address, signature, password, created_at, updated_at) "
            "VALUES ('support@portal.test', '', '', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))"
        )
    await service.save(None, by=admin, name="Support", mailbox_ids=[box], agent_ids=[mei.id])
    await service.save(None, by=admin, name="Rest", agent_ids=[agent.id])
    inbox = Inbox(runtime)
    by_mailbox = await inbox.take(mail("one"), mailbox_id=box)
    by_address = await inbox.take(mail("two"))
    for row in (by_mailbox, by_address):
        assert (await tickets.ticket(row["ticket_id"])).assignee_id == mei.id
    form = {"requester": "bob@example.org", "subject": "Hi", "body_text": "Hello", "assignee": ""}
    response = await post(agent_client, "/tickets/new", form)
    made = int(re.findall(r"/tickets/(\d+)", str(response.location))[0])
    assert (await tickets.ticket(made)).assignee_id == agent.id
    headers = {"Host": HOST, "Authorization": f"Bearer {await accounts.create_api_token(mei.email)}"}
    body = {"subject": "Hi", "requester": BOB, "text_body": "x"}
    answer = await (await agent_client.post("/api/tickets", json=body, headers=headers)).get_json()
    assert (await tickets.ticket(answer["id"])).assignee_id == agent.id


async def test_the_history_and_a_notification_say_why(admin: User, mei: User, agent_client: Client) -> None:
    await service.save(None, by=admin, name="VIP first", agent_ids=[mei.id])
    ticket_id = await tickets.create_ticket(subject="Hi", requester=BOB, text_body="x", created_by=None)
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "The rule “VIP first” assigned it to Mei Chen" in page
    [told] = (await notifications.page(mei)).rows
    assert (told.words, told.detail) == (f"Assigned to you: #{ticket_id} Hi", "By the rule “VIP first”")


async def test_several_take_turns_without_who_is_away_or_disabled(admin: User, agent: User, mei: User) -> None:
    everybody = sorted([admin.id, agent.id, mei.id])
    await service.save(None, by=admin, name="Turns", agent_ids=everybody)
    assert [await opened() for _ in range(4)] == [*everybody, everybody[0]]
    await profile.change_away(mei, is_away=True)
    assert mei.id not in [await opened() for _ in range(4)]
    await administration.disable(by=admin, user_id=agent.id)
    assert {await opened() for _ in range(3)} == {admin.id}
    await profile.change_away(admin, is_away=True)
    assert await opened() is None, "nobody is left"
    await service.save(None, by=admin, name="Last resort", agent_ids=[admin.id])
    await profile.change_away(mei, is_away=False)
    assert await opened() == mei.id, "the first rule again, once it has somebody"


async def test_turns_are_fair_when_tickets_come_at_once(admin: User, agent: User, mei: User) -> None:
    await service.save(None, by=admin, name="Turns", agent_ids=[admin.id, agent.id, mei.id])
    got = Counter(await asyncio.gather(*(opened(requester=f"c{number}@example.org") for number in range(12))))
    assert sorted(got.values()) == [4, 4, 4]


async def test_trying_it_takes_nobodys_turn(admin: User, agent: User, mei: User) -> None:
    assert await service.try_it(Opened()) is None
    await service.save(None, by=admin, name="Turns", tags=["vip"], agent_ids=[agent.id, mei.id])
    first = await service.try_it(Opened(tags=("vip",)))
    assert first is not None
    assert first == await service.try_it(Opened(tags=("vip",)))
    assert await service.try_it(Opened(tags=("other",))) is None
    assert await opened(tags=["vip"]) == first.agent.id


async def test_what_does_not_hold_is_named(admin: User, agent: User, mei: User) -> None:
    for given, field in (
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"agent_ids": []}, "agents"),
        ({"agent_ids": [9999]}, "agents"),
        ({"mailbox_ids": [9999]}, "mailboxes"),
        ({"department_ids": [9999]}, "departments"),
        ({"tags": ["a,b"]}, "tags"),
    ):
        with pytest.raises(RuleRefused) as refused:
            await service.save(None, by=admin, **{"name": "Rule", "agent_ids": [agent.id], **given})  # type: ignore[arg-type]
        assert list(refused.value.fields) == [field]
    for call in (service.rule(9), service.move(9, by=admin, up=True), service.delete(9, by=admin)):
        with pytest.raises(RuleNotFound):
            await call
    rule_id = await service.save(None, by=admin, name="Rule", agent_ids=[mei.id])
    await administration.disable(by=admin, user_id=mei.id)
    await service.save(rule_id, by=admin, name="Renamed", agent_ids=[mei.id])
    assert (await service.rule(rule_id)).name == "Renamed", "who was disabled meanwhile does not stop a change"


async def test_admins_manage_rules_on_their_pages(admin_client: Client, agent_client: Client, agent: User) -> None:
    async def page(path: str = "/admin/assignment") -> str:
        response = await get(admin_client, path)
        assert response.status_code == 200
        return await response.get_data(as_text=True)

    assert "No rules" in await page()
    refused = await post(admin_client, "/admin/assignment/new", {"name": "VIP", "tags": "vip, a" + "b" * 50})
    text = await refused.get_data(as_text=True)
    assert (refused.status_code, "at least one agent" in text, "at most 40 fit" in text) == (422, True, True)
    assert 'value="VIP"' in text
    for name in ("VIP", "Rest"):
        form = {"name": name, "tags": "vip" if name == "VIP" else "", "agents": str(agent.id)}
        assert (await post(admin_client, "/admin/assignment/new", form)).status_code == 303
    listed = await page()
    assert listed.index("VIP") < listed.index("Rest")
    [rule_id] = re.findall(r'/admin/assignment/(\d+)">Rest', listed)
    assert "Every ticket" in listed
    moved = await post(admin_client, f"/admin/assignment/{rule_id}/move", {"to": "up"})
    assert moved.location == f"/admin/assignment#rule-{rule_id}-up"
    listed = await page()
    assert listed.index(">Rest<") < listed.index(">VIP<")
    assert "Gus Agent, by the rule “Rest”" in await page("/admin/assignment?try=1&tags=vip")
    assert "VIP" in await page(f"/admin/assignment/{int(rule_id) - 1}")
    assert (await post(admin_client, f"/admin/assignment/{rule_id}/delete")).status_code == 303
    assert "Nobody: no rule fits" in await page("/admin/assignment?try=1&tags=other")
    assert "Nobody" not in await page("/admin/assignment?try=1&tags=vip&mailbox=x&department=%C2%B2")
    assert "deleted" in await page("/admin/audit")
    for path in ("", "/new", "/1"):
        assert (await get(agent_client, f"/admin/assignment{path}")).status_code == 403
    assert (await get(admin_client, "/admin/assignment/999")).status_code == 404


async def test_one_says_that_one_is_away(agent_client: Client, agent: User) -> None:
    await post(agent_client, "/profile/away", {"is_away": "1"})
    found = await accounts.user_by_id(agent.id)
    assert found is not None
    assert found.is_away
    assert "Gus Agent (away)" in await (await get(agent_client, "/tickets/new")).get_data(as_text=True)
    await post(agent_client, "/profile/away")
    found = await accounts.user_by_id(agent.id)
    assert found is not None
    assert not found.is_away


async def test_who_is_limited_gets_only_what_they_see(admin: User, agent: User, mei: User, db: Database) -> None:
    sales, other = [await departments.add(by=admin, name=name) for name in ("Sales", "Other")]
    async with db.transaction() as conn:
        await conn.execute("INSERT INTO user_departments (user_id, department_id) VALUES (%s, %s)", [mei.id, sales])
    await service.save(None, by=admin, name="Mei", agent_ids=[mei.id])
    assert await opened(department_id=sales) == mei.id
    assert await opened(department_id=other) is None
    assert await opened() == mei.id, "a ticket without a department is seen by who has it"
    unseen = await tickets.create_ticket(
        subject="Hi", requester=BOB, text_body="x", created_by=None, department_id=other
    )
    sent = await tickets.add_reply(unseen, author=agent, html_body="<p>@mei</p>", internal=True)
    assert sent.mentioned == ()
    assert len((await notifications.page(mei)).rows) == 2
