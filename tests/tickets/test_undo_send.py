"""Undo send: a reply waits in the outbox, is taken back with all that was written, or goes out once by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database
from app.email import delivery
from app.runtime import Runtime
from app.tickets import composer, drafts, holding, listing, service
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.listing_rules import parse
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import HOST, get, post


@pytest.fixture
async def waits(agent: User) -> User:
    """Gus, who has ten seconds to take a reply back."""
    await profile.change_undo(agent, "10")
    return replace(agent, undo_seconds=10)


async def send(ticket_id: int, user: User, html: str = "<p>Use <b>water</b>.</p>", **more: object) -> int:
    form = composer.Composer(to="bob@example.org", cc="ann@example.org", body_html=html, track=False)
    hold = await holding.hold(form, html, user=user)
    fields = {"to": form.to, "cc": form.cc, "enable_tracking": form.track, "hold": hold, **more}
    return (await service.add_reply(ticket_id, author=user, html_body=html, **fields)).id  # type: ignore[arg-type]


async def value(db: Database, sql: str) -> object:
    async with db.connection() as conn:
        return await conn.fetch_value(sql)


async def test_it_waits_and_then_goes_out_once(runtime: Runtime, ticket_id: int, waits: User, db: Database) -> None:
    await send(ticket_id, waits)
    assert await delivery.claim(runtime, owner="one", limit=9) == []
    left = await value(db, "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), MAX(next_attempt_at)) FROM email_recipients")
    assert left in {8, 9, 10}
    async with db.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET next_attempt_at = UTC_TIMESTAMP(6)")
    claims = await asyncio.gather(*(delivery.claim(runtime, owner=str(number), limit=9) for number in range(3)))
    assert sum(map(len, claims)) == 2, "one copy for each recipient, whoever takes it"


async def test_undo_brings_everything_back(
    runtime: Runtime, ticket_id: int, waits: User, agent_client: Client, db: Database
) -> None:
    before = await service.ticket(ticket_id)
    upload = Upload("plan.txt", "text/plain", b"Plan")
    reply_id = await send(ticket_id, waits, uploads=[upload], then_status="closed")
    assert (await service.ticket(ticket_id)).status == "closed"

    response = await post(agent_client, f"/tickets/{ticket_id}/replies/{reply_id}/undo")

    assert response.location == f"/tickets/{ticket_id}#composer"
    for table in ("outgoing_emails", "email_recipients", "email_attachments", "held_replies"):
        assert await value(db, f"SELECT COUNT(*) FROM {table}") == 0  # noqa: S608
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    for words in ("Use &lt;b&gt;water&lt;/b&gt;", 'value="ann@example.org"', "plan.txt", "is in the composer again"):
        assert words in page, words
    assert 'name="track" value="1" checked' not in page
    assert f'id="reply-{reply_id}"' not in page
    after = await service.ticket(ticket_id)
    assert (after.status, after.last_reply_id, after.last_receipt, after.last_from) == (
        "open",
        None,
        None,
        before.last_from,
    )
    draft = await drafts.load(ticket_id, user=waits)
    assert draft is not None
    again = await service.add_reply(
        ticket_id, author=waits, html_body=draft.body_html, attachment_ids=draft.attachment_ids
    )
    assert again.mail is not None
    assert await value(db, "SELECT filename FROM attachments WHERE reply_id IS NOT NULL") == "plan.txt"


async def test_its_words_are_found_no_more(ticket_id: int, waits: User) -> None:
    reply_id = await send(ticket_id, waits, "<p>Zanzibar</p>")

    async def found(word: str) -> int:
        return len((await listing.list_tickets(parse({"view": "all", "q": word}, user_id=1))).rows)

    assert await found("zanzibar") == 1
    await holding.undo(ticket_id, reply_id, user=waits)
    assert (await found("zanzibar"), await found("burns")) == (0, 1)


async def test_what_was_begun_since_stays_below(ticket_id: int, waits: User) -> None:
    reply_id = await send(ticket_id, waits)
    await drafts.save(ticket_id, user=waits, kind="reply", body_html="<p>And more</p>")
    await holding.undo(ticket_id, reply_id, user=waits)
    draft = await drafts.load(ticket_id, user=waits)
    assert draft is not None
    assert draft.body_html == "<p>Use <b>water</b>.</p><p>And more</p>"


async def test_what_another_changed_meanwhile_stays(ticket_id: int, waits: User, other_agent: User) -> None:
    reply_id = await send(ticket_id, waits, then_status="closed")
    await service.change(ticket_id, user=other_agent, status="pending")
    await holding.undo(ticket_id, reply_id, user=waits)
    assert (await service.ticket(ticket_id)).status == "pending"


async def test_undo_comes_too_late_once_a_worker_has_a_copy(
    runtime: Runtime, ticket_id: int, waits: User, db: Database, smtp: ScriptedSmtp
) -> None:
    reply_id = await send(ticket_id, waits)
    async with db.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET next_attempt_at = UTC_TIMESTAMP(6)")
    assert len(await delivery.claim(runtime, owner="one", limit=1)) == 1
    with pytest.raises(TicketRefused, match="Too late"):
        await holding.undo(ticket_id, reply_id, user=waits)
    assert await value(db, "SELECT COUNT(*) FROM email_recipients") == 2


async def test_while_it_is_taken_back_no_worker_takes_it(
    runtime: Runtime, ticket_id: int, waits: User, db: Database
) -> None:
    reply_id = await send(ticket_id, waits)
    async with db.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET next_attempt_at = UTC_TIMESTAMP(6)")
    results = await asyncio.gather(
        holding.undo(ticket_id, reply_id, user=waits),
        delivery.claim(runtime, owner="one", limit=9),
        return_exceptions=True,
    )
    claimed = results[1]
    assert isinstance(claimed, list)
    assert bool(claimed) == isinstance(results[0], TicketRefused), "either is true, never both"


async def test_only_its_author_and_only_once(
    ticket_id: int, waits: User, other_client: Client, other_agent: User
) -> None:
    reply_id = await send(ticket_id, waits)
    page = await (await get(other_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert ("Sending in" in page, ">Undo<" in page) == (True, False)
    with pytest.raises(TicketRefused, match="Only who wrote"):
        await holding.undo(ticket_id, reply_id, user=other_agent)
    with pytest.raises(TicketNotFound):
        await holding.undo(ticket_id + 1, reply_id, user=waits)
    await holding.undo(ticket_id, reply_id, user=waits)
    with pytest.raises(TicketNotFound, match="taken back already"):
        await holding.undo(ticket_id, reply_id, user=waits)


async def test_send_now_does_not_wait(runtime: Runtime, ticket_id: int, waits: User, agent_client: Client) -> None:
    reply_id = await send(ticket_id, waits)
    await post(agent_client, f"/tickets/{ticket_id}/replies/{reply_id}/send-now")
    assert len(await delivery.claim(runtime, owner="one", limit=9)) == 2
    with pytest.raises(TicketRefused, match="Too late"):
        await holding.undo(ticket_id, reply_id, user=waits)


async def test_the_page_waits_the_api_does_not(
    app: Quart, runtime: Runtime, ticket_id: int, waits: User, agent_client: Client, db: Database
) -> None:
    headers = {"Host": HOST, "Authorization": f"Bearer {await accounts.create_api_token(waits.email)}"}
    body = {"html_body": "<p>By a program</p>"}
    answer = await app.test_client().post(f"/api/tickets/{ticket_id}/replies", json=body, headers=headers)
    assert answer.status_code == 201
    assert len(await delivery.claim(runtime, owner="one", limit=9)) == 1
    form = {"to": "bob@example.org", "body_text": "Hello", "after": "stay"}
    response = await post(agent_client, f"/tickets/{ticket_id}/replies", form)
    assert response.status_code == 303
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert page.count("Sending in") == 1
    assert await delivery.claim(runtime, owner="one", limit=9) == []


async def test_each_agent_chooses_how_long(agent_client: Client, agent: User, db: Database) -> None:
    assert (await post(agent_client, "/profile/sending", {"undo_seconds": "30"})).status_code == 303
    assert await value(db, f"SELECT undo_seconds FROM users WHERE id = {agent.id}") == 30  # noqa: S608
    refused = await post(agent_client, "/profile/sending", {"undo_seconds": "3600"})
    assert refused.status_code == 422
    assert "must be one of 0, 5, 10, 20, 30 seconds" in await refused.get_data(as_text=True)


async def test_a_new_tickets_mail_can_be_taken_back(agent_client: Client, waits: User, db: Database) -> None:
    form = {"requester": "bob@example.org", "subject": "Hi", "body_text": "Hello", "send_mail": "1"}
    response = await post(agent_client, "/tickets/new", form)
    path, _, anchor = str(response.location).partition("#reply-")
    await post(agent_client, f"{path}/replies/{anchor}/undo")
    page = await (await get(agent_client, path)).get_data(as_text=True)
    assert 'value="bob@example.org"' in page
    assert "Hello" in page
    assert await value(db, "SELECT COUNT(*) FROM outgoing_emails") == 0
    assert "The ticket stays open without a message" in page
    assert "This ticket has no message yet" in await (await get(agent_client, path)).get_data(as_text=True)


async def test_a_reply_that_waits_is_not_counted_as_sent(ticket_id: int, waits: User, agent_client: Client) -> None:
    await send(ticket_id, waits)
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "1 waiting" in page
    assert "1 sent" not in page
