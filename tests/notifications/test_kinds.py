"""What else agents are told: assignments, answers, mentions, due dates, and what `add` is given."""

from __future__ import annotations

from datetime import timedelta

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import admin as administration
from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database, utcnow
from app.notifications import mailing, rules
from app.runtime import Runtime
from app.services import notifications
from app.tickets import dues, mentions, merging, service
from tests.support.web import HOST, get, log_in, post

BOB = "Bob Builder <bob@example.org>"


@pytest.fixture
async def mei(runtime: Runtime) -> User:
    """Another agent."""
    made = await accounts.create_user(email="mei@portal.test", name="Mei Chen", role="agent", password=None)
    found = await accounts.user_by_id(made)
    assert found is not None
    return found


@pytest.fixture
async def ticket_id(runtime: Runtime) -> int:
    """Bob's ticket."""
    return await service.create_ticket(subject="Printer", requester=BOB, text_body="It burns", created_by=None)


async def told(user: User) -> list[str]:
    return [one.words for one in (await notifications.page(user)).rows]


async def test_who_gets_a_ticket_is_told_unless_they_took_it(ticket_id: int, agent: User, mei: User) -> None:
    await service.change(ticket_id, user=agent, assignee_id=agent.id)
    assert await told(agent) == []
    for _ in range(2):
        await service.change(ticket_id, user=agent, assignee_id=mei.id, priority="high")
    assert await told(mei) == [f"Gus Agent assigned to you: #{ticket_id} Printer"]
    await service.create_ticket(subject="New", requester=BOB, text_body="x", created_by=agent, assignee_id=mei.id)
    assert len(await told(mei)) == 2


async def test_the_assignee_and_who_follows_hear_what_the_customer_writes(
    ticket_id: int, agent: User, mei: User, admin: User, agent_client: Client
) -> None:
    await service.change(ticket_id, user=mei, assignee_id=mei.id)
    await post(agent_client, f"/tickets/{ticket_id}/follow")
    assert "Stop following" in await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Still burning")
    words = f"Bob Builder wrote in #{ticket_id} Printer"
    assert (await told(mei), await told(agent), await told(admin)) == ([words], [words], [])
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Away", automatic=True)
    await post(agent_client, f"/tickets/{ticket_id}/follow", {"stop": "1"})
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Again")
    assert (len(await told(mei)), len(await told(agent))) == (2, 1)


async def test_who_follows_goes_along_when_a_ticket_is_merged(ticket_id: int, agent: User, mei: User) -> None:
    other = await service.create_ticket(subject="Other", requester=BOB, text_body="x", created_by=None)
    for one in (ticket_id, other):
        await service.add_reply(one, author=agent, html_body="<p>@mei look</p>", internal=True)
    await merging.merge(ticket_id, other, user=agent)
    await service.add_customer_message(other, email="bob@example.org", text_body="x")
    assert (await told(mei))[0] == f"Bob Builder wrote in #{other} Other"


async def test_a_mention_in_a_note_tells_and_lets_follow(ticket_id: int, agent: User, mei: User, admin: User) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Thanks @mei</p>", to="bob@example.org")
    assert await told(mei) == [], "a reply is no note"
    note = "<p>@Mei, and @gus; @nobody, x@mei, and mail@mei.example. @mei!</p>"
    sent = await service.add_reply(ticket_id, author=agent, html_body=note, internal=True)
    assert sent.mentioned == ("Mei Chen",)
    [one] = (await notifications.page(mei)).rows
    assert (one.words, one.reply_id) == (f"Gus Agent mentioned you in #{ticket_id} Printer", sent.id)
    assert await told(admin) == await told(agent) == []
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Hello?")
    assert len(await told(mei)) == 2, "she follows it"


async def test_whose_handle_begins_so_is_offered_first(
    ticket_id: int, mei: User, admin: User, agent_client: Client, db: Database
) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET name = 'Ada Moreau' WHERE id = %(id)s", {"id": admin.id})
    found = await (await get(agent_client, f"/tickets/{ticket_id}/mentions?q=m")).get_json()
    assert [one["name"] for one in found] == ["Mei Chen", "Ada Moreau"]


async def test_who_is_disabled_is_neither_told_nor_offered(
    ticket_id: int, agent: User, mei: User, admin: User, agent_client: Client
) -> None:
    path = f"/tickets/{ticket_id}/mentions?q="
    for typed in ("m", "MEI", "chen", ""):
        found = await (await get(agent_client, path + typed)).get_json()
        assert {"handle": "mei", "name": "Mei Chen"} in found, typed
    assert await (await get(agent_client, f"{path}gus")).get_json() == [], "not oneself"
    await administration.disable(by=admin, user_id=mei.id)
    assert await (await get(agent_client, f"{path}m")).get_json() == []
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>@mei</p>", internal=True)
    assert sent.mentioned == ()
    assert await told(mei) == []
    assert (await get(agent_client, "/tickets/999/mentions?q=m")).status_code == 404


def test_agents_who_share_a_name_are_called_by_their_whole_address() -> None:
    found = mentions.handles([(1, "Mei", "mei@a.example"), (2, "Mei B", "Mei@b.example"), (3, "Ann", "ann@a.example")])
    assert [one.handle for one in found] == ["mei@a.example", "mei@b.example", "ann"]
    assert mentions.written("@mei@b.example. (@ann) a@mei ..@ann @Ünï-x.") == {"mei@b.example", "ann", "ünï-x"}


async def test_due_dates_are_told_once_soon_and_once_late(
    runtime: Runtime, ticket_id: int, agent: User, mei: User, db: Database
) -> None:
    await service.change(ticket_id, user=agent, assignee_id=agent.id, due_at=utcnow() + timedelta(hours=2))
    await service.add_reply(ticket_id, author=agent, html_body="<p>@mei</p>", internal=True)
    assert await dues.tell_due(runtime) == 2
    assert await dues.tell_due(runtime) == 0
    assert await told(agent) == [f"Due soon: #{ticket_id} Printer"]
    async with db.transaction() as conn:
        await conn.execute("UPDATE tickets SET due_at = UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE")
    assert await dues.tell_due(runtime) == 2
    assert await dues.tell_due(runtime) == 0
    assert await told(agent) == [f"Overdue: #{ticket_id} Printer", f"Due soon: #{ticket_id} Printer"]
    assert len(await told(mei)) == 3
    await service.change(ticket_id, user=agent, due_at=utcnow() + timedelta(days=3))
    assert await dues.tell_due(runtime) == 0
    await service.change(ticket_id, user=agent, status="closed", due_at=utcnow())
    assert await dues.tell_due(runtime) == 0, "a closed ticket is due no more"


async def test_only_what_is_wanted_is_told_and_mailed(
    runtime: Runtime, ticket_id: int, agent: User, mei: User, db: Database
) -> None:
    await profile.change_notifications(mei, {"customer": "email", "mention": "portal"})
    await service.change(ticket_id, user=agent, assignee_id=mei.id)
    await service.add_customer_message(ticket_id, email="bob@example.org", text_body="Hi")
    await service.add_reply(ticket_id, author=agent, html_body="<p>@mei</p>", internal=True)
    kinds = [one.kind for one in (await notifications.page(mei)).rows]
    assert kinds == ["mention", "customer"]
    assert await mailing.mail_due(runtime) == 1
    async with db.connection() as conn:
        [mail] = await conn.fetch_all("SELECT subject, text_body FROM outgoing_emails WHERE reply_id IS NULL")
    assert mail["subject"] == f"Bob Builder wrote in #{ticket_id} Printer"
    assert "/profile#notifications" in mail["text_body"]
    assert "Likely" not in mail["text_body"]


async def test_add_takes_what_another_part_knows(ticket_id: int, agent: User, mei: User, db: Database) -> None:
    for _ in range(2):
        async with db.transaction() as conn:
            await notifications.add(
                conn,
                kind="bounce",
                user_ids=[agent.id, mei.id, mei.id, 999],
                ticket_id=ticket_id,
                words="bob@example.org: mailbox unknown" + "x" * 600,
                by=agent.id,
                once="bounce:1",
            )
    [one] = (await notifications.page(mei)).rows
    assert one.words == f"Not delivered: #{ticket_id} Printer"
    assert len(one.detail) == rules.LONGEST_WORDS
    assert await told(agent) == []
    with pytest.raises(ValueError, match="a kind must be one of"):
        async with db.transaction() as conn:
            await notifications.add(conn, kind="gossip", user_ids=[mei.id], ticket_id=ticket_id)


async def test_page_and_api_filter_by_kind_and_unread(
    app: Quart, ticket_id: int, agent: User, mei: User, client: Client
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>@mei</p>", internal=True)
    await service.change(ticket_id, user=agent, assignee_id=mei.id)
    browser = await log_in(app, mei)

    async def page(query: str) -> str:
        return await (await get(browser, f"/notifications{query}")).get_data(as_text=True)

    assert "mentioned you in" in await page("?kind=mention")
    assert "assigned to you" not in await page("?kind=mention")
    assert "Nothing of this kind" in await page("?kind=bounce")
    assert "assigned to you" in await page("?kind=gossip"), "a kind that is none is no filter"
    headers = {"Host": HOST, "Authorization": f"Bearer {await accounts.create_api_token(mei.email)}"}

    async def listed(query: str) -> list[str]:
        answer = await client.get(f"/api/notifications{query}", headers=headers)
        assert answer.status_code == 200
        return [one["kind"] for one in (await answer.get_json())["notifications"]]

    assert await listed("") == ["assigned", "mention"]
    assert await listed("?kind=mention&unseen=true") == ["mention"]
    await get(browser, f"/tickets/{ticket_id}")
    assert await listed("?unseen=true") == []
    assert "Nothing of this kind" in await page("?new=1")
    assert (await client.get("/api/notifications?kind=gossip", headers=headers)).status_code == 422
