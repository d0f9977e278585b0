"""The demo mailbox's answer form takes answers only from its own pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.demo.mailbox import create_mailbox
from app.demo.store import MailStore
from app.runtime import Runtime
from app.tickets import service

HEADERS = {"Host": "127.0.0.1:8025"}


@pytest.fixture
async def ticket_id(runtime: Runtime) -> int:
    """A ticket of Bob's."""
    return await service.create_ticket(subject="Order", requester="bob@x.org", text_body="Where?", created_by=None)


@pytest.fixture
async def mailbox(runtime: Runtime, agent: User, ticket_id: int, tmp_path: Path) -> tuple[Client, str]:
    """The mailbox with the mail of our reply to Bob, and the mail's path."""
    sent = await service.add_reply(ticket_id, author=agent, html_body="<p>On its way</p>")
    assert sent.mail is not None
    async with runtime.database.connection() as conn:
        message_id = await conn.fetch_value("SELECT message_id FROM outgoing_emails")
    store = MailStore(tmp_path / "mailbox")
    store.add("bob@x.org", f"Subject: Order\r\nMessage-ID: {message_id}\r\n\r\nOn its way\r\n".encode())
    [mail] = store.list()
    return create_mailbox(runtime, store).test_client(), f"/mail/{mail.id}"


async def _texts(ticket_id: int) -> list[str]:
    return [one.body_text.strip() for one in (await service.conversation(ticket_id)).messages]


async def test_an_answer_from_the_mails_page_reaches_the_ticket(mailbox: tuple[Client, str], ticket_id: int) -> None:
    client, path = mailbox
    page = await (await client.get(path, headers=HEADERS)).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([\w-]{43})"', page)
    assert found

    form = {"text": "Thank you", "csrf_token": found[1]}
    response = await client.post(f"{path}/reply", form=form, headers=HEADERS)

    assert (response.status_code, response.location) == (303, f"{path}?sent=1")
    assert await _texts(ticket_id) == ["Where?", "On its way", "Thank you"]


@pytest.mark.parametrize("origin", [None, "null", "http://127.0.0.1:8025", "https://evil.example"])
@pytest.mark.parametrize("token", [None, "", "guessed", "ünicode"])
async def test_an_answer_without_the_token_is_refused_wherever_it_says_it_comes_from(
    mailbox: tuple[Client, str], ticket_id: int, origin: str | None, token: str | None
) -> None:
    client, path = mailbox
    form = {"text": "I am Bob"} | ({} if token is None else {"csrf_token": token})
    headers = HEADERS | ({} if origin is None else {"Origin": origin})
    response = await client.post(f"{path}/reply", form=form, headers=headers)
    assert response.status_code == 403
    assert await _texts(ticket_id) == ["Where?", "On its way"]
