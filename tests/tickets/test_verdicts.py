"""An agent marks a recipient's copy as read or not read, on the ticket page."""

from __future__ import annotations

from html import unescape

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database, utcnow
from app.receipts import rules
from app.receipts import service as receipts
from app.receipts.models import Report
from app.tickets import service
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.web import HOST, get, post


@pytest.fixture
async def reply(db: Database, monkeypatch: pytest.MonkeyPatch) -> MailedReply:
    """A reply that Bob has read, in a portal where reading is seen."""

    async def visible() -> frozenset[str]:
        return rules.STATES

    monkeypatch.setattr(receipts, "visible_states", visible)
    found = await mailed_reply(db, "bob@example.org", "cc:ann@example.org")
    async with db.transaction() as conn:
        read = Report(found.recipients[0].id, found.reply_id, found.ticket_id, "read", utcnow(), words="He clicked.")
        await receipts.report(conn, [read])
    return found


def action_of(reply: MailedReply, number: int = 0) -> str:
    """Where a verdict on a copy is posted to."""
    return f"/tickets/{reply.ticket_id}/replies/{reply.reply_id}/recipients/{reply.recipients[number].id}/verdict"


async def shown(client: Client, path: str) -> str:
    """A page's text."""
    return unescape(await (await get(client, path)).get_data(as_text=True))


async def test_the_popover_says_why_and_offers_what_it_does_not_say(agent_client: Client, reply: MailedReply) -> None:
    for path in (f"/tickets/{reply.ticket_id}", f"/tickets/{reply.ticket_id}/replies/{reply.reply_id}/badge"):
        page = await shown(agent_client, path)
        assert "He clicked." in page
        assert f'action="{action_of(reply)}"' in page
        assert 'Mark as not read<span class="hidden"> by bob@example.org' in page
        assert 'Mark as read<span class="hidden"> by ann@example.org' in page
        assert page.count('name="csrf_token"') >= 2
    in_list = await shown(agent_client, f"/tickets/{reply.ticket_id}/badge")
    assert "He clicked." in in_list
    assert "<form" not in in_list


async def test_a_mark_is_shown_with_who_made_it_and_can_be_undone(agent_client: Client, reply: MailedReply) -> None:
    response = await post(agent_client, action_of(reply), {"verdict": "unread"})
    assert (response.status_code, response.location) == (303, f"/tickets/{reply.ticket_id}#reply-{reply.reply_id}")
    page = await shown(agent_client, f"/tickets/{reply.ticket_id}")
    assert "Marked as not read by Gus Agent" in page
    assert "Undo" in page
    assert "Gus Agent marked the reply to bob@example.org as not read" in page
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "sent"

    await post(agent_client, action_of(reply), {"verdict": ""})
    page = await shown(agent_client, f"/tickets/{reply.ticket_id}")
    assert "Gus Agent took back the mark on the reply to bob@example.org" in page
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_a_mark_that_is_none_changes_nothing_and_says_so(agent_client: Client, reply: MailedReply) -> None:
    await post(agent_client, action_of(reply), {"verdict": "perhaps"})
    assert "A verdict must be read or unread" in await shown(agent_client, f"/tickets/{reply.ticket_id}")
    assert (await service.conversation(reply.ticket_id)).history == ()


async def test_a_copy_is_marked_only_under_its_own_reply_and_ticket(
    agent_client: Client, db: Database, reply: MailedReply
) -> None:
    other_reply = await mailed_reply(db, ticket_id=reply.ticket_id)
    other_ticket = await mailed_reply(db, ticket_id=await _another_ticket())
    copy = reply.recipients[0].id
    for ticket_id, reply_id in (
        (reply.ticket_id, other_reply.reply_id),
        (other_ticket.ticket_id, reply.reply_id),
        (other_ticket.ticket_id, other_ticket.reply_id),
    ):
        path = f"/tickets/{ticket_id}/replies/{reply_id}/recipients/{copy}/verdict"
        assert (await post(agent_client, path, {"verdict": "unread"})).status_code == 404
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_a_mark_needs_a_login_and_the_forms_own_token(
    agent_client: Client, client: Client, reply: MailedReply
) -> None:
    forged = await agent_client.post(action_of(reply), form={"verdict": "unread"}, headers={"Host": HOST})
    assert forged.status_code in {400, 403}
    stranger = await client.post(action_of(reply), form={"verdict": "unread"}, headers={"Host": HOST})
    assert stranger.status_code != 200
    assert (await receipts.badges([reply.reply_id]))[reply.reply_id].state == "read"


async def test_no_mark_is_offered_where_nothing_tells_of_reading(
    agent_client: Client, agent: User, ticket_id: int
) -> None:
    await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
    assert "Mark as" not in await shown(agent_client, f"/tickets/{ticket_id}")


async def _another_ticket() -> int:
    return await service.create_ticket(subject="x", requester="a@example.org", text_body="x", created_by=None)
