"""Splitting: what goes along with the messages, what both tickets say of it, and when it is refused."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database
from app.notifications import service as notifications
from app.tickets import holding, listing, merging, service, splitting
from app.tickets.composer import Composer
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.listing_rules import parse
from tests.receipts.builders import set_copy
from tests.support.web import HOST, get, post

BOB = "bob@example.org"


async def value(db: Database, sql: str, *values: object) -> object:
    async with db.connection() as conn:
        return await conn.fetch_value(sql, list(values))


async def message_ids(ticket_id: int) -> list[int]:
    return [one.id for one in (await service.conversation(ticket_id)).messages]


@pytest.fixture
async def two_matters(ticket_id: int, agent: User, db: Database) -> tuple[int, int, int]:
    """Ticket 'Printer on fire', in which Bob asked for an invoice too: its id, those of the question and the answer."""
    await service.change(ticket_id, user=agent, assignee_id=agent.id, priority="high", add_tags=["vip"])
    upload = Upload("invoice.txt", "text/plain", b"17 euros")
    asked = await service.add_customer_message(ticket_id, email=BOB, text_body="Zanzibar invoice?", uploads=[upload])
    answered = (await service.add_reply(ticket_id, author=agent, html_body="<p>Here it is</p>")).id
    return ticket_id, asked, answered


async def test_messages_go_with_files_badges_and_words(
    two_matters: tuple[int, int, int], agent: User, db: Database
) -> None:
    ticket_id, asked, answered = two_matters
    copy = int(str(await value(db, "SELECT MAX(id) FROM email_recipients")))
    before = await service.ticket(ticket_id)

    new_id = await splitting.split(ticket_id, [answered, asked], subject=" Invoice ", user=agent)

    assert await message_ids(new_id) == [asked, answered]
    assert len(await message_ids(ticket_id)) == 1
    made, rest = await service.ticket(new_id), await service.ticket(ticket_id)
    assert (made.subject, made.contact_id, made.priority, made.assignee_id, made.tags, made.status) == (
        "Invoice",
        before.contact_id,
        "high",
        agent.id,
        ("vip",),
        "open",
    )
    assert (made.last_reply_id, made.last_receipt, made.last_from) == (answered, "queued", "agent")
    assert (rest.last_reply_id, rest.last_receipt, rest.last_from) == (None, None, "customer")
    first = (await service.conversation(new_id)).messages[0]
    assert made.created_at == first.created_at
    assert await value(db, "SELECT ticket_id FROM attachments") == new_id
    for one, word, found in ((new_id, "zanzibar", True), (ticket_id, "zanzibar", False), (ticket_id, "burns", True)):
        page = await listing.list_tickets(parse({"view": "all", "q": word}, user_id=agent.id))
        assert (one in [row.id for row in page.rows]) == found, word
    # What becomes of the mail is the new ticket's from then on.
    await set_copy(db, copy, seen="read")
    assert (await service.ticket(new_id)).last_reply_id == answered


async def test_an_answer_to_a_moved_mail_comes_to_the_new_ticket(
    two_matters: tuple[int, int, int], agent: User, db: Database
) -> None:
    ticket_id, asked, answered = two_matters
    new_id = await splitting.split(ticket_id, [asked, answered], subject="Invoice", user=agent)
    sent = str(await value(db, "SELECT message_id FROM outgoing_emails WHERE reply_id = %s", answered))
    added = await service.answer_by_mail(email=BOB, in_reply_to=sent, text_body="Thanks")
    assert added in await message_ids(new_id)
    assert (await service.ticket(new_id)).last_receipt == "replied"


async def test_both_tell_of_each_other_and_it_can_be_put_back(
    two_matters: tuple[int, int, int], agent: User, agent_client: Client
) -> None:
    ticket_id, asked, answered = two_matters
    form = {"csrf_token": agent_client.csrf_token, "split_subject": "Invoice"}  # type: ignore[attr-defined]
    ticked = urlencode([("message", asked), ("message", answered), *form.items()])
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    response = await agent_client.post(f"/tickets/{ticket_id}/split", data=ticked, headers=headers)
    new_id = int(str(response.location).split("/")[2].partition("?")[0])
    page = await (await get(agent_client, str(response.location))).get_data(as_text=True)
    for words in (f"split this off #{ticket_id} Printer on fire", f'href="/tickets/{ticket_id}"', "Put them back"):
        assert words in page, words
    old = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert f"split off #{new_id} Invoice" in old
    assert "Put them back" not in await (await get(agent_client, f"/tickets/{new_id}?split=999")).get_data(as_text=True)
    await merging.merge(new_id, ticket_id, user=agent)
    assert len(await message_ids(ticket_id)) == 3


async def test_who_follows_goes_along(ticket_id: int, agent: User, other_agent: User) -> None:
    note = (await service.add_reply(ticket_id, author=agent, html_body="<p>@mei look</p>", internal=True)).id
    new_id = await splitting.split(ticket_id, [note], subject="For Mei", user=agent)
    [told] = (await notifications.page(other_agent)).rows
    assert told.path == f"/tickets/{new_id}#reply-{note}"
    await service.add_customer_message(new_id, email=BOB, text_body="Hi")
    assert len((await notifications.page(other_agent)).rows) == 2


async def test_what_does_not_hold_is_said_and_changes_nothing(
    two_matters: tuple[int, int, int], agent: User, agent_client: Client, db: Database
) -> None:
    ticket_id, asked, _ = two_matters
    other = await service.create_ticket(subject="Other", requester=BOB, text_body="x", created_by=None)
    tickets = await value(db, "SELECT COUNT(*) FROM tickets")
    everything = await message_ids(ticket_id)
    for chosen, words in (
        ([], "No message is chosen"),
        (everything, "leave at least one"),
        (await message_ids(other), f"is not one of #{ticket_id}"),
        (range(1, 202), "at most 200"),
    ):
        with pytest.raises(TicketRefused, match=words):
            await splitting.split(ticket_id, list(chosen), subject="x", user=agent)
    with pytest.raises(TicketNotFound):
        await splitting.split(99999, [1], subject="x", user=agent)
    await profile.change_undo(agent, "10")
    user = await accounts.user_by_id(agent.id)
    assert user is not None
    hold = await holding.hold(Composer(), "<p>x</p>", user=user)
    waits = (await service.add_reply(ticket_id, author=user, html_body="<p>x</p>", hold=hold)).id
    with pytest.raises(TicketRefused, match="waits to be sent"):
        await splitting.split(ticket_id, [waits], subject="x", user=agent)
    await merging.merge(other, ticket_id, user=agent)
    with pytest.raises(TicketRefused, match=f"merged into #{ticket_id}"):
        await splitting.split(other, [1], subject="x", user=agent)
    response = await post(agent_client, f"/tickets/{ticket_id}/split", {"message": str(asked), "split_subject": " "})
    page = await response.get_data(as_text=True)
    assert (response.status_code, "The subject is empty" in page) == (422, True)
    assert f'name="message" value="{asked}" checked' in page, "what was chosen stays chosen"
    assert await value(db, "SELECT COUNT(*) FROM tickets") == tickets


async def test_the_api_splits(app: Quart, two_matters: tuple[int, int, int], agent: User) -> None:
    ticket_id, asked, answered = two_matters
    headers = {"Host": HOST, "Authorization": f"Bearer {await accounts.create_api_token(agent.email)}"}
    client = app.test_client()
    path = f"/api/tickets/{ticket_id}/split"
    made = await client.post(path, json={"subject": "Invoice", "messages": [asked, answered]}, headers=headers)
    assert made.status_code == 201
    assert (await made.get_json())["subject"] == "Invoice"
    again = await client.post(path, json={"subject": "Invoice", "messages": [asked]}, headers=headers)
    assert again.status_code == 422
    assert "messages" in (await again.get_json())["error"]["fields"]
