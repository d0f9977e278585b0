"""What is stored never holds a pixel or tracked link of ours, whichever way it comes in, with the module on or off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts.models import User
from app.accounts.service import user_by_id
from app.database import Database
from app.email.service import send_email
from app.plugin_host import PluginHost
from app.runtime import Runtime, current
from app.services.email import CopyIds
from app.tickets import drafts, service
from app.tickets.errors import TicketRefused
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.plugins.broken import Nonsense, Raises, Shouts
from tests.support.web import get, post

LINKS = Links(PORTAL_URL, Signer([SECRET_KEY]))
TID = CopyIds([SECRET_KEY]).new()
URL = "https://x.example/guide?a=1&b=2"
CLICK = LINKS.click(TID, URL) or ""
HTML = (
    f'<p>Again:</p><blockquote><p>See <a href="{escape(CLICK)}">the guide</a> or {escape(CLICK)}.</p>'
    f'<a href="{escape(LINKS.trap_click(TID))}" aria-hidden="true"></a><img src="{LINKS.pixel(TID)}" width="1" '
    'height="1" alt=""></blockquote>'
)
TEXT = f"Again:\n> See <{CLICK}>\n> or {CLICK}.\n> [{LINKS.pixel(TID)}]"
CLEAN_TEXT = f"Again:\n> See <{URL}>\n> or {URL}.\n> "
CLEAN_HTML = f'<p>Again:</p><blockquote><p>See <a href="{escape(URL)}">the guide</a> or {escape(URL)}.</p></blockquote>'
TABLES = (
    ("ticket_replies", "body_html", "body_text"),
    ("outgoing_emails", "html_body", "text_body"),
    ("drafts", "body_html"),
    ("tickets", "last_snippet"),
)
Way = Callable[[int, User], Awaitable[Any]]


async def stored(db: Database) -> list[str]:
    """Every body that the database holds, the newest message first."""
    async with db.connection() as conn:
        found = []
        for table, *columns in TABLES:
            rows = await conn.fetch_all(f"SELECT * FROM {table}")  # noqa: S608
            found += [str(row[column]) for row in rows for column in columns]
    return found


async def reply(ticket_id: int, agent: User) -> Any:
    return await service.add_reply(ticket_id, author=agent, html_body=HTML)


async def note(ticket_id: int, agent: User) -> Any:
    return await service.add_reply(ticket_id, author=agent, html_body=HTML, internal=True)


async def draft(ticket_id: int, agent: User) -> Any:
    return await drafts.save(ticket_id, user=agent, kind="reply", body_html=HTML)


async def opened(ticket_id: int, agent: User) -> Any:
    return await service.open_ticket(subject="s", requester="al@example.org", author=agent, html_body=HTML)


async def ticket_of_html(ticket_id: int, agent: User) -> Any:
    return await service.create_ticket(subject="s", requester="al@example.org", html_body=HTML, created_by=None)


async def ticket_of_text(ticket_id: int, agent: User) -> Any:
    return await service.create_ticket(subject="s", requester="al@example.org", text_body=TEXT, created_by=agent)


async def answer_of_both(ticket_id: int, agent: User) -> Any:
    return await service.add_customer_message(ticket_id, email="bob@example.org", html_body=HTML, text_body=TEXT)


async def answer_of_html(ticket_id: int, agent: User) -> Any:
    return await service.add_customer_message(ticket_id, email="bob@example.org", html_body=HTML)


async def answer_of_text(ticket_id: int, agent: User) -> Any:
    return await service.add_customer_message(ticket_id, email="bob@example.org", text_body=TEXT)


async def answer_by_mail(ticket_id: int, agent: User) -> Any:
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>Hi</p>")
    assert sent.mail is not None
    async with current().database.connection() as conn:
        row = await conn.fetch_one("SELECT message_id FROM outgoing_emails WHERE id = %(id)s", {"id": sent.mail.id})
    assert row is not None
    return await service.answer_by_mail(
        email="bob@example.org", in_reply_to=row["message_id"], html_body=HTML, text_body=TEXT
    )


async def mail(ticket_id: int, agent: User) -> Any:
    return await send_email(subject="s", recipients="al@example.org", html_body=HTML, text_body=TEXT)


async def mail_of_text(ticket_id: int, agent: User) -> Any:
    return await send_email(subject="s", recipients="al@example.org", text_body=TEXT)


WAYS: list[Way] = [
    reply,
    note,
    draft,
    opened,
    ticket_of_html,
    ticket_of_text,
    answer_of_both,
    answer_of_html,
    answer_of_text,
    answer_by_mail,
    mail,
    mail_of_text,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_no_way_in_stores_anything_of_ours(db: Database, ticket_id: int, agent: User, way: Way) -> None:
    await way(ticket_id, agent)
    bodies = await stored(db)
    assert any("x.example/guide" in body for body in bodies), "the destination took its place"
    for body in bodies:
        assert "email-tracking" not in body
        assert TID not in body


@pytest.mark.parametrize("way", [reply, note, opened, draft])
async def test_what_an_agent_wrote_is_otherwise_stored_as_ever(
    db: Database, ticket_id: int, agent: User, way: Way
) -> None:
    await way(ticket_id, agent)
    assert CLEAN_HTML in await stored(db)


async def test_a_customers_html_and_text_are_otherwise_stored_as_they_came(db: Database, ticket_id: int) -> None:
    await service.add_customer_message(ticket_id, email="bob@example.org", html_body=HTML, text_body=TEXT)
    message = (await service.conversation(ticket_id)).messages[-1]
    assert (message.body_html, message.body_text) == (CLEAN_HTML, CLEAN_TEXT)


async def test_a_tracked_link_in_a_signature_is_stored_as_its_destination(
    db: Database, ticket_id: int, agent: User
) -> None:
    await profile.change(agent, name=agent.name, signature=f"Guide: {CLICK}", timezone=agent.timezone)
    author = await user_by_id(agent.id)
    assert author is not None
    await service.add_reply(ticket_id, author=author, html_body="<p>Hi</p>")
    message = (await service.conversation(ticket_id)).messages[-1]
    assert message.body_text.endswith(f"Guide: {URL}")
    assert TID not in message.body_html


async def test_a_form_that_holds_only_a_pixel_is_refused_as_empty(ticket_id: int, agent: User) -> None:
    with pytest.raises(TicketRefused, match="empty"):
        await service.add_reply(ticket_id, author=agent, html_body=f'<p><img src="{LINKS.pixel(TID)}"></p>')


async def test_a_customers_mail_that_holds_only_a_pixel_is_kept_without_it(db: Database, ticket_id: int) -> None:
    await service.add_customer_message(ticket_id, email="bob@example.org", html_body=f'<img src="{LINKS.pixel(TID)}">')
    assert (await service.conversation(ticket_id)).messages[-1].body_html == "<p></p>"


async def test_the_composer_sends_and_keeps_drafts_without_anything_of_ours(
    db: Database, ticket_id: int, agent_client: Client
) -> None:
    await post(agent_client, f"/tickets/{ticket_id}/draft", {"kind": "reply", "body_html": HTML})
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "x.example/guide" in page
    assert TID not in page
    await post(
        agent_client, f"/tickets/{ticket_id}/replies", {"kind": "reply", "to": "bob@example.org", "body_html": HTML}
    )
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "x.example/guide" in page
    assert TID not in page


async def test_a_message_from_before_is_shown_without_anything_of_ours(
    db: Database, ticket_id: int, agent_client: Client
) -> None:
    new_id = await service.add_customer_message(ticket_id, email="bob@example.org", html_body="<p>x</p>")
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE ticket_replies SET body_html = %(html)s WHERE id = %(id)s", {"html": HTML, "id": new_id}
        )
    frame = await (await get(agent_client, f"/tickets/{ticket_id}/messages/{new_id}/frame")).get_data(as_text=True)
    assert "x.example/guide" in frame
    assert TID not in frame
    assert "remote image" not in frame


@pytest.mark.parametrize("plugin", [Raises(), Nonsense()], ids=["raises", "nonsense"])
async def test_a_module_that_fails_costs_no_message(
    runtime: Runtime, ticket_id: int, plugin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "plugins", PluginHost({"a": plugin, "shouts": Shouts()}))
    await service.add_customer_message(ticket_id, email="bob@example.org", html_body="<P>It BURNS.</P>")
    message = (await service.conversation(ticket_id)).messages[-1]
    assert (message.body_html, message.body_text) == ("<p>it burns.</p>", "it burns.")
