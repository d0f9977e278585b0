"""What agents and admins see of it: the list, a line, the contact's page, the composer."""

from __future__ import annotations

import re

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.suppressions import service
from app.tickets import service as tickets
from app.tickets.errors import TicketRefused
from tests.support.web import get, post
from tests.suppressions.test_list import BOB, found, put

REQUESTER = "Bob Builder <bob@example.org>"


@pytest.fixture
async def ticket_id(db: Database) -> int:
    return await tickets.create_ticket(subject="Printer", requester=REQUESTER, text_body="It burns", created_by=None)


async def text(client: Client, path: str) -> str:
    answer = await get(client, path)
    assert answer.status_code == 200, await answer.get_data(as_text=True)
    return re.sub(r"\s+", " ", await answer.get_data(as_text=True))


async def test_the_list_is_for_admins_and_says_what_is_empty(admin_client: Client, agent_client: Client) -> None:
    assert (await get(agent_client, "/admin/suppressions")).status_code == 403
    assert (await get(agent_client, "/admin/suppressions.csv")).status_code == 403
    assert "No address is suppressed" in await text(admin_client, "/admin/suppressions")
    assert "No address like that" in await text(admin_client, "/admin/suppressions?q=bob")


async def test_an_admin_adds_finds_exports_removes_and_undoes(admin_client: Client, db: Database) -> None:
    form = {"email": "Bob@Example.org", "scope": "all", "detail": "wrote a letter"}
    assert (await post(admin_client, "/admin/suppressions", form)).status_code == 303
    refused = await post(admin_client, "/admin/suppressions", form)
    assert refused.status_code == 422
    assert "bob@example.org is on the list" in await refused.get_data(as_text=True)
    page = await text(admin_client, "/admin/suppressions?q=BOB&reason=manual&scope=all")
    assert "wrote a letter" in page
    assert "by Ada Admin" in page
    assert "1 in all" in page
    assert "bob@example.org" in await text(admin_client, "/admin/suppressions.csv?q=bob")

    one = (await found(db, BOB))[BOB]
    gone = await post(admin_client, f"/suppressions/{one.id}/remove", {"back": "?q=bob"})
    assert gone.headers["Location"] == "/admin/suppressions?q=bob"
    page = await text(admin_client, "/admin/suppressions")
    assert "bob@example.org gets mail again" in page
    assert f'action="/suppressions/{one.id}/restore"' in page
    assert await found(db, BOB) == {}
    await post(admin_client, f"/suppressions/{one.id}/restore")
    assert BOB in await found(db, BOB)
    assert f'href="/suppressions/{one.id}"' in await text(admin_client, "/admin/audit")


async def test_an_agent_sees_why_and_lets_an_address_get_mail_again(agent_client: Client, db: Database) -> None:
    await put(db)
    one = (await found(db, BOB))[BOB]
    page = await text(agent_client, f"/suppressions/{one.id}")
    assert "550 5.1.1 no such user" in page
    answer = await post(agent_client, f"/suppressions/{one.id}/remove", {"back": "?q=bob"})
    assert answer.headers["Location"] == f"/suppressions/{one.id}"
    assert "gets mail again" in await text(agent_client, f"/suppressions/{one.id}")
    assert (await get(agent_client, "/suppressions/99")).status_code == 404


async def test_the_contacts_page_says_it_beside_the_address(agent_client: Client, db: Database, ticket_id: int) -> None:
    contact = (await tickets.ticket(ticket_id)).contact_id
    assert "Gets no mail" not in await text(agent_client, f"/contacts/{contact}")
    await put(db)
    page = await text(agent_client, f"/contacts/{contact}")
    assert "Gets no mail" in page
    assert "550 5.1.1 no such user" in page


async def test_the_composer_says_it_before_sending(agent_client: Client, db: Database, ticket_id: int) -> None:
    assert "gets no mail" not in await text(agent_client, f"/tickets/{ticket_id}")
    await put(db)
    assert "gets no mail: mail to it bounced" in await text(agent_client, f"/tickets/{ticket_id}")
    answer = await get(agent_client, "/suppressions/check?to=ann@x.org, Bob <bob@example.org>&cc=nonsense&requester=")
    [one] = await answer.get_json()
    assert (one["field"], one["email"]) == ("to", "bob@example.org")
    assert "gets no mail" in await text(agent_client, "/tickets/new?contact=bob@example.org")


async def test_a_reply_is_refused_at_the_field_and_nothing_is_stored(
    agent_client: Client, agent: User, db: Database, ticket_id: int
) -> None:
    await put(db)
    with pytest.raises(TicketRefused) as caught:
        await tickets.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>", to="ann@x.org", cc="bob@example.org")
    assert list(caught.value.fields) == ["cc"]
    assert caught.value.fields["cc"].endswith("take it off the list of suppressed addresses first.")
    answer = await post(agent_client, f"/tickets/{ticket_id}/replies", {"to": REQUESTER, "body_text": "Hi"})
    assert answer.status_code == 422
    page = await answer.get_data(as_text=True)
    assert 'id="f-to-error"' in page
    composer = page[page.index('id="composer"') :]
    assert composer.count("gets no mail") == 1, "what the field says is not said again below it"
    assert "or let it get mail again" in composer
    form = {"requester": REQUESTER, "subject": "Hi", "body_text": "Hi", "send_mail": "1"}
    answer = await post(agent_client, "/tickets/new", form)
    assert answer.status_code == 422
    assert 'id="f-requester-error"' in await answer.get_data(as_text=True)
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM outgoing_emails") == 0
        assert await conn.fetch_value("SELECT COUNT(*) FROM tickets") == 1
    # A note is no mail.
    await tickets.add_reply(ticket_id, author=agent, html_body="<p>Call him</p>", internal=True)
    await service.remove((await found(db, BOB))[BOB].id, by=agent)
    await tickets.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
