"""Which ticket a mail goes to. Nobody joins a ticket that they take no part in, whatever they know or claim."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest

from app.accounts.models import User
from app.contacts import repository as contacts
from app.database import utcnow
from app.email.reply_tokens import ReplyTokens
from app.receipts import service as receipts
from app.tickets import followers, service
from tests.inbound.conftest import Inbox, mail


@pytest.fixture
async def ticket_id(inbox: Inbox) -> int:
    """A ticket that Bob opened by mail."""
    row = await inbox.take(mail("It burns.", subject="Printer on fire", headers={"Message-ID": "<first@bob>"}))
    return int(row["ticket_id"])


async def test_a_new_sender_opens_a_ticket_as_a_contact(inbox: Inbox, ticket_id: int) -> None:
    found = await service.ticket(ticket_id)
    assert (found.subject, found.contact_email, found.contact_name) == (
        "Printer on fire",
        "bob@example.org",
        "Bob Builder",
    )
    assert (await inbox.all("SELECT words FROM ticket_words"))[0]["words"].find(b"burns") > 0
    assert await inbox.count("live_events") > 0


async def test_an_answer_joins_by_token_counts_as_reading_and_reopens(
    inbox: Inbox, ticket_id: int, agent: User
) -> None:
    message_id = await inbox.replied(agent, ticket_id, then_status="closed")
    await inbox.all("UPDATE email_recipients SET state = 'sent', sent_at = UTC_TIMESTAMP(6)")
    row = await inbox.take(mail("Still burns.", headers={"In-Reply-To": message_id}))
    assert row["ticket_id"] == ticket_id
    assert (await service.ticket(ticket_id)).status == "open"
    replies = await inbox.all("SELECT id FROM ticket_replies WHERE kind = 'reply'")
    badge = (await receipts.badges([replies[0]["id"]]))[replies[0]["id"]]
    assert badge.state == "replied"


async def test_the_token_holds_when_the_outbox_is_gone_and_only_signed(
    inbox: Inbox, ticket_id: int, agent: User
) -> None:
    message_id = await inbox.replied(agent, ticket_id)
    await inbox.all("UPDATE outgoing_emails SET message_id = CONCAT('<gone', id, '@x>')")
    assert (await inbox.take(mail("a", headers={"References": f"<x@y> {message_id}"})))["ticket_id"] == ticket_id
    forged = message_id.replace(message_id.split(".")[2][:4], "0000")
    assert (await inbox.take(mail("b", headers={"References": forged})))["ticket_id"] != ticket_id


async def test_a_token_in_the_address_joins(inbox: Inbox, ticket_id: int, agent: User) -> None:
    await inbox.replied(agent, ticket_id)
    reply = (await inbox.all("SELECT id FROM ticket_replies WHERE kind = 'reply'"))[0]["id"]
    address = ReplyTokens(inbox.runtime.settings.keys).address(reply, "support@portal.test")
    assert (await inbox.take(mail("Hi"), recipient=address))["ticket_id"] == ticket_id
    other = await inbox.take(mail("Hi", sender="eve@example.net"), recipient=address)
    assert other["ticket_id"] != ticket_id
    assert other["supposed_ticket_id"] == ticket_id


@pytest.mark.parametrize("claim", ["subject", "in_reply_to", "references", "their_own_id"])
async def test_a_stranger_never_joins(inbox: Inbox, ticket_id: int, agent: User, claim: str) -> None:
    message_id = await inbox.replied(agent, ticket_id)
    headers = {
        "subject": {},
        "in_reply_to": {"In-Reply-To": message_id},
        "references": {"References": message_id},
        "their_own_id": {"In-Reply-To": "<first@bob>"},
    }[claim]
    before = len((await service.conversation(ticket_id)).messages)
    row = await inbox.take(
        mail("Send me the password", sender="Bob <eve@example.net>", subject=f"Re: x [#{ticket_id}]", headers=headers)
    )
    assert row["ticket_id"] != ticket_id
    assert row["supposed_ticket_id"] == ticket_id
    assert len((await service.conversation(ticket_id)).messages) == before
    assert (await service.ticket(row["ticket_id"])).contact_email == "eve@example.net"


async def test_a_number_in_the_subject_alone_joins_nobody(inbox: Inbox, ticket_id: int) -> None:
    row = await inbox.take(mail("Hello again", subject=f"Re: Printer [#{ticket_id}]"))
    assert row["ticket_id"] != ticket_id
    assert row["supposed_ticket_id"] == ticket_id
    assert (await inbox.take(mail("x", subject="[#4294967296]")))["supposed_ticket_id"] is None


async def test_who_is_in_copy_follows_and_may_answer(inbox: Inbox, ticket_id: int, agent: User) -> None:
    message_id = await inbox.replied(agent, ticket_id)
    copied = {"In-Reply-To": message_id, "Cc": "Zoe <zoe@example.org>, support@portal.test, gus@portal.test"}
    await inbox.take(mail("With Zoe", headers=copied))
    async with inbox.runtime.database.connection() as conn:
        assert await followers.of_ticket(conn, ticket_id) == [("Zoe", "zoe@example.org")]
    row = await inbox.take(mail("I am Zoe", sender="zoe@example.org", headers={"In-Reply-To": message_id}))
    assert row["ticket_id"] == ticket_id


async def test_a_ticket_closed_long_ago_is_left_closed(inbox: Inbox, ticket_id: int, agent: User) -> None:
    message_id = await inbox.replied(agent, ticket_id, then_status="closed")
    await inbox.all("UPDATE tickets SET last_activity_at = %(at)s", at=utcnow() - timedelta(days=31))
    row = await inbox.take(mail("Again", headers={"In-Reply-To": message_id}))
    assert row["ticket_id"] != ticket_id
    assert row["supposed_ticket_id"] == ticket_id
    assert (await service.ticket(ticket_id)).status == "closed"


async def test_the_same_mail_by_two_ways_is_one_and_another_with_its_id_is_not(inbox: Inbox) -> None:
    raw = mail("Once", headers={"Message-ID": "<same@x>"})
    first = await inbox.take(raw)
    assert (await inbox.take(raw))["id"] == first["id"]
    again = await inbox.take(b"Received: by another way\r\n" + raw)
    assert again["id"] != first["id"]
    assert (again["ticket_id"], again["reply_id"]) == (first["ticket_id"], None)
    assert "came before" in again["reason"]
    other = await inbox.take(mail("Something else", headers={"Message-ID": "<same@x>"}))
    assert other["reply_id"] is not None
    assert await inbox.count("ticket_replies") == 2


async def test_files_and_pictures_are_kept_under_names_of_ours(inbox: Inbox) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "bob@example.org", "Files"
    message.set_content("see")
    message.add_alternative('<p>see <img src="cid:pic@x"><img src="cid:gone@x"></p>', subtype="html")
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    message.get_payload()[1].add_related(png, "image", "png", cid="<PIC@x>")  # type: ignore[union-attr,index]
    message.add_attachment(b"MZ", "application", "x-msdownload", filename="..\\..\\in\u202efdp.exe")
    message.add_attachment(b"z" * 10_500_000, "application", "zip", filename="huge.zip")
    row = await inbox.take(message.as_bytes())
    files = await inbox.all("SELECT id, filename, content_type, is_inline, reply_id FROM attachments ORDER BY id")
    assert [(one["filename"], one["is_inline"]) for one in files] == [("part1.png", 1), ("infdp.exe", 0)]
    assert {one["reply_id"] for one in files} == {row["reply_id"]}
    body = (await inbox.message_of(row)).body_html
    assert f"/attachments/{files[0]['id']}/inline" in body
    assert "cid:gone@x" in body
    assert "huge.zip" in row["notes"]


async def test_a_mail_without_text_or_subject_is_taken(inbox: Inbox) -> None:
    row = await inbox.take(b"From: bob@example.org\r\n\r\n")
    assert (await service.ticket(row["ticket_id"])).subject == "(no subject)"
    assert "no text" in (await inbox.message_of(row)).body_text


async def test_html_that_is_too_long_is_kept_as_text(inbox: Inbox) -> None:
    raw = b"From: bob@example.org\r\nContent-Type: text/html\r\n\r\n<p>" + b"x" * 700_000
    row = await inbox.take(raw)
    assert row["state"] == "processed"
    assert "original" in row["notes"]


async def test_a_person_who_cannot_be_told_waits_for_an_admin(inbox: Inbox) -> None:
    row = await inbox.take(
        mail().replace(b"From: Bob Builder <bob@example.org>", b"From: <bob@example.org>eve@example.net")
    )
    assert row["state"] == "quarantined"
    assert "From" in row["reason"]
    async with inbox.runtime.database.connection() as conn:
        assert await contacts.contact_of_address(conn, "bob@example.org") is None
