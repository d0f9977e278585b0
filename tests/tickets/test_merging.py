"""One ticket becomes part of another, and nothing of it is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.email.addresses import Address
from app.tickets import drafts, followers, listing, merging, service
from app.tickets.errors import TicketRefused
from app.tickets.listing_rules import TicketQuery
from tests.support.web import get, post


async def _text(client: Client, path: str) -> str:
    return unescape(await (await get(client, path)).get_data(as_text=True))


@pytest.fixture
async def other(ticket_id: int) -> int:
    return await service.create_ticket(
        subject="Smoke in the cellar", requester="Ann <ann@example.org>", text_body="Purple smoke.", created_by=None
    )


async def test_everything_of_it_moves(agent: User, ticket_id: int, other: int, db: Database) -> None:
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Use water</p>")
    await service.add_reply(other, author=agent, html_body="<p>Hold on</p>", internal=True)
    await service.change(ticket_id, user=agent, add_tags=["fire", "late"])
    await service.change(other, user=agent, add_tags=["fire"])
    async with db.transaction() as conn:
        await followers.add(conn, ticket_id, [Address("Cid", "cid@example.org")])
    await merging.merge(ticket_id, other, user=agent)
    kinds = [(one.kind, one.contact_name) for one in (await service.conversation(other)).messages]
    assert sorted(kinds, key=str) == sorted(
        [("customer", "Ann"), ("customer", "Bob Builder"), ("note", None), ("reply", None)], key=str
    )
    found = await service.ticket(other)
    assert (found.tags, found.last_reply_id, found.last_receipt) == (("fire", "late"), sent.id, "queued")
    async with db.connection() as conn:
        assert {email for _, email in await followers.of_ticket(conn, other)} == {"bob@example.org", "cid@example.org"}
    gone = await service.ticket(ticket_id)
    assert (gone.status, gone.merged_into, gone.last_reply_id) == ("closed", other, None)
    assert (await service.conversation(ticket_id)).messages == ()
    page = await listing.list_tickets(TicketQuery(user_id=agent.id, view="all", words="burns"))
    assert other in {row.id for row in page.rows}


async def test_the_old_number_leads_to_the_new_ticket(
    agent_client: Client, agent: User, ticket_id: int, other: int
) -> None:
    third = await service.create_ticket(
        subject="All fires", requester="ann@example.org", text_body="x", created_by=None
    )
    await merging.merge(ticket_id, other, user=agent)
    await merging.merge(other, third, user=agent)
    response = await get(agent_client, f"/tickets/{ticket_id}")
    assert (response.status_code, response.location) == (303, f"/tickets/{third}")
    assert f"took in #{other} Smoke in the cellar" in await _text(agent_client, f"/tickets/{third}")


async def test_an_answer_to_a_mail_of_it_comes_to_the_new_ticket(
    agent: User, ticket_id: int, other: int, db: Database
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Use water</p>")
    await merging.merge(ticket_id, other, user=agent)
    async with db.connection() as conn:
        sent = str(await conn.fetch_value("SELECT message_id FROM outgoing_emails"))
    await service.answer_by_mail(email="bob@example.org", in_reply_to=sent, text_body="It is out")
    assert (await service.conversation(other)).messages[-1].body_text.strip() == "It is out"


async def test_drafts_are_put_together(agent: User, ticket_id: int, other: int) -> None:
    for one, words in ((ticket_id, "<p>One</p>"), (other, "<p>Two</p>")):
        await drafts.save(one, user=agent, kind="reply", body_html=words, to="", cc="", bcc="")
    await merging.merge(ticket_id, other, user=agent)
    kept = await drafts.load(other, user=agent)
    assert kept is not None
    assert kept.body_html == "<p>Two</p><p>One</p>"


async def test_a_page_shows_both_before_the_deed(agent_client: Client, ticket_id: int, other: int) -> None:
    page = await _text(agent_client, f"/tickets/{ticket_id}/merge?into=%23{other}")
    assert "Smoke in the cellar" in page
    assert "The two are of different customers" in page
    assert (await service.ticket(ticket_id)).merged_into is None
    response = await post(agent_client, f"/tickets/{ticket_id}/merge", {"into": str(other)})
    assert (response.status_code, response.location) == (303, f"/tickets/{other}")
    assert f"#{ticket_id} is part of this ticket now." in await _text(agent_client, f"/tickets/{other}")


@pytest.mark.parametrize(
    ("into", "words"),
    [("", "Give the number"), ("x", "Give the number"), ("999999", "no ticket #999999"), ("SELF", "into itself")],
)
async def test_what_cannot_be_merged_is_told(agent_client: Client, ticket_id: int, into: str, words: str) -> None:
    into = str(ticket_id) if into == "SELF" else into
    response = await get(agent_client, f"/tickets/{ticket_id}/merge?into={into}")
    assert response.status_code == 422
    assert words in unescape(await response.get_data(as_text=True))


async def test_a_merged_ticket_takes_no_more(
    agent_client: Client, agent: User, ticket_id: int, other: int, db: Database
) -> None:
    await merging.merge(ticket_id, other, user=agent)
    with pytest.raises(TicketRefused, match="merged already"):
        await merging.merge(ticket_id, other, user=agent)
    third = await service.create_ticket(subject="Third", requester="ann@example.org", text_body="x", created_by=None)
    with pytest.raises(TicketRefused, match="give that number"):
        await merging.merge(third, ticket_id, user=agent)
    form = {"kind": "reply", "to": "bob@example.org", "body_html": "<p>My long text</p>"}
    response = await post(agent_client, f"/tickets/{ticket_id}/replies", form)
    assert response.status_code == 422
    page = unescape(await response.get_data(as_text=True))
    assert re.search(rf"was merged into #{other} meanwhile", page)
    assert "My long text" in page
