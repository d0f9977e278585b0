"""Properties, sending again, and opening a ticket for somebody."""

from __future__ import annotations

import re

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.tickets import service
from app.tickets.errors import TicketNotFound, TicketRefused
from tests.support.web import get, post

NEW = {"requester": "Bob <bob@example.org>", "subject": "Your order", "body_html": "<p>It is late.</p>", "assignee": ""}


async def test_properties_are_set_and_written_down(agent_client: Client, admin: User, ticket_id: int) -> None:
    form = {"status": "pending", "priority": "high", "assignee": str(admin.id)}
    response = await post(agent_client, f"/tickets/{ticket_id}/properties", form)
    assert (response.status_code, response.location) == (303, f"/tickets/{ticket_id}")
    ticket = await service.ticket(ticket_id)
    assert (ticket.status, ticket.priority, ticket.assignee_name) == ("pending", "high", "Ada Admin")
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "Gus Agent set the status to Waiting for the customer" in page
    assert "Gus Agent assigned it to Ada Admin" in page


async def test_assign_to_me_leaves_the_rest(agent_client: Client, agent: User, ticket_id: int) -> None:
    await post(agent_client, f"/tickets/{ticket_id}/properties", {"to_me": "1"})
    ticket = await service.ticket(ticket_id)
    assert (ticket.assignee_id, ticket.status, ticket.priority) == (agent.id, "open", "normal")


@pytest.mark.parametrize(
    ("field", "value"), [("status", "gone"), ("priority", "x"), ("assignee", "4711"), ("assignee", "me; DROP TABLE")]
)
async def test_a_property_that_does_not_hold_is_refused_at_its_field(
    agent_client: Client, ticket_id: int, field: str, value: str
) -> None:
    response = await post(agent_client, f"/tickets/{ticket_id}/properties", {field: value})
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in await response.get_data(as_text=True)


async def test_a_form_shown_before_another_agents_change_does_not_undo_it(
    agent_client: Client, admin: User, ticket_id: int
) -> None:
    shown = {"status_was": "open", "priority_was": "normal", "assignee_was": ""}
    await service.change(ticket_id, user=admin, status="pending", assignee_id=admin.id)
    form = {**shown, "status": "open", "priority": "urgent", "assignee": ""}
    await post(agent_client, f"/tickets/{ticket_id}/properties", form)
    ticket = await service.ticket(ticket_id)
    assert (ticket.status, ticket.priority, ticket.assignee_id) == ("pending", "urgent", admin.id)


async def _fail(db: Database, reply_id: int, words: str = "552 mailbox full") -> list[int]:
    async with db.transaction() as conn:
        await conn.execute(
            """
            UPDATE email_recipients AS p JOIN outgoing_emails AS m ON m.id = p.email_id
               SET p.state = 'failed', p.smtp_text = %(words)s WHERE m.reply_id = %(id)s
            """,
            {"words": words, "id": reply_id},
        )
        rows = await conn.fetch_all("SELECT id FROM email_recipients ORDER BY id")
    return [row["id"] for row in rows]


async def test_a_failed_copy_shows_the_servers_words_and_is_sent_again(
    agent_client: Client, agent: User, ticket_id: int, db: Database
) -> None:
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
    [copy] = await _fail(db, sent.id, "552 <b>mailbox</b> full")
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "bob@example.org did not get this: 552 &lt;b&gt;mailbox&lt;/b&gt; full." in page
    action = f"/tickets/{ticket_id}/recipients/{copy}/send-again"
    assert f'action="{action}"' in page

    response = await post(agent_client, action)
    assert (response.status_code, response.location) == (303, f"/tickets/{ticket_id}#reply-{sent.id}")
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT state FROM email_recipients") == "queued"
    again = await post(agent_client, action)
    page = await (await get(agent_client, again.location)).get_data(as_text=True)
    assert "only one that failed or is unknown is sent again" in page


async def test_all_failed_copies_are_sent_again_at_once(
    agent_client: Client, agent: User, ticket_id: int, db: Database
) -> None:
    many = ", ".join(f"p{number}@example.org" for number in range(14))
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>", cc=many)
    await _fail(db, sent.id)
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "15 recipients of 15 have a problem." in page
    assert "and 5 more" in page

    await post(agent_client, f"/tickets/{ticket_id}/replies/{sent.id}/send-again")
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM email_recipients WHERE state = 'queued'") == 15


async def test_a_copy_is_sent_again_from_its_own_ticket_only(
    agent_client: Client, agent: User, ticket_id: int, db: Database
) -> None:
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
    [copy] = await _fail(db, sent.id)
    other = await service.create_ticket(subject="x", requester="a@example.org", text_body="x", created_by=None)
    assert (await post(agent_client, f"/tickets/{other}/recipients/{copy}/send-again")).status_code == 404
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT state FROM email_recipients") == "failed"


async def test_an_agent_opens_a_ticket_by_mail(agent_client: Client, db: Database) -> None:
    response = await post(agent_client, "/tickets/new", {**NEW, "send_mail": "1", "priority": "high"})
    assert response.status_code == 303
    found = re.fullmatch(r"/tickets/(\d+)#reply-(\d+)", response.location)
    assert found is not None
    async with db.connection() as conn:
        mail = await conn.fetch_one("SELECT subject, reply_id FROM outgoing_emails")
    assert mail == {"subject": f"Your order [#{found[1]}]", "reply_id": int(found[2])}
    assert (await service.ticket(int(found[1]))).priority == "high"


async def test_what_a_customer_said_is_written_down_without_a_mail(agent_client: Client, db: Database) -> None:
    response = await post(agent_client, "/tickets/new", NEW)
    assert response.status_code == 303
    page = await (await get(agent_client, response.location.partition("#")[0])).get_data(as_text=True)
    assert "Written down by" in page
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM outgoing_emails") == 0
        assert await conn.fetch_value("SELECT kind FROM ticket_replies") == "customer"


async def test_all_that_is_wrong_with_a_new_ticket_is_said_at_once_and_kept(agent_client: Client, db: Database) -> None:
    form = {
        **NEW,
        "requester": "x\r\nBcc: eve@example.org",
        "subject": "a\nb",
        "send_mail": "1",
        "assignee": "9" * 5000,
    }
    response = await post(agent_client, "/tickets/new", form)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert 'id="f-requester-error"' in page
    assert 'id="f-subject-error"' in page
    assert 'id="f-assignee-error"' in page
    assert "&lt;p&gt;It is late.&lt;/p&gt;" in page
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM tickets") == 0
        assert await conn.fetch_value("SELECT COUNT(*) FROM contacts") == 0


async def test_contacts_are_suggested_by_name_and_address(agent_client: Client, ticket_id: int) -> None:
    for typed in ("bob", "Buil", "bob@exa", "BOB@"):
        found = await (await get(agent_client, f"/tickets/new/contacts?q={typed}")).get_json()
        assert found == [{"value": "Bob Builder <bob@example.org>", "label": "Bob Builder"}], typed
    for typed in ("b", "%25", '"+-*()~<>@', "__", "\\"):
        assert await (await get(agent_client, f"/tickets/new/contacts?q={typed}")).get_json() == [], typed


async def test_a_link_can_fill_in_the_contact(agent_client: Client) -> None:
    page = await (await get(agent_client, '/tickets/new?contact="><script>x')).get_data(as_text=True)
    assert 'value="&#34;&gt;&lt;script&gt;x"' in page


async def test_an_answer_by_mail_finds_its_ticket_and_strangers_do_not(
    agent: User, ticket_id: int, db: Database
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>", cc="ann@example.org")
    async with db.connection() as conn:
        mail_id = await conn.fetch_value("SELECT message_id FROM outgoing_emails")
    for sender in ("bob@example.org", "ann@example.org"):
        await service.answer_by_mail(email=sender, in_reply_to=mail_id, text_body=f"from {sender}")
    with pytest.raises(TicketRefused, match="takes no part"):
        await service.answer_by_mail(email="eve@example.org", in_reply_to=mail_id, text_body="let me in")
    with pytest.raises(TicketNotFound):
        await service.answer_by_mail(email="bob@example.org", in_reply_to="<no@where>", text_body="hm")
    texts = [one.body_text for one in (await service.conversation(ticket_id)).messages]
    assert texts == ["It burns.\n\nBob", "Hi", "from bob@example.org", "from ann@example.org"]


async def test_what_is_refused_is_kept_as_it_was_typed(agent_client: Client, ticket_id: int) -> None:
    form = {"status": "pending", "priority": "high", "due": "2026-12-24T10:00", "tags": "vip, " + "x" * 50}
    response = await post(agent_client, f"/tickets/{ticket_id}/properties", form)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert f'value="{form["tags"]}"' in page
    assert 'value="2026-12-24T10:00"' in page
    for chosen in ("pending", "high"):
        assert f'<option value="{chosen}" selected>' in page
