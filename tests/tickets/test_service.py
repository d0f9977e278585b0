"""Opening, answering and changing tickets, below the pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.accounts.models import User
from app.accounts.service import create_user, user_by_id
from app.database import Database, Row, utcnow
from app.tickets import service
from app.tickets.errors import AuthorRefused, BodyTooLarge, TicketNotFound, TicketRefused
from app.tickets.files import Upload
from tests.support.live import published

BOB = "Bob Builder <bob@example.org>"


async def _ticket(**given: Any) -> int:
    values: dict[str, Any] = {"subject": "Printer on fire", "requester": BOB, "text_body": "Help!", "created_by": None}
    return await service.create_ticket(**{**values, **given})


async def _rows(db: Database, sql: str) -> list[Row]:
    async with db.connection() as conn:
        return await conn.fetch_all(sql)


async def _count(db: Database, table: str) -> int:
    async with db.connection() as conn:
        return int(await conn.fetch_value(f"SELECT COUNT(*) FROM {table}"))  # noqa: S608


async def test_a_new_ticket_has_its_contact_and_first_message(db: Database) -> None:
    ticket_id = await _ticket(text_body="Help!\n\nSee https://example.org/x")

    ticket = await service.ticket(ticket_id)
    [message] = (await service.conversation(ticket_id)).messages
    assert (ticket.subject, ticket.contact_name, ticket.contact_email) == (
        "Printer on fire",
        "Bob Builder",
        "bob@example.org",
    )
    assert (ticket.status, ticket.last_from) == ("open", "customer")
    assert (message.kind, message.is_html, message.body_text) == (
        "customer",
        False,
        "Help!\n\nSee https://example.org/x",
    )
    assert 'href="https://example.org/x"' in message.body_html


async def test_the_same_address_is_the_same_contact_in_any_case(db: Database) -> None:
    first = await service.ticket(await _ticket())
    second = await service.ticket(await _ticket(requester="BOB@EXAMPLE.ORG"))
    assert first.contact_id == second.contact_id


async def test_tickets_made_at_once_for_a_new_address_share_one_contact(db: Database) -> None:
    ids = await asyncio.gather(*(_ticket(requester="new@example.org") for _ in range(6)))
    contacts = {(await service.ticket(one)).contact_id for one in ids}
    assert len(contacts) == 1
    assert await _count(db, "contacts") == 1


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("subject", {"subject": "Hi\r\nBcc: everyone@example.org"}),
        ("subject", {"subject": "  "}),
        ("subject", {"subject": "x" * 401}),
        ("requester", {"requester": "bob@example.org\r\nCc: eve@example.org"}),
        ("requester", {"requester": "nobody"}),
        ("priority", {"priority": "utmost"}),
        ("body", {"text_body": None}),
        ("body", {"text_body": "x" * 512_001}),
        ("assignee", {"assignee_id": 4711}),
    ],
)
async def test_a_ticket_that_breaks_a_rule_is_refused_at_the_field(
    db: Database, field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(TicketRefused) as caught:
        await _ticket(**given)
    assert list(caught.value.fields) == [field]
    assert await _count(db, "tickets") == 0


async def test_a_reply_and_its_mail_are_stored_together(db: Database, agent: User) -> None:
    ticket_id = await _ticket()

    sent = await service.add_reply(
        ticket_id,
        author=agent,
        html_body="<p>Use <b>water</b></p>",
        cc="Ann <ann@example.org>",
        bcc=["boss@example.org"],
    )

    assert sent.mail is not None
    assert [(one.role, one.email) for one in sent.mail.recipients] == [
        ("to", "bob@example.org"),
        ("cc", "ann@example.org"),
        ("bcc", "boss@example.org"),
    ]
    [mail] = await _rows(db, "SELECT reply_id, subject, html_body, sender FROM outgoing_emails")
    assert mail["subject"] == f"Re: Printer on fire [#{ticket_id}]"
    assert (mail["reply_id"], mail["html_body"]) == (sent.id, "<p>Use <b>water</b></p>")
    assert mail["sender"] == "Gus Agent <support@portal.test>"
    ticket = await service.ticket(ticket_id)
    assert (ticket.last_from, ticket.last_reply_id, ticket.last_receipt) == ("agent", sent.id, "queued")


async def test_answers_refer_to_the_messages_before_them(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    await service.add_customer_message(
        ticket_id, email="bob@example.org", text_body="More", message_id="<one@example.org>"
    )
    await service.add_reply(ticket_id, author=agent, html_body="First")
    await service.add_reply(ticket_id, author=agent, html_body="Second")

    first, second = await _rows(db, "SELECT message_id, in_reply_to, reference_ids FROM outgoing_emails ORDER BY id")
    assert first["in_reply_to"] == "<one@example.org>"
    assert second["in_reply_to"] == first["message_id"]
    assert "<one@example.org>" in second["reference_ids"]


async def test_the_signature_stands_below_the_reply_but_not_below_a_note(db: Database, agent: User) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET signature = 'Gus <3\nSupport'")
    author = await user_by_id(agent.id)
    assert author is not None
    ticket_id = await _ticket()
    await service.add_reply(ticket_id, author=author, html_body="<p>Done</p>")
    await service.add_reply(ticket_id, author=author, html_body="<p>Was hard</p>", internal=True)

    _, reply, note = (await service.conversation(ticket_id)).messages
    assert reply.body_html == "<p>Done</p><p>-- </p><p>Gus &lt;3<br>Support</p>"
    assert reply.body_text.endswith("\n-- \nGus <3\nSupport")
    assert "Gus" not in note.body_html
    [row] = await _rows(db, "SELECT last_snippet FROM tickets")
    assert row["last_snippet"] == "Done"


async def test_a_note_sends_nothing_and_does_not_change_who_waits(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    sent = await service.add_reply(
        ticket_id, author=agent, html_body="<p>Careful</p>", internal=True, to="x@example.org"
    )
    assert sent.mail is None
    assert await _count(db, "outgoing_emails") == 0
    ticket = await service.ticket(ticket_id)
    assert (ticket.last_from, ticket.last_reply_id) == ("customer", None)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("to", {"to": "bob@example.org\r\nBcc: eve@example.org"}),
        ("to", {"to": ""}),
        ("to", {"to": "bob@example.org, nonsense"}),
        ("cc", {"cc": ["eve@example.org\nX-Evil: 1"]}),
        ("bcc", {"bcc": "a b@example.org"}),
        ("body", {"html_body": "<p> </p><script>alert(1)</script>"}),
        ("body", {"html_body": "x" * 5_000_000}),
        ("files", {"attachment_ids": [4711]}),
        ("files", {"uploads": [Upload("big.bin", "", b"x" * (10 * 1024 * 1024 + 1))]}),
        ("files", {"uploads": [Upload(f"{i}.txt", "text/plain", b"x") for i in range(21)]}),
        ("status", {"then_status": "gone"}),
        ("body", {"html_body": '<p><img src="/attachments/4711/inline"></p>'}),
    ],
)
async def test_a_reply_that_breaks_a_rule_leaves_nothing(
    db: Database, agent: User, field: str, given: dict[str, Any]
) -> None:
    ticket_id = await _ticket()
    with pytest.raises(TicketRefused) as caught:
        await service.add_reply(ticket_id, **{"author": agent, "html_body": "<p>Hello</p>", **given})
    assert list(caught.value.fields) == [field]
    assert await _count(db, "ticket_replies") == 1
    assert await _count(db, "outgoing_emails") == 0
    assert await _count(db, "attachments") == 0


async def test_a_body_too_large_names_both_numbers_and_the_way_out(agent: User, db: Database) -> None:
    with pytest.raises(BodyTooLarge, match=r"5000000 characters, at most 512000 fit; shorten it"):
        await service.add_reply(await _ticket(), author=agent, html_body="x" * 5_000_000)


async def test_all_wrong_lines_are_named_at_once(agent: User, db: Database) -> None:
    with pytest.raises(TicketRefused) as caught:
        await service.add_reply(await _ticket(), author=agent, html_body="Hi", to="one", cc="two", bcc="three")
    assert set(caught.value.fields) == {"to", "cc", "bcc"}


async def test_two_hundred_recipients_get_a_copy_each(db: Database, agent: User) -> None:
    many = ", ".join(f"Person {i} <p{i}@example.org>" for i in range(199))
    sent = await service.add_reply(await _ticket(), author=agent, html_body="Hi all", cc=many)
    assert sent.mail is not None
    assert len(sent.mail.recipients) == 200
    assert len({one.tracking_id for one in sent.mail.recipients}) == 200


async def test_a_disabled_agent_sends_nothing(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET disabled_at = %(now)s", {"now": utcnow()})
    with pytest.raises(AuthorRefused, match=r"gus@portal\.test is disabled"):
        await service.add_reply(ticket_id, author=agent, html_body="<p>Hello</p>")
    assert await _count(db, "outgoing_emails") == 0


async def test_a_ticket_that_is_not_there_is_named(agent: User, db: Database) -> None:
    with pytest.raises(TicketNotFound, match="#4711"):
        await service.add_reply(4711, author=agent, html_body="Hi")
    with pytest.raises(TicketNotFound):
        await service.add_customer_message(4711, email="bob@example.org", text_body="Hi")
    with pytest.raises(TicketNotFound):
        await service.change(4711, user=agent, status="closed")


async def test_replies_and_answers_at_once_are_all_kept(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    await asyncio.gather(
        *(service.add_reply(ticket_id, author=agent, html_body=f"<p>{i}</p>", then_status="pending") for i in range(5)),
        *(service.add_customer_message(ticket_id, email=BOB, text_body=f"c{i}") for i in range(5)),
    )
    assert len((await service.conversation(ticket_id)).messages) == 11
    assert await _count(db, "outgoing_emails") == 5


async def test_send_and_close_closes_and_an_answer_opens_again(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    await service.add_reply(ticket_id, author=agent, html_body="Done", then_status="closed")
    assert (await service.ticket(ticket_id)).status == "closed"
    assert [row["active"] for row in await _rows(db, "SELECT active FROM tickets")] == [0]

    await service.add_customer_message(ticket_id, email="bob@example.org", html_body="<p>Not done</p>")

    ticket = await service.ticket(ticket_id)
    assert (ticket.status, ticket.last_from) == ("open", "customer")
    history = (await service.conversation(ticket_id)).history
    assert [(one.user_name, one.old_value, one.new_value) for one in history] == [
        ("Gus Agent", "open", "closed"),
        (None, "closed", "open"),
    ]


async def test_a_mail_that_comes_twice_is_added_once(db: Database) -> None:
    ticket_id = await _ticket()
    given: dict[str, Any] = {"email": BOB, "text_body": "Again", "message_id": "<twice@example.org>"}
    first = await service.add_customer_message(ticket_id, **given)
    second = await service.add_customer_message(ticket_id, **given)
    assert first == second
    assert await _count(db, "ticket_replies") == 2


async def test_changes_are_in_the_history_with_names(db: Database, agent: User, admin: User) -> None:
    ticket_id = await _ticket()
    changed = await service.change(ticket_id, user=agent, status="pending", priority="high", assignee_id=admin.id)
    assert len(changed) == 3
    assert await service.change(ticket_id, user=agent, status="pending") == ()
    await service.change(ticket_id, user=admin, assignee_id=None)

    history = (await service.conversation(ticket_id)).history
    assert [(one.user_name, one.field, one.old_value, one.new_value) for one in history] == [
        ("Gus Agent", "status", "open", "pending"),
        ("Gus Agent", "priority", "normal", "high"),
        ("Gus Agent", "assignee", "", "Ada Admin"),
        ("Ada Admin", "assignee", "Ada Admin", ""),
    ]
    assert (await service.ticket(ticket_id)).assignee_id is None


async def test_a_namesake_can_take_over_a_ticket(db: Database, agent: User) -> None:
    twin = await create_user(email="gus2@portal.test", name=agent.name, role="agent", password=None)
    ticket_id = await _ticket(assignee_id=agent.id)
    await service.change(ticket_id, user=agent, assignee_id=twin)
    assert (await service.ticket(ticket_id)).assignee_id == twin


async def test_a_disabled_agent_cannot_be_given_a_ticket(db: Database, agent: User, admin: User) -> None:
    ticket_id = await _ticket()
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET disabled_at = NOW(6) WHERE id = %(id)s", {"id": agent.id})
    with pytest.raises(TicketRefused, match="disabled or does not exist"):
        await service.change(ticket_id, user=admin, assignee_id=agent.id)


async def test_an_agent_opens_a_ticket_by_mail(db: Database, agent: User) -> None:
    ticket_id, sent = await service.open_ticket(
        subject="Your order", requester=BOB, author=agent, html_body="<p>It is late.</p>", assignee_id=agent.id
    )
    [mail] = await _rows(db, "SELECT subject, reply_id FROM outgoing_emails")
    assert mail == {"subject": f"Your order [#{ticket_id}]", "reply_id": sent.id}
    [message] = (await service.conversation(ticket_id)).messages
    assert (message.kind, message.author_name) == ("reply", "Gus Agent")
    assert (await service.ticket(ticket_id)).assignee_name == "Gus Agent"


async def test_every_change_is_told_to_open_pages(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM live_events")
    await service.add_reply(ticket_id, author=agent, html_body="Hi", then_status="closed")
    told = await published(db)
    assert {event.topic for event in told} == {f"ticket:{ticket_id}", "tickets"}
    assert {event.detail["kind"] for event in told} >= {"message", "ticket"}


async def test_a_long_conversation_is_read_in_stretches(db: Database, agent: User) -> None:
    ticket_id = await _ticket()
    for number in range(5):
        await service.add_customer_message(ticket_id, email=BOB, text_body=f"m{number}")
    newest = await service.conversation(ticket_id, limit=4)
    assert [one.body_text for one in newest.messages] == ["m1", "m2", "m3", "m4"]
    assert newest.earlier == 2
    older = await service.conversation(ticket_id, before=newest.messages[0].id, limit=4)
    assert [one.body_text for one in older.messages] == ["Help!", "m0"]
    assert older.earlier == 0


async def test_halves_of_characters_are_replaced_not_refused_by_the_database(db: Database) -> None:
    ticket_id = await _ticket(text_body="broken \ud83d emoji and \x00")
    [message] = (await service.conversation(ticket_id)).messages
    assert message.body_text == "broken ? emoji and \ufffd"
