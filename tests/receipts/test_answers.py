"""Which copy a customer's answer proves to be read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.database import Database, utcnow
from app.receipts import service as receipts
from app.tickets import service
from tests.receipts.builders import MailedReply, last_receipt, mailed_reply, set_copy

BOB = "bob@example.org"


async def replied(db: Database, reply: MailedReply) -> list[bool]:
    """Of each copy, whether its recipient answered."""
    async with db.connection() as conn:
        rows = await conn.fetch_all(
            "SELECT replied_at FROM email_recipients WHERE email_id = %(id)s ORDER BY id", {"id": reply.mail_id}
        )
    return [row["replied_at"] is not None for row in rows]


async def message_id(db: Database, reply: MailedReply) -> str:
    """Of the reply's mail."""
    async with db.connection() as conn:
        return str(await conn.fetch_value("SELECT message_id FROM outgoing_emails WHERE id = %s", [reply.mail_id]))


async def add_address(db: Database, email: str, *, of: str) -> None:
    """A second address of the contact who has the first."""
    async with db.transaction() as conn:
        contact_id = await conn.fetch_value("SELECT id FROM contacts WHERE email = %(of)s", {"of": of})
        for one in (of, email):
            await conn.execute(
                "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%(email)s, %(id)s, %(now)s)",
                {"email": one, "id": contact_id, "now": utcnow()},
            )


async def test_an_answer_by_mail_shows_on_the_copy_of_the_mail_it_answers(db: Database) -> None:
    first = await mailed_reply(db, BOB, "cc:ann@example.org")
    second = await mailed_reply(db, BOB, ticket_id=first.ticket_id)

    await service.answer_by_mail(email="Bob@Example.ORG", in_reply_to=await message_id(db, first), text_body="Thanks")

    assert await replied(db, first) == [True, False]
    assert await replied(db, second) == [False]
    badge = (await receipts.badges([first.reply_id]))[first.reply_id]
    assert (badge.state, badge.word) == ("replied", "Replied by 1 of 2")
    panel = (await receipts.panels([first.reply_id]))[first.reply_id]
    assert panel.timeline[0].words == f"Answered ({BOB})"


async def test_an_answer_without_an_id_shows_on_the_newest_mail_to_its_writer(db: Database) -> None:
    first = await mailed_reply(db, BOB)
    second = await mailed_reply(db, BOB, ticket_id=first.ticket_id)
    other = await mailed_reply(db, "ann@example.org", ticket_id=first.ticket_id)
    waiting = await mailed_reply(db, BOB, ticket_id=first.ticket_id, state="queued")

    await service.add_customer_message(first.ticket_id, email=BOB, text_body="Hi", in_reply_to="<unknown@elsewhere>")

    found = [await replied(db, one) for one in (first, second, other, waiting)]
    assert found == [[False], [True], [False], [False]]


async def test_the_ticket_shows_the_answer_and_when_the_reply_was_read_by_it(db: Database) -> None:
    reply = await mailed_reply(db, BOB)
    await service.add_customer_message(reply.ticket_id, email=BOB, text_body="Hi")
    assert await last_receipt(db, reply.ticket_id) == "replied"
    async with db.connection() as conn:
        read_at: datetime = await conn.fetch_value("SELECT last_read_at FROM tickets")
        assert read_at == await conn.fetch_value("SELECT replied_at FROM email_recipients")


async def test_a_contact_who_writes_from_another_address_answers_too(db: Database) -> None:
    reply = await mailed_reply(db, BOB, "cc:ann@example.org")
    await add_address(db, "bob@home.example", of=BOB)
    await service.add_customer_message(reply.ticket_id, email="bob@home.example", text_body="Hi")
    assert await replied(db, reply) == [True, False]


async def test_of_two_copies_to_one_contact_the_one_to_the_writing_address_was_answered(db: Database) -> None:
    reply = await mailed_reply(db, BOB, "cc:bob@home.example")
    await add_address(db, "bob@home.example", of=BOB)
    await service.add_customer_message(reply.ticket_id, email="bob@home.example", text_body="Hi")
    assert await replied(db, reply) == [False, True]


async def test_an_automatic_message_is_added_and_proves_nothing(db: Database) -> None:
    reply = await mailed_reply(db, BOB)
    text: dict[str, Any] = {"email": BOB, "text_body": "I am away.", "automatic": True}
    await service.add_customer_message(reply.ticket_id, **text)
    await service.answer_by_mail(in_reply_to=await message_id(db, reply), **text)
    assert await replied(db, reply) == [False]
    assert len((await service.conversation(reply.ticket_id)).messages) == 3


async def test_who_got_no_copy_answers_none(db: Database) -> None:
    reply = await mailed_reply(db, "ann@example.org")
    await service.add_customer_message(reply.ticket_id, email="carl@example.org", text_body="Hi")
    assert await replied(db, reply) == [False]


async def test_a_mail_that_comes_twice_keeps_when_it_came_first(db: Database) -> None:
    reply = await mailed_reply(db, BOB)
    first = utcnow()
    await set_copy(db, reply.recipients[0].id, replied_at=first)
    for _ in range(2):
        await service.add_customer_message(reply.ticket_id, email=BOB, text_body="Hi", message_id="<1@bob>")
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT replied_at FROM email_recipients") == first


async def test_an_answer_and_a_report_of_the_same_copy_do_not_wait_for_each_other_in_a_ring(db: Database) -> None:
    reply = await mailed_reply(db, BOB)
    async with db.transaction() as conn:
        answered = await receipts.answered(conn, ticket_id=reply.ticket_id, email=BOB, in_reply_to=None)
        # The copy is held and the ticket is not: as for a report, which takes them in this order.
        async with db.transaction() as other:
            await other.execute("SELECT id FROM tickets WHERE id = %s FOR UPDATE NOWAIT", [reply.ticket_id])
        assert answered == reply.reply_id
        await receipts.refresh(conn, answered)
    assert await last_receipt(db, reply.ticket_id) == "replied"


async def test_the_next_reply_starts_unread(db: Database, agent: User) -> None:
    reply = await mailed_reply(db, BOB)
    await service.add_customer_message(reply.ticket_id, email=BOB, text_body="Hi")
    await service.add_reply(reply.ticket_id, author=agent, html_body="<p>Fine.</p>")
    async with db.connection() as conn:
        row = await conn.fetch_one("SELECT last_receipt, last_read_at FROM tickets")
    assert row == {"last_receipt": "queued", "last_read_at": None}
